"""The story of the demo: build and deploy a shop, edit a file, see it live, remove it all."""

import asyncio
import re
import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from pytilt.errors import UserError
from pytilt.host.ports import free_port, is_free
from pytilt.host.processes import ProcessRequest, Runner, RunningProcess
from pytilt.host.processes.attaching import attached
from pytilt.http.exchange import Exchange
from pytilt.http.wires import BrokenWireError, open_tcp
from pytilt.model.base import Value
from pytilt.settings import Settings

SHOP = Path(__file__).parent / "shop"
SHOP_PORT = 8200
"""What the example's Tiltfile forwards."""

PAGE = "/cgi-bin/index.cgi"

ANSWER_SECONDS = 5.0
FIRST_ANSWER_SECONDS = 180.0
EDIT_SECONDS = 20.0
STOP_GRACE_SECONDS = 10.0

Say = Callable[[str], None]
"""Prints one line."""

Output = Callable[[bytes], None]
"""Shows what a command prints."""


class Stage(Value):
    """Where the story is played."""

    shop: Path
    """The copy of the example."""
    port: int
    """Of the shop's page."""
    settings: Settings
    """The environment of the commands."""

    @property
    def page(self) -> Path:
        """The file that is edited."""
        return self.shop / "web" / "cgi-bin" / "index.cgi"

    @property
    def url(self) -> str:
        """Where the shop is served."""
        return f"http://localhost:{self.port}{PAGE}"

    def command(self, *words: str) -> ProcessRequest:
        """The command `tilt` in the shop."""
        argv = (sys.executable, "-P", "-m", "pytilt", *words)
        env = tuple(self.settings.environ.items())
        return ProcessRequest(argv=argv, dir=str(self.shop), env=env, stop_grace_seconds=STOP_GRACE_SECONDS)


def set_the_stage(settings: Settings, folder: Path) -> Stage:
    """Copy the shop, and choose ports on which nothing listens.

    Args:
        settings: of the engine to use.
        folder: an empty one.
    """
    shop = folder / "shop"
    shutil.copytree(SHOP, shop)
    port = SHOP_PORT if is_free(SHOP_PORT) else free_port()
    tiltfile = shop / "Tiltfile"
    tiltfile.write_text(tiltfile.read_text().replace(str(SHOP_PORT), str(port)))
    own = settings.port if settings.port and is_free(settings.port, settings.host) else free_port()
    environ = {**settings.environ, "TILT_CONTEXT": "engine", "TILT_PORT": str(own)}
    return Stage(shop=shop, port=port, settings=Settings.from_environment(environ))


async def by_hand(stage: Stage, say: Say) -> int:
    """Start `tilt up` for a person, and remove everything once they have left it."""
    say(f"once all is green, open {stage.url}")
    say(f"then edit {stage.page}: it is in the running container as soon as you save it; ctrl-C ends this")
    try:
        await attached(stage.command("up"), gets_interrupts=True)
    finally:
        status = await attached(stage.command("down"), gets_interrupts=True)
    return status


async def by_itself(stage: Stage, runner: Runner, say: Say, output: Output) -> int:
    """Build, deploy, edit, and remove, and report each step.

    Args:
        stage: where.
        runner: starts the commands.
        say: called with each step.
        output: shows what the commands print.

    Returns:
        The exit status.

    Raises:
        UserError: a step did not come to its end in time.
    """
    say("`tilt up` builds three services and runs them on the container engine: no cluster is needed")
    try:
        async with runner.start(stage.command("up", "--stream"), output) as session:
            await _play(stage, session, say)
    finally:
        say("`tilt down` removes it all")
        ended = await runner.run(stage.command("down"), output)
    return ended.exit_status


async def _play(stage: Stage, session: RunningProcess, say: Say) -> None:
    began = time.monotonic()

    before = await _while(session, _served(stage.port, "Shop"), FIRST_ANSWER_SECONDS, "the shop does not answer")
    say(f"served after {time.monotonic() - began:.1f} s:\n{_plain(before)}")
    say(f"editing {stage.page.relative_to(stage.shop.parent)}")
    changed = stage.page.read_text().replace("<h1>Shop</h1>", "<h1>Shop, freshly edited</h1>")
    saved = time.monotonic()
    stage.page.write_text(changed)
    after = await _while(session, _served(stage.port, "freshly edited"), EDIT_SECONDS, "the edit is not served")
    took = (time.monotonic() - saved) * 1000
    say(f"the edit was served {took:.0f} ms after it was saved, by the same pod:\n{_plain(after)}")


async def _served(port: int, wanted: str) -> str:
    """Ask until the page has a text in it."""
    while True:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                text = await _page(port)
        except (OSError, BrokenWireError):  # a TimeoutError too
            await asyncio.sleep(0.1)
            continue
        if wanted in text and "does not answer" not in text:
            return text
        await asyncio.sleep(0.001)


async def _page(port: int) -> str:
    exchange = Exchange(await open_tcp("localhost", port), f"localhost:{port}")
    try:
        await exchange.ask("GET", PAGE)
        return (await exchange.body()).decode(errors="replace")
    finally:
        exchange.wire.close()


async def _while(session: RunningProcess, answer: Awaitable[str], seconds: float, problem: str) -> str:
    """The answer, which must come while the session lives."""
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(_awaited(answer), name="asking")
        living = group.create_task(session.wait(), name="session")
        await asyncio.wait([asking, living], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        found = asking.result() if asking.done() else None
        reason = "`tilt up` ended" if living.done() else f"it took more than {seconds:.0f} s"
        asking.cancel()
        living.cancel()
    if found is None:
        raise UserError(f"{problem}: {reason}", hint="the output of `tilt up` is above")
    return found


async def _awaited(answer: Awaitable[str]) -> str:
    return await answer


def _plain(page: str) -> str:
    """A page as plain text."""
    lines = re.sub(r"<[^>]+>", "", page).splitlines()
    return "\n".join(f"    {line.strip()}" for line in lines if line.strip())
