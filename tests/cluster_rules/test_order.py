from pytilt.cluster.objects import name, ref
from pytilt.cluster.order import deletion_batches, deletion_stages, ordered, stages
from tests.cluster_rules.shop import deployment, plain, service

WEBHOOK = plain("ValidatingWebhookConfiguration", "hook", api_version="admissionregistration.k8s.io/v1")
CRD = plain("CustomResourceDefinition", "crd", api_version="apiextensions.k8s.io/v1")
THING = plain("Thing", "thing", api_version="example.com/v1")
SPACE = plain("Namespace", "space")


def test_what_others_refer_to_is_applied_first_and_webhooks_last():
    wanted = [WEBHOOK, THING, deployment("web"), service("web"), plain("Secret", "s"), CRD, SPACE]
    assert [name(o) for o in ordered(wanted)] == ["space", "crd", "s", "web", "web", "thing", "hook"]


def test_objects_of_one_kind_are_applied_together_and_deleted_backwards():
    wanted = [deployment("b"), service("s"), deployment("a"), SPACE]
    assert [[name(o) for o in stage] for stage in stages(wanted)] == [["space"], ["s"], ["b", "a"]]
    assert [[name(o) for o in stage] for stage in deletion_stages(wanted)] == [["a", "b"], ["s"], ["space"]]
    batches = deletion_batches(ref(o) for o in wanted)
    assert [[one.name for one in batch] for batch in batches] == [["b", "a"], ["s"], ["space"]]


def test_custom_resources_are_deleted_before_what_runs_and_before_their_definition():
    batches = deletion_batches(map(ref, [SPACE, CRD, WEBHOOK, deployment("operator"), THING]))
    assert [one.name for (one,) in batches] == ["thing", "hook", "operator", "crd", "space"]


def test_the_same_object_twice_is_applied_one_after_the_other():
    one, two = plain("Secret", "s"), plain("Secret", "s") | {"data": {}}
    assert stages([one, plain("Secret", "t"), two]) == ((one, plain("Secret", "t")), (two,))


def test_objects_that_leave_their_name_to_the_cluster_are_never_the_same():
    unnamed = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "j-"}}
    assert stages([unnamed, dict(unnamed)]) == ((unnamed, unnamed),)
