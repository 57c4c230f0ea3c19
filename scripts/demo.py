"""The story of pytilt in a minute: build and deploy a shop, edit a file, see it live, remove it all.

Without a terminal it plays by itself and ends with exit code 0; in a terminal it starts `tilt up` and says what to
edit.
"""

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

ROOT = Path(__file__).resolve().parent.parent
TILT = ROOT / ".venv" / "bin" / "tilt"
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
PAGE = "http://localhost:8200/cgi-bin/index.cgi"
FIRST_ANSWER_SECONDS = 180.0
EDIT_SECONDS = 20.0


def main() -> int:
    """Play the story."""
    env = {**os.environ, **cluster_environment(), "TILT_DISABLE_ANALYTICS": "1"}
    with tempfile.TemporaryDirectory(prefix="pytilt-demo-") as folder:
        shop = Path(folder, "shop")
        shutil.copytree(ROOT / "examples" / "shop", shop)
        if sys.stdin.isatty() and sys.stdout.isatty():
            return by_hand(shop, env)
        return by_itself(shop, env)


def cluster_environment() -> dict[str, str]:
    """Start the test cluster, if it does not run, and tell the variables that lead to it."""
    say("starting a Kubernetes of one node (the first time takes some minutes: it is compiled)")
    done = subprocess.run([CLUSTER, "up"], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the test cluster does not start; see above, and {CLUSTER.parent}/README.md")
    return dict(re.findall(r"export (\w+)=(\S+)", done.stdout))


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
    say("`tilt up` builds and deploys three services")
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
