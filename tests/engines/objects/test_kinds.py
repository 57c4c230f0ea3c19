import pytest

from pytilt.engines.objects.kinds import is_kept
from pytilt.errors import ApplyError


@pytest.mark.parametrize(
    ("version", "kind", "kept"),
    [
        ("v1", "Pod", False),
        ("apps/v1", "Deployment", False),
        ("v1", "ReplicationController", False),
        ("v1", "ServiceAccount", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", True),
        ("autoscaling/v2", "HorizontalPodAutoscaler", True),
    ],
)
def test_kinds_are_run_or_kept(version, kind, kept):
    assert is_kept({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}}) is kept


@pytest.mark.parametrize(("version", "kind"), [("serving.knative.dev/v1", "Service"), ("v1", "Widget")])
def test_the_same_kind_of_another_group_is_something_else(version, kind):
    with pytest.raises(ApplyError, match=f"`{kind}/x` needs a Kubernetes cluster"):
        is_kept({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})


@pytest.mark.parametrize(
    ("version", "kind", "right"),
    [
        ("batch/v1beta1", "CronJob", "batch/v1"),
        ("apps/v1beta2", "Deployment", "apps/v1"),
        ("extensions/v1beta1", "Ingress", "networking.k8s.io/v1"),
        ("policy/v1beta1", "PodDisruptionBudget", "policy/v1"),
        ("autoscaling/v2beta2", "HorizontalPodAutoscaler", "autoscaling/v2"),
        ("v2", "Pod", "v1"),
        ("apps/v1", "Pod", "v1"),
    ],
)
def test_a_version_that_no_kubernetes_serves_is_refused_in_the_api_servers_words(version, kind, right):
    with pytest.raises(ApplyError) as caught:
        is_kept({"apiVersion": version, "kind": kind, "metadata": {"name": "old"}})
    assert caught.value.message == f'`{kind}/old`: no matches for kind "{kind}" in version "{version}"'
    assert caught.value.hint == f"write `apiVersion: {right}`"


def test_a_kind_that_was_removed_is_refused_in_the_same_words():
    with pytest.raises(ApplyError, match='no matches for kind "PodSecurityPolicy" in version "policy/v1beta1"'):
        is_kept({"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": "old"}})


@pytest.mark.parametrize("version", ["autoscaling/v1", "autoscaling/v2"])
def test_a_group_may_serve_several_versions(version):
    assert is_kept({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}})
