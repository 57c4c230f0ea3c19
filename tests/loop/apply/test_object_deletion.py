import pytest

from pytilt.cluster import objects
from pytilt.errors import ClusterUnreachableError
from pytilt.loop.apply.object_deletion import ObjectDeletion
from pytilt.testing.cluster import FakeCluster
from tests.loop.declaring import plain

HELD = plain("ConfigMap", "held", finalizers=["example.com/paint"])
FREE = plain("ConfigMap", "free")


def refs(*wanted):
    return [objects.ref(each) for each in wanted]


async def test_what_goes_at_once_is_not_reported_of():
    cluster, lines = FakeCluster(), list[str]()
    cluster.put(FREE)
    assert await ObjectDeletion(cluster, lines.append, 5).run(refs(FREE, HELD)) == ([], [])
    assert (lines, cluster.stored) == ([], ())


async def test_what_does_not_go_is_reported_and_returned():
    cluster, lines = FakeCluster(), list[str]()
    cluster.put(HELD)
    deletion = ObjectDeletion(cluster, lines.append, 0.05)
    left, refused = await deletion.run(refs(HELD, FREE))
    assert (left, refused) == (refs(HELD), [])
    assert lines == ["Waiting up to 0.05s until they are gone: ConfigMap/held"]
    assert await deletion.described(left) == ["ConfigMap/held (finalizer `example.com/paint`)"]
    assert await deletion.held(refs(HELD, FREE)) == refs(HELD)


async def test_a_cluster_that_does_not_answer_is_no_group_of_errors():
    cluster = FakeCluster()
    cluster.unreachable = "no route to host"
    deletion = ObjectDeletion(cluster, lambda _: None, 5)
    for work in (deletion.run, deletion.described):
        with pytest.raises(ClusterUnreachableError):
            await work(refs(HELD, FREE))
