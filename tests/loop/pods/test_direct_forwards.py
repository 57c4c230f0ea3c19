from pytilt.loop.pods.direct_forwards import AUTHORIZED_SECONDS, DirectForwards
from pytilt.model.pods import Pod


class FakeHelper:
    """The helper in a pod: takes the connections that it is to take."""

    def __init__(self, *, takes: bool = True) -> None:
        self.takes = takes
        self.carried: list[tuple[int, int, int]] = []
        self.broken: list[int] = []

    async def connect(self, client: int, port: int, group: int) -> bool:
        self.carried.append((client, port, group))
        return self.takes

    def cut(self, group: int) -> None:
        self.broken.append(group)


def pod(name: str) -> Pod:
    return Pod(name=name, namespace="default", uid=f"uid of {name}", created_at="")


def test_connections_are_carried_directly_for_a_while_once_the_cluster_has_let_one_through():
    helper, now = FakeHelper(), 1000.0
    direct = DirectForwards(lambda _: helper, lambda: now)
    assert direct.helper(pod("a")) is None
    direct.authorize(pod("a"), opened=990.0)
    direct.authorize(pod("a"), opened=980.0)
    assert direct.helper(pod("a")) is helper
    assert direct.helper(pod("b")) is None
    now = 990.0 + AUTHORIZED_SECONDS
    assert direct.helper(pod("a")) is None


def test_without_a_helper_that_is_reached_connections_go_through_the_cluster():
    direct = DirectForwards()
    direct.authorize(pod("a"), opened=direct.now())
    assert direct.helper(pod("a")) is None


async def test_what_is_carried_for_a_forward_or_to_a_pod_is_broken_when_that_is_gone():
    one, other = FakeHelper(), FakeHelper(takes=False)
    direct = DirectForwards()
    assert await direct.carry(one, "web:1", pod("a"), 80, 5)
    assert not await direct.carry(other, "web:1", pod("b"), 80, 6)
    assert await direct.carry(one, "web:2", pod("a"), 81, 7)
    assert await direct.carry(one, "web:2", pod("a"), 81, 8)
    assert (one.carried, other.carried) == ([(5, 80, 1), (7, 81, 3), (8, 81, 3)], [(6, 80, 2)])
    direct.cut_unless(lambda _, name: name != "b")
    assert (one.broken, other.broken) == ([], [2])
    direct.cut("web:2")
    direct.cut("web:2")
    assert one.broken == [3]
    assert await direct.carry(one, "web:2", pod("a"), 81, 9)
    assert one.carried[-1] == (9, 81, 4)
