"""The story of pytilt in a minute: build and deploy a shop, edit a file, see it live, remove it all.

Without a terminal it plays by itself and ends with exit code 0; in a terminal it starts `tilt up` and says what to
edit.
"""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from private_engine import NoEngineError, engine, ensure_busybox

from pytilt.docker.discovery import find_engine
from pytilt.errors import EngineUnreachableError
from pytilt.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
TILT = ROOT / ".venv" / "bin" / "tilt"
PAGE = "http://localhost:8200/cgi-bin/index.cgi"
FIRST_ANSWER_SECONDS = 180.0
EDIT_SECONDS = 20.0


def main() -> int:
    """Play the story."""
    try:
        with engine(ROOT / ".engine", running_engine(), say) as host, tempfile.TemporaryDirectory() as folder:
            ensure_busybox(host, say)
            env = {**os.environ, "DOCKER_HOST": host, "TILT_CONTEXT": "engine"}
            shop = Path(folder, "shop")
            shutil.copytree(ROOT / "examples" / "shop", shop)
            if sys.stdin.isatty() and sys.stdout.isatty():
                return by_hand(shop, env)
            return by_itself(shop, env)
    except NoEngineError as problem:
        print(f"Error: {problem}", file=sys.stderr)
        return 1


def running_engine() -> str | None:
    """DOCKER_HOST of a container engine that runs here, or None; says how to get one where none can be started."""
    settings = Settings.from_environment()
    try:
        return asyncio.run(find_engine(settings)).url
    except EngineUnreachableError as problem:
        if os.geteuid() != 0:
            say(str(problem))
        return None


def by_hand(shop: Path, env: dict[str, str]) -> int:
    """Start `tilt up` for a person."""
    page = shop / "web" / "cgi-bin" / "index.cgi"
    say(f"once all is green, open {PAGE}")
    say(f"then edit {page}: it is in the running container as soon as you save it; ctrl-C ends this")
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run([TILT, "up"], cwd=shop, env=env, check=False)
    subprocess.run([TILT, "down"], cwd=shop, env=env, check=False)
    return 0


def by_itself(shop: Path, env: dict[str, str]) -> int:
    """Build, deploy, edit, and remove, telling each step."""
    say("`tilt up` builds three services and runs them on the container engine: no cluster is needed")
    began = time.monotonic()
    with session(shop, env) as process:
        before = until(lambda: answer("Shop"), FIRST_ANSWER_SECONDS, process, "the shop does not answer")
        say(f"served after {time.monotonic() - began:.1f} s:")
        show(before)
        page = shop / "web" / "cgi-bin" / "index.cgi"
        say(f"editing {page.relative_to(shop.parent)}")
        changed = page.read_text().replace("<h1>Shop</h1>", "<h1>Shop, freshly edited</h1>")
        saved = time.monotonic()
        page.write_text(changed)
        after = until(lambda: answer("freshly edited"), EDIT_SECONDS, process, "the edit is not served", pause=0.001)
        took = (time.monotonic() - saved) * 1000
        show(after)
        say(f"the edit was served {took:.0f} ms after it was saved, by the same pod")
    say("`tilt down` removes it all")
    return subprocess.run([TILT, "down"], cwd=shop, env=env, check=False).returncode


@contextlib.contextmanager
def session(shop: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `tilt up` as long as the block."""
    process = subprocess.Popen([TILT, "up", "--stream"], cwd=shop, env=env, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(10)


def answer(wanted: str) -> str | None:
    """The page, once it has a text in it."""
    with contextlib.suppress(OSError), urllib.request.urlopen(PAGE, timeout=5) as response:
        text: str = response.read().decode()
        return text if wanted in text and "does not answer" not in text else None
    return None


def until(
    check: Callable[[], str | None],
    seconds: float,
    process: subprocess.Popen[bytes],
    problem: str,
    pause: float = 0.1,
) -> str:
    """What a check gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        if found := check():
            return found
        time.sleep(pause)
    raise SystemExit(f"{problem} within {seconds:.0f} s")


def show(text: str) -> None:
    """Print a page as plain text."""
    lines = re.sub(r"<[^>]+>", "", text).splitlines()
    print("".join(f"    {line}\n" for line in lines if line.strip()), end="", flush=True)


def say(text: str) -> None:
    """Tell the next step."""
    print(f"\n==> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
