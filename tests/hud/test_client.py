import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from pytilt.errors import SessionUnreachableError
from pytilt.hud.client import Client
from pytilt.hud.session import Arguments, Click, Enable, LogQuery, TriggerRequest
from pytilt.hud.wire import Place
from pytilt.model.api.buttons import UIButton, UIButtonSpec, UIInputStatus
from pytilt.model.extensions import UsedExtension
from pytilt.model.logs import Level
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.objects import Resource, Runtime
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Reason
from pytilt.server.app import build_app
from pytilt.server.binding import bind
from pytilt.server.serving import serve
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.testing.scanner import InlineScanner
from pytilt.views.rows import rows
from tests import samples

WEB = ResourceName("web")


class Asked:
    """Writes down what the session is asked for."""

    def __init__(self) -> None:
        self.said: list[object] = []

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        self.said.append((name, reason))

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        self.said.append((tuple(names), enabled))

    def set_args(self, args: Sequence[str]) -> bool:
        self.said.append(tuple(args))
        return True

    def add_extension(self, extension: UsedExtension) -> bool:
        self.said.append(extension)
        return True

    def remove_extension(self, extension: UsedExtension) -> bool:
        self.said.append(extension.name)
        return True

    async def catch_up(self) -> None:
        self.said.append("catch up")


class Running:
    """A session that is served, with nothing behind it."""

    def __init__(self, folder: Path) -> None:
        self.store = Store()
        self.logs = LogStore(folder / "log")
        self.asked = Asked()
        self.client = Client(Place(host="localhost", port=1))

    def say(self, name: str, *texts: str, level: Level = Level.INFO, build: bool = False) -> None:
        for text in texts:
            self.logs.append(ResourceName(name), SpanId(name), text, level=level, build=build)


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Running]:
    running = Running(tmp_path)
    for each in samples.crashing():
        running.store.put(each)
    async with serving(running):
        yield running
    running.logs.close()


@asynccontextmanager
async def serving(running: Running) -> AsyncIterator[None]:
    app = build_app(running.store, running.logs, InlineScanner(), running.asked, token="secret", host="localhost")
    with await bind("localhost", 0) as listener:
        running.client = Client(Place(host="localhost", port=listener.getsockname()[1], token="secret"))
        async with asyncio.TaskGroup() as group:
            task = group.create_task(serve(app, listener))
            yield
            task.cancel()


async def test_the_state_of_a_session_is_reported_whole_and_then_whenever_it_changes(session):
    seen: list[Snapshot] = []
    changed = asyncio.Event()

    def take(state: Snapshot) -> None:
        seen.append(state)
        changed.set()

    async def until(reached):
        while not (seen and reached(seen[-1])):
            changed.clear()
            await changed.wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(session.client.objects(take))
        await until(lambda state: rows(state) == rows(session.store.snapshot()))
        session.store.put(samples.runtime("db", RuntimeStatus.ERROR, reason="OOMKilled"))
        session.store.delete(Runtime, "web")
        session.store.delete(Resource, "web")
        await until(lambda state: rows(state) == rows(session.store.snapshot()))
        task.cancel()


async def test_the_log_is_followed_from_its_last_lines_on(session):
    session.say("web", "one", "two", "three")
    seen: list[str] = []
    async with aclosing(session.client.follow(LogQuery(resource=WEB), 2)) as batches:
        async for batch in batches:
            seen += [line.text for line in batch]
            if seen[-1] == "three":
                session.say("db", "not of web")
                session.say("web", "four")
            if seen[-1] == "four":
                break
    assert seen == ["two", "three", "four"]


async def test_older_lines_are_found_however_far_apart_they_lie(session):
    session.say("web", "first")
    session.say("db", *map(str, range(5000)))
    session.say("web", "last", level=Level.ERROR)
    (last,) = await session.client.older(LogQuery(resource=WEB), None, 1)
    assert last.text == "last"
    assert [line.text for line in await session.client.older(LogQuery(resource=WEB), last.number, 9)] == ["first"]
    assert [line.text for line in await session.client.older(LogQuery(), last.number, 2)] == ["4998", "4999"]
    assert await session.client.older(LogQuery(), 0, 9) == []
    errors = await session.client.older(LogQuery(level=Level.ERROR), None, 9)
    assert [line.text for line in errors] == ["last"]


async def test_newer_lines_come_in_order_and_not_more_than_asked_for(session):
    session.say("web", *map(str, range(100)))
    assert [line.text for line in await session.client.newer(LogQuery(), 9, 3)] == ["10", "11", "12"]


async def test_what_is_asked_for_reaches_the_session(session):
    assert await session.client.ask(TriggerRequest(name=WEB)) == ""
    assert await session.client.ask(Enable(names=(WEB,), enabled=False)) == ""
    assert await session.client.ask(Arguments(args=("--debug",))) == ""
    assert session.asked.said == [(WEB, Reason.HUD_TRIGGER), ((WEB,), False), ("--debug",)]


async def test_a_refusal_is_reported(session):
    assert "does not exist" in await session.client.ask(TriggerRequest(name=ResourceName("gone")))


async def test_the_end_of_a_session_is_reported(tmp_path):
    running = Running(tmp_path)
    with pytest.raises(SessionUnreachableError):
        await running.client.objects(lambda _: None)
    running.logs.close()


async def test_a_wrong_token_is_reported(session):
    other = Client(Place(host="localhost", port=session.client.place.port, token="wrong"))
    with pytest.raises(SessionUnreachableError, match="invalid session token"):
        await other.objects(lambda _: None)


async def test_a_press_is_a_click_on_the_button_of_the_session(session):
    session.store.put(UIButton(name="web:a b", spec=UIButtonSpec(text="Go")))
    click = Click(button="web:a b", at="2026-01-01T00:00:00.000000Z", inputs=(UIInputStatus(name="A"),))
    async with serving(session):
        assert await session.client.ask(click) == ""
        status = session.store.get(UIButton, "web:a b").status
        assert (status.last_clicked_at, status.inputs) == (click.at, click.inputs)
        assert 'uibuttons.tilt.dev "gone" not found' in await session.client.ask(Click(button="gone", at=click.at))
        changed = asyncio.Event()
        seen: list[Snapshot] = []

        def take(state: Snapshot) -> None:
            seen.append(state)
            if state.all(UIButton):
                changed.set()

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(session.client.objects(take), name="objects")
            await changed.wait()
            watching.cancel()
    (button,) = seen[-1].all(UIButton)
    assert (button.spec.text, button.status.last_clicked_at) == ("Go", click.at)
