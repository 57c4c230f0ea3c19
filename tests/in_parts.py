"""Runs all tests in three processes beside each other, as `make test` does.

Tests that need a cluster, and those that need an engine alone, mostly wait; all others compute. Within a part tests run
one after the other, so that those of the cluster have it to themselves.

Up to three tests that failed run once more, alone, when the others are over: what a busy machine delays beyond the
limit of a test is no breakage. Both outcomes are shown; one that passes alone is called unstable, and
is a bug to be mended.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests import backends

PARTS = {
    "cluster": "cluster",
    "engine": "engine and not cluster",
    "plain": "not cluster and not engine",
}
"""The markers of each part, the longest first: it is shown while it runs, the others at their end."""

RUN_AGAIN = 3
"""So many tests at most run once more: when more fail, something is broken."""


def main(options: list[str]) -> int:
    """Run the parts; returns how the worst of them ended."""
    # Found here once: a part that ends first must not stop the cluster of another.
    found = backends.find(os.environ, cluster=True)
    try:
        with tempfile.TemporaryDirectory(prefix="pytilt-tests-") as folder:
            return _run(Path(folder), options)
    finally:
        if found.started and os.environ.get("CI") == "true":
            backends.stop()


def _run(folder: Path, options: list[str]) -> int:
    running: dict[str, subprocess.Popen[bytes]] = {}
    shown = next(iter(PARTS))
    try:
        for part, markers in PARTS.items():
            own = folder / part
            own.mkdir()
            environ: Mapping[str, str] = {**os.environ, "PYTEST_DEBUG_TEMPROOT": str(own)}
            command = [*_pytest(own), "-m", markers, *options]
            if part == shown:
                running[part] = subprocess.Popen(command, env=environ)
            else:
                with (own / "output").open("wb") as output:
                    running[part] = subprocess.Popen(command, env=environ, stdout=output, stderr=subprocess.STDOUT)
        statuses = {part: process.wait() for part, process in running.items()}
    finally:
        for process in running.values():
            if process.poll() is None:
                process.terminate()
                process.wait()
    for part in running.keys() - {shown}:
        sys.stdout.buffer.write(f"\n{part}:\n".encode() + (folder / part / "output").read_bytes())
    sys.stdout.flush()
    worst = max(abs(status) for status in statuses.values())
    failed = [test for part in PARTS for test in _failed(folder / part)]
    if worst != 1 or not 0 < len(failed) <= RUN_AGAIN:
        return worst
    print("\nfailed, and once more alone:", *failed, sep="\n  ", flush=True)
    alone = folder / "alone"
    alone.mkdir()
    status = subprocess.run([*_pytest(alone), *options, *failed], check=False).returncode
    if status == 0:
        print("unstable, passed alone:", *failed, sep="\n  ", flush=True)
    return status


def _pytest(folder: Path) -> list[str]:
    return [sys.executable, "-m", "pytest", "-o", f"cache_dir={folder / 'cache'}"]


def _failed(folder: Path) -> list[str]:
    """The tests of a part that failed, as pytest has kept them for `--last-failed`."""
    kept = folder / "cache" / "v" / "cache" / "lastfailed"
    return list(json.loads(kept.read_text())) if kept.exists() else []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
