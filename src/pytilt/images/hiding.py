"""Keeping a Dockerfile that is no part of the context out of the image.

Builders read the Dockerfile from the context that they are sent, so one that is elsewhere, is ignored or is given
as text comes with `COPY . /app`. BuildKit gets it apart (`docker/build_session.py`). Podman leaves out what an ignore
file beside the Dockerfile names. The classic builder removes a Dockerfile that the context's `.dockerignore` names, and
that file itself where it names it too. Where the context has such a file of its own, and for BuildKit where no session
is allowed, the context is in the tar a second time, as hard links, and instructions that take all of it take it from
there. Pure.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from pytilt.errors import UserError
from pytilt.host.patterns import Pattern
from pytilt.images.context import IGNORE_FILE, Context
from pytilt.images.dockerfile import Instruction, arguments, expand, instructions

_WORD = re.compile(r"\S+")
_JSON_TEXT = re.compile(r'(?<=")(?:[^"\\]|\\.)*(?=")')
_SETTING = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|\S+)""")
_REMOTE = re.compile(r"\w[\w+.-]*://|git@")
_OWN_MOUNTS = re.compile(r'--mount=\S*/\.tilt-cache\S* |"/\.tilt-cache/\S+", ')
"""What `fast_build` puts before commands so that they have their caches."""
_GLOB = re.compile(r"[*?\[\\]")


class _Edit(NamedTuple):
    start: int
    """In characters of the Dockerfile."""
    end: int
    text: str


class HidingWay(StrEnum):
    """What a builder that is sent a tar heeds."""

    NOTHING = "nothing"
    """BuildKit."""
    OWN_IGNORE_FILE = "own-ignore-file"
    """An ignore file beside the Dockerfile: Podman."""
    IGNORE_FILE = "ignore-file"
    """The ignore file of the context, for the Dockerfile and itself: Docker's classic builder."""


def hidden(context: Context, build_args: Mapping[str, str], way: HidingWay) -> Context:
    """The context with the Dockerfile where no instruction takes it from.

    Args:
        context: as it was planned.
        build_args: with their values.
        way: of the builder.
    """
    if not context.spare:
        return context
    if way is HidingWay.OWN_IGNORE_FILE:
        return replace(context, ignore_file=f"{context.dockerfile}.dockerignore")
    if way is HidingWay.IGNORE_FILE and not context.own_ignore_file:
        return replace(context, dockerfile=context.spare, ignore_file=IGNORE_FILE)
    contents = taken_from(context.mirror, context.contents, build_args)
    return replace(context, contents=contents, mirrored=contents != context.contents)


def as_written(text: str, context: Context) -> str:
    """What a builder says, with the sources as the Dockerfile names them."""
    if context.mounts:
        return _OWN_MOUNTS.sub("", text)
    return text.replace(f"{context.mirror}/", "") if context.mirrored else text


def taken_from(directory: str, text: str, build_args: Mapping[str, str]) -> str:
    """The Dockerfile with sources that take the whole context replaced; line numbers stay the same.

    Args:
        directory: what they take instead, relative to the context.
        text: the Dockerfile.
        build_args: values that go before the defaults of `ARG`.
    """
    pieces: list[str] = []
    position = 0
    for edit in _edits(directory, text, build_args):
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    return "".join([*pieces, text[position:]])


def _edits(directory: str, text: str, build_args: Mapping[str, str]) -> Iterator[_Edit]:
    variables: dict[str, str] = {}
    for instruction in instructions(text):
        if instruction.keyword == "ARG":
            variables |= arguments(instruction, variables, build_args)
        elif instruction.keyword == "ENV":
            variables |= _settings(instruction, variables)
        elif instruction.keyword in ("COPY", "ADD"):
            yield from _sources(instruction, directory, {**variables, **build_args})
        elif instruction.keyword == "RUN":
            yield from _mounts(instruction, directory, {**variables, **build_args})


def _settings(instruction: Instruction, variables: Mapping[str, str]) -> dict[str, str]:
    rest = instruction.text.partition(" ")[2]
    found = {name: expand(value.strip("\"'"), variables) for name, value in _SETTING.findall(rest)}
    name, _, value = rest.strip().partition(" ")
    return found or {name: expand(value.strip(), variables)}


def _sources(instruction: Instruction, directory: str, variables: Mapping[str, str]) -> Iterator[_Edit]:
    words = list(_WORD.finditer(instruction.text))[1:]
    flags = [word[0] for word in takewhile(lambda word: word[0].startswith("--"), words)]
    if any(flag.startswith("--from=") for flag in flags):
        return
    found: list[re.Match[str]] = words[len(flags) :]
    if found and found[0][0].startswith("["):
        # Every second one is what is between two texts.
        found = list(_JSON_TEXT.finditer(instruction.text, found[0].start()))[::2]
    keeps_parents = any(flag.partition("=")[0] == "--parents" for flag in flags)
    for word in found[:-1]:
        source = _whole(expand(word[0].strip("\"'"), variables), posixpath.basename(posixpath.dirname(directory)))
        if source is not None:
            yield _edit(instruction, word.start(), word.end(), f"{directory}/{'./' if keeps_parents else ''}{source}")


def _mounts(instruction: Instruction, directory: str, variables: Mapping[str, str]) -> Iterator[_Edit]:
    """Mounts of the context; without a source, of all of it."""
    words = list(_WORD.finditer(instruction.text))[1:]
    for word in takewhile(lambda word: word[0].startswith("--"), words):
        flag, _, value = word[0].partition("=")
        settings = dict(part.partition("=")[::2] for part in value.split(","))
        if flag != "--mount" or settings.get("type", "bind") != "bind" or "from" in settings:
            continue
        key = "source" if "source" in settings else "src"
        if _whole(expand(settings.get(key, ""), variables), "") != ".":
            continue
        rest = [part for part in value.split(",") if not part.startswith(f"{key}=")]
        mount = ",".join([*rest, f"source={directory}/."])
        yield _edit(instruction, word.start(), word.end(), f"{flag}={mount}")


def _edit(instruction: Instruction, start: int, end: int, text: str) -> _Edit:
    return _Edit(instruction.offsets[start], instruction.offsets[end - 1] + 1, text)


def _whole(source: str, spare: str) -> str | None:
    """A source that takes all of the context or a part that the spare directory is in, relative to it; else None."""
    if source.startswith("<<") or _REMOTE.match(source):
        return None
    cleaned = posixpath.normpath(f"/{source}").lstrip("/")
    first = cleaned.partition("/")[0]
    if not first:
        return "."
    return cleaned if _GLOB.search(first) and _matches(first, spare) else None


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.fullmatch(Pattern(text=pattern).regex, name, re.DOTALL) is not None
    except (UserError, re.error):
        return False
