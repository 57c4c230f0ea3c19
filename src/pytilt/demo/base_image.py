"""The base image of the examples: pulled, or made of this machine's own static busybox where nothing can be pulled."""

import asyncio
import io
import struct
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pytilt.docker.api import DockerApi, path
from pytilt.errors import DockerApiError, EngineUnreachableError, UserError
from pytilt.host.processes import ProcessRequest, Runner

NAME = "busybox"
PULL_SECONDS = 60.0
BUSYBOX = Path("/bin/busybox")
"""Where distributions put it."""

_PT_INTERP = 3


async def ensure_base_image(api: DockerApi, runner: Runner, say: Callable[[str], None]) -> None:
    """Have the image in the engine.

    Args:
        api: the engine.
        runner: asks the static busybox for its commands.
        say: called with where the image comes from.

    Raises:
        UserError: it can be neither pulled nor made.
        EngineUnreachableError: the engine does not answer.
    """
    if await _is_there(api):
        return
    try:
        parameters = {"fromImage": f"docker.io/library/{NAME}", "tag": "latest"}
        await api.request("POST", "/images/create", params=parameters, timeout=PULL_SECONDS)
    except (DockerApiError, EngineUnreachableError) as error:
        problem = error.message
    else:
        problem = "the engine says nothing about the reason"
    if await _is_there(api):
        say(f"pulled the base image `{NAME}`")
        return
    binary = await asyncio.to_thread(static_busybox)
    if binary is None:
        raise UserError(
            f"the base image `{NAME}` cannot be pulled: {problem}",
            hint=f"see what `docker pull {NAME}` says, or install a static busybox: "
            "`sudo apt-get install busybox-static`",
        )
    say(f"the base image `{NAME}` cannot be pulled: making it of this machine's own static busybox")
    changes = ("CMD sh", "ENV PATH=/bin:/sbin:/usr/bin:/usr/sbin")
    await api.request(
        "POST",
        "/images/create",
        params={"fromSrc": "-", "repo": f"docker.io/library/{NAME}", "tag": "latest", "changes": changes},
        content=root(binary, await _applets(runner)),
        headers={"Content-Type": "application/x-tar"},
    )


async def _applets(runner: Runner) -> list[str]:
    """The commands that the program knows."""
    output: list[bytes] = []
    await runner.run(ProcessRequest(argv=(str(BUSYBOX), "--list"), dir="/"), output.append)
    return b"".join(output).decode().split()


async def _is_there(api: DockerApi) -> bool:
    try:
        await api.request("GET", path("images", NAME, "json"))
    except DockerApiError as error:
        if error.status == 404:
            return False
        raise
    return True


def static_busybox() -> bytes | None:
    """The program, None where this machine has none that runs without a loader."""
    try:
        binary = BUSYBOX.read_bytes()
    except OSError:
        return None
    return binary if is_static(binary) else None


def is_static(program: bytes) -> bool:
    """Is this a 64-bit program for Linux that needs no loader? See elf(5): none of its segments is a PT_INTERP."""
    if not program.startswith(b"\x7fELF\x02\x01"):
        return False
    try:
        (offset,) = struct.unpack_from("<Q", program, 32)
        size, count = struct.unpack_from("<HH", program, 54)
        kinds = [struct.unpack_from("<I", program, offset + number * size)[0] for number in range(count)]
    except struct.error:
        return False
    return _PT_INTERP not in kinds


def root(binary: bytes, applets: Sequence[str]) -> bytes:
    """The file system of the image, as a tar archive.

    Args:
        binary: the static busybox.
        applets: the commands that it knows.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        program = tarfile.TarInfo("bin/busybox")
        program.mode, program.size = 0o755, len(binary)
        tar.addfile(program, io.BytesIO(binary))
        for applet in applets:
            if applet == "busybox":
                continue
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname, link.mode = tarfile.SYMTYPE, "busybox", 0o777
            tar.addfile(link)
        folder = tarfile.TarInfo("tmp")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(folder)
    return buffer.getvalue()
