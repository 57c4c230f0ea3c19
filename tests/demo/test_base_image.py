import io
import tarfile

import pytest

from pytilt.demo.base_image import ensure_base_image, is_static, root
from pytilt.docker.discovery import connected
from pytilt.host.processes import HostRunner
from pytilt.settings import Settings


def elf(*segments: int) -> bytes:
    """The head of a 64-bit program with segments of these types."""
    head = b"\x7fELF\x02\x01".ljust(32, b"\0") + (64).to_bytes(8, "little")
    head = head.ljust(54, b"\0") + (56).to_bytes(2, "little") + len(segments).to_bytes(2, "little")
    return head.ljust(64, b"\0") + b"".join(kind.to_bytes(4, "little").ljust(56, b"\0") for kind in segments)


@pytest.mark.parametrize(
    ("program", "static"),
    [(elf(1, 1), True), (elf(6, 3, 1), False), (elf(1)[:70], True), (elf(1, 1)[:70], False), (b"#!/bin/sh", False)],
)
def test_a_program_is_static_if_no_segment_names_a_loader(program, static):
    assert is_static(program) is static


def test_the_image_has_the_program_its_commands_and_a_folder_for_temporary_files():
    with tarfile.open(fileobj=io.BytesIO(root(b"program", ["sh", "busybox", "httpd"]))) as tar:
        assert tar.getnames() == ["bin/busybox", "bin/sh", "bin/httpd", "tmp"]
        assert tar.getmember("bin/busybox").mode == 0o755
        assert tar.getmember("bin/httpd").linkname == "busybox"
        assert tar.getmember("tmp").mode == 0o1777


async def test_an_image_that_is_there_is_left_alone(engine_host):
    said: list[str] = []
    async with connected(Settings.from_environment({"DOCKER_HOST": engine_host})) as api, HostRunner() as runner:
        await ensure_base_image(api, runner, said.append)
    assert said == []
