"""`tilt demo`."""

import asyncio
import signal
import sys
import tempfile
from pathlib import Path

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.parsing import Option
from pytilt.errors import UserError
from pytilt.settings import Settings

_SESSION = "Changes nothing here: the demo finds a port by itself."


@subcommand(
    "demo",
    Option("--install-engine", is_flag=True, help="Install Docker where there is no engine (Debian, as root)."),
    Option("--tmpdir", help="Folder for the project; it stays. Default: one that is removed at the end."),
    Option("--no-cluster", is_flag=True, exposed=False, hidden=True, help="Changes nothing here: none is needed."),
    Option("--teardown", is_flag=True, hidden=True, help="Say that nothing is left to be removed."),
    Option("-f", "--file", hidden=True, help="Not there: `tilt up -f FILE`."),
    Option("-r", "--repo", hidden=True, help="Not there: `git clone` and `tilt up`."),
    *(Option(name, exposed=False, hidden=True, help=_SESSION) for name in ("--host", "--port", "--web-mode")),
    Option("--webdev-port", exposed=False, hidden=True, help=_SESSION),
)
def command(install_engine: bool, tmpdir: str | None, teardown: bool, file: str | None, repo: str | None) -> int:
    """Show what Tilt does with an example project: three services on this machine's container engine.

    In a terminal it starts `tilt up` and says what to edit. Elsewhere it plays by itself: build, run, edit, see the
    edit live, remove it all. Everything it has started is gone at the end; no cluster is needed.

    \b
    Examples:
      tilt demo
      tilt demo | cat         play by itself
    """
    if file or repo:
        hint = f"`tilt up -f {file}`" if file else f"`git clone https://{repo} demo && cd demo && tilt up`"
        raise UserError("the demo has a project of its own", hint=hint)
    if teardown:
        print("nothing is left: a demo removes at its end all that it has started")
        return 0
    settings = Settings.from_environment()
    if tmpdir is None:
        with tempfile.TemporaryDirectory(prefix="tilt-demo-") as folder:
            return asyncio.run(_run(settings, Path(folder), install=install_engine))
    return asyncio.run(_run(settings, _empty(Path(tmpdir)), install=install_engine))


def _empty(folder: Path) -> Path:
    if (folder / "shop").exists():
        raise UserError(f"`{folder / 'shop'}` exists already", hint="name another folder with `--tmpdir`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(f"`{folder}` cannot be made: {problem.strerror}") from problem
    return folder.resolve()


async def _run(settings: Settings, folder: Path, *, install: bool) -> int:
    """Play until the end, or until a signal: then what runs is removed all the same."""
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        story = group.create_task(_play(settings, folder, install=install, interactive=interactive), name="story")
        for each in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(each, story.cancel)
        # In a terminal ctrl-C is for `tilt up`, which gets it too; its end is the end of the story.
        loop.add_signal_handler(signal.SIGINT, _ignore if interactive else story.cancel)
        await asyncio.wait([story])
    return 130 if story.cancelled() else story.result()


def _ignore() -> None:
    pass


async def _play(settings: Settings, folder: Path, *, install: bool, interactive: bool) -> int:
    from pytilt.demo.base_image import ensure_base_image
    from pytilt.demo.private_engine import container_engine
    from pytilt.demo.story import by_hand, by_itself, set_the_stage
    from pytilt.docker.discovery import connected
    from pytilt.host.processes import HostRunner

    async with (
        HostRunner() as runner,
        container_engine(settings, runner, _say, install=install) as chosen,
    ):
        async with connected(chosen) as api:
            await ensure_base_image(api, runner, _say)
        stage = set_the_stage(chosen, folder)
        return await (by_hand(stage, _say) if interactive else by_itself(stage, runner, _say, _show))


def _say(text: str) -> None:
    print(f"\n==> {text}", flush=True)


def _show(output: bytes) -> None:
    sys.stdout.buffer.write(output)
    sys.stdout.buffer.flush()
