import asyncio

import pytest

from pytilt.host.listening import PortListener
from pytilt.loop.pods.direct_forwards import AUTHORIZED_SECONDS, TRIES, DirectForwards, Settle
from pytilt.model.pods import Pod


class FakeGrant:
    def __init__(self) -> None:
        self.holds, self.over, self.broken = True, False, False
        self.carried, self.returned = 0, 0

    def give_back(self, *, carried: int = 0) -> None:
        self.carried, self.returned, self.holds, self.over = carried, 1, False, not carried

    def revoke(self) -> None:
        self.holds = False

    async def stopped(self) -> None:
        await asyncio.sleep(0)

    def cut(self) -> None:
        self.broken = True


class FakeHelper:
    """The helper in a pod: accepts where it is to."""

    def __init__(self, *, accepts: bool = True) -> None:
        self.accepts = accepts
        self.asked: list[tuple[int, str]] = []
        self.grants: list[FakeGrant] = []

    def grant(
        self, listener: PortListener, port: int, address: str = "", settle: Settle = lambda go: go()
    ) -> FakeGrant | None:
        del listener, settle
        self.asked.append((port, address))
        if not self.accepts:
            return None
        self.grants.append(FakeGrant())
        return self.grants[-1]


def pod(name: str, ip: str = "") -> Pod:
    return Pod(name=name, namespace="default", uid=f"uid of {name}", created_at="", ip=ip)


def states(helper: FakeHelper) -> list[tuple[bool, bool]]:
    """Of each grant: does it hold, and was what it carries broken?"""
    return [(each.holds, each.broken) for each in helper.grants]


LISTENER = PortListener((), lambda _: None)


async def test_a_forward_is_granted_for_a_while_once_the_cluster_has_let_a_connection_through():
    helper, now = FakeHelper(), 1000.0
    direct = DirectForwards(lambda _: helper, lambda: now)
    direct.grant("web:1", pod("a"), 80, LISTENER)
    assert not helper.grants
    direct.authorize(pod("a"), opened=1000.02 - AUTHORIZED_SECONDS)
    direct.authorize(pod("a"), opened=1000.01 - AUTHORIZED_SECONDS)
    direct.grant("web:1", pod("b"), 80, LISTENER)
    assert not helper.grants
    for _ in range(2):
        direct.grant("web:1", pod("a"), 80, LISTENER)
    assert helper.asked == [(80, "")]
    assert [each.holds for each in helper.grants] == [True]
    await asyncio.sleep(0.05)
    assert [each.holds for each in helper.grants] == [False]
    now = 1000.02
    direct.grant("web:1", pod("a"), 80, LISTENER)
    assert len(helper.grants) == 1


async def test_without_a_helper_that_is_reached_and_accepts_nothing_is_granted():
    for direct in (DirectForwards(), DirectForwards(lambda _: FakeHelper(accepts=False))):
        direct.authorize(pod("a"), opened=direct.now())
        direct.grant("web:1", pod("a"), 80, LISTENER)
        direct.cut("web:1")
        await direct.withdraw("web:1")


class Clock:
    """A helper in `a`, and the clock."""

    def __init__(self) -> None:
        self.helper, self.now = FakeHelper(), 1000.0
        self.direct = DirectForwards(lambda _: self.helper, lambda: self.now)

    def grants(self, port: int = 80) -> int:
        """A connection through the cluster is answered; how often was it granted since the last time?"""
        before = len(self.helper.grants)
        self.direct.authorize(pod("a"), opened=self.now)
        self.direct.grant("web:1", pod("a"), port, LISTENER)
        return len(self.helper.grants) - before


async def test_where_every_connection_comes_back_it_is_granted_less_and_less_often():
    clock = Clock()
    for _ in range(TRIES):
        assert clock.grants()
        clock.helper.grants[-1].give_back()
    pauses = []
    for _ in range(8):
        began = clock.now
        while not clock.grants():
            clock.now += 1
        clock.helper.grants[-1].give_back()
        pauses.append(clock.now - began)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("mended", ["carried", "another port", "another helper"])
async def test_what_may_have_helped_is_tried_at_once(mended: str):
    clock = Clock()
    for _ in range(TRIES):
        clock.grants()
        clock.helper.grants[-1].give_back()
    assert not clock.grants()
    if mended == "another helper":
        clock.helper = FakeHelper()
    if mended == "carried":
        clock.now += 1
        assert clock.grants()
        clock.helper.grants[-1].give_back(carried=1)
        assert clock.grants(), "what is open was carried"
        clock.helper.grants[-2].over = True
        clock.helper.grants[-1].give_back()
    assert clock.grants(81 if mended == "another port" else 80)


async def test_connections_go_to_the_address_of_a_pod_where_those_of_the_session_do():
    helper = FakeHelper()
    direct = DirectForwards(lambda _: helper, plainly=True)
    for name, ip in (("a", "10.1.2.3"), ("b", "fd00::1"), ("c", "")):
        direct.authorize(pod(name), opened=direct.now())
        direct.grant(f"web:{name}", pod(name, ip), 80, LISTENER)
    assert helper.asked == [(80, "10.1.2.3:80"), (80, "[fd00::1]:80"), (80, "")]


async def test_what_is_carried_for_a_forward_or_to_a_pod_is_broken_when_that_is_gone():
    helper = FakeHelper()
    direct = DirectForwards(lambda _: helper)
    for name in ("a", "b"):
        direct.authorize(pod(name), opened=direct.now())
    direct.grant("web:1", pod("a"), 80, LISTENER)
    direct.revoke_unless(lambda forward, to, port: (forward, to.name, port) != ("web:1", "a", 80))
    direct.grant("web:1", pod("b"), 80, LISTENER)
    direct.grant("web:2", pod("a"), 81, LISTENER)
    assert states(helper) == [(False, False), (True, False), (True, False)]
    direct.cut_unless(lambda forward, name: (forward, name) != ("web:1", "a"))
    assert states(helper) == [(False, True), (True, False), (True, False)]
    await direct.withdraw("web:2")
    assert states(helper) == [(False, True), (True, False), (False, False)], "what is open goes on"
    direct.cut("web:2")
    assert states(helper) == [(False, True), (True, False), (False, True)]
