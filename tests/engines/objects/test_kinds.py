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


@pytest.mark.parametrize(
    ("version", "kind"), [("serving.knative.dev/v1", "Service"), ("v1", "Widget"), ("apps/v1", "Pod")]
)
def test_the_same_kind_of_another_group_is_something_else(version, kind):
    with pytest.raises(ApplyError, match=f"`{kind}/x` needs a Kubernetes cluster"):
        is_kept({"apiVersion": version, "kind": kind, "metadata": {"name": "x"}})
