"""Copying the helper into a container that has a shell, through the same stream by which it then receives."""

import asyncio
import gzip
import hashlib
from collections.abc import Sequence
from functools import cache

from pytilt.errors import SyncError, WorkError
from pytilt.liveupdate.helper_stream import HelperAnswers
from pytilt.model.base import Value
from pytilt.synclet.binaries import binary

COPY_TIMEOUT_SECONDS = 60.0
"""How long it may take: a few megabytes, once for each container."""

_PLACES = ("/tmp", "/var/tmp", "/run", "/dev/shm")
_ARCHITECTURES = ("amd64", "arm64")

# A helper that is there from an earlier stream is taken. Else the first directory in which a file can be written and
# executed gets one: under another name first, so that it is never seen half there.
_PROGRAM = r"""
m=$(printf '\036')synclet-copy
case $(uname -m 2>/dev/null) in
  x86_64) a=amd64 n=.synclet-$1 ;;
  aarch64|arm64) a=arm64 n=.synclet-$2 ;;
  *) printf '%s machine %s\n' "$m" "$(uname -m 2>&1)"; exit 1 ;;
esac
r=$3; shift 3
for d; do [ -x "$d/$n" ] && exec "$d/$n" receive "$r"; done
t=
for d; do
  [ -d "$d" ] || continue
  t=$d/$n.$$
  { printf '#!/bin/sh\nexit 0\n' >"$t" && chmod 755 "$t" && "$t"; } </dev/null >/dev/null 2>&1 && break
  rm -f "$t" </dev/null >/dev/null 2>&1; t=
done
[ -n "$t" ] || { printf '%s nowhere\n' "$m"; exit 1; }
command -v head >/dev/null 2>&1 || { rm -f "$t"; printf '%s missing head\n' "$m"; exit 1; }
z=plain
command -v gzip >/dev/null 2>&1 && z=gzip
printf '%s want %s %s\n' "$m" "$a" "$z"
IFS= read -r size || exit 1
if [ "$z" = gzip ]; then head -c "$size" | gzip -dc >"$t"; else head -c "$size" >"$t"; fi || { rm -f "$t"; exit 1; }
mv "$t" "$d/$n" && exec "$d/$n" receive "$r"
"""

_MARK = b"\x1esynclet-copy "


class _Packed(Value):
    plain: bytes
    zipped: bytes


def copy_command(root: str, places: Sequence[str]) -> tuple[str, ...]:
    """The command that becomes a helper, once it has got one.

    Args:
        root: the directory that stands for the root of the container.
        places: directories in which it may be possible to write, besides the usual ones.
    """
    digests = [_digest(architecture) for architecture in _ARCHITECTURES]
    directories = dict.fromkeys((*_PLACES, *places))
    return ("sh", "-c", _PROGRAM.strip(), "tilt-live-update", *digests, root, *directories)


async def bring_helper(answers: HelperAnswers) -> None:
    """Send the helper if the container asks for one.

    Raises:
        SyncError: it cannot take one, or there is none for its machine.
    """
    line = await answers.peek_line()
    if not line.startswith(_MARK):
        return
    match (await answers.line())[len(_MARK) :].decode(errors="replace").split():
        case ["want", architecture, form] if architecture in _ARCHITECTURES:
            try:
                packed = await asyncio.to_thread(_packed, architecture)
            except WorkError as error:
                raise SyncError(error.message, hint=error.hint) from error
            content = packed.zipped if form == "gzip" else packed.plain
            await answers.send_raw(b"%d\n" % len(content) + content)
        case ["nowhere"]:
            raise SyncError("no directory in the container takes a program, so the helper cannot be copied")
        case ["missing", tool]:
            raise SyncError(f"`{tool[:200]}` is not in the container")
        case words:
            raise SyncError(f"there is no helper for this container: {' '.join(words)[:200]}")


def _digest(architecture: str) -> str:
    try:
        return hashlib.sha256(_content(architecture)).hexdigest()[:12]
    except WorkError:
        return "none"


@cache
def _content(architecture: str) -> bytes:
    return binary(architecture)


@cache
def _packed(architecture: str) -> _Packed:
    content = _content(architecture)
    return _Packed(plain=content, zipped=gzip.compress(content, 6, mtime=0))
