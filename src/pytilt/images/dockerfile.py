"""Reading Dockerfiles: which images one builds upon, and the same text with others in their place."""

import re
from collections.abc import Container, Iterator, Mapping
from itertools import chain, takewhile
from typing import NamedTuple

from pytilt.model.base import Value
from pytilt.model.names import ImageName
from pytilt.model.references import find_image
from pytilt.model.regex import regex

_DIRECTIVE = regex(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$")
_HEREDOC = regex(r"(?<![<\w])\d*<<(-?)(['\"]?)([A-Za-z0-9_][\w.]*)\2")
_WITH_HEREDOCS = ("RUN", "COPY", "ADD")
_VARIABLE = regex(r"\\\$|\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^}]*))?\})")
_OWN_FRONTEND = regex(r"^(docker\.io/)?docker/dockerfile(:|@|$)")
_MAY_ASK = {
    "RUN": re.compile(r"--mount=\S*(type=['\"]?(ssh|secret)\b|\$)"),
    "ADD": re.compile(r"://|git@"),
    "ONBUILD": re.compile(r"type=(ssh|secret)\b"),
}
_WORD = regex(r"\S+")
_IMAGE_IN_FLAG = {"COPY": re.compile(r"(?<=--from=)\S+"), "RUN": re.compile(r"(?<=[=,]from=)[^,\s]+")}


class Instruction(Value):
    """One instruction: its continued lines joined, comments in between left out."""

    line: int
    """Its first line, from 1."""
    keyword: str
    """In upper case, for example `FROM`."""
    text: str
    """All of it, keyword included."""
    offsets: tuple[int, ...]
    """The position of each character of `text` in the Dockerfile."""


class ImageUse(Value):
    """A place of a Dockerfile that names an image."""

    line: int
    reference: str
    """With variables expanded."""
    start: int
    """Where the name starts in the Dockerfile's text, in characters."""
    end: int


def instructions(text: str) -> list[Instruction]:
    """Split a Dockerfile into its instructions."""
    return list(_instructions(text))


def needs_session(text: str) -> bool:
    """May a build of this Dockerfile ask for a key of `ssh=` or a value of `secret=`?

    `RUN --mount=type=ssh` and `type=secret` do, `ADD` of what is fetched may, and nobody knows what a frontend of
    somebody else's does.
    """
    for line in takewhile(_DIRECTIVE.match, text.splitlines()):
        found = _DIRECTIVE.match(line)
        if found and found[1].lower() == "syntax" and not _OWN_FRONTEND.search(found[2]):
            return True
    return any(_MAY_ASK[each.keyword].search(each.text) for each in _instructions(text) if each.keyword in _MAY_ASK)


def image_uses(text: str, build_args: Mapping[str, str] | None = None) -> list[ImageUse]:
    """Every image that a Dockerfile builds upon: `FROM`, `COPY --from=`, `RUN --mount=from=`; stages are no images.

    Args:
        text: the Dockerfile.
        build_args: values that go before the defaults of `ARG`; an empty one is none.
    """
    given = {name: value for name, value in (build_args or {}).items() if value}
    variables: dict[str, str] = {}
    stages: set[str] = set()
    uses: list[ImageUse] = []
    for instruction in _instructions(text):
        if instruction.keyword == "ARG":
            # One inside of a stage stands in for what is not declared above the first: no builder knows it there,
            # but Tilt does, so that such a name of a built image is found and written out.
            variables = {**arguments(instruction, variables, given), **variables}
        for found in _named_images(instruction):
            reference = expand(found[0], {**variables, **given}).strip("\"'")
            if reference and reference.lower() not in stages and reference != "scratch" and not reference.isdigit():
                start, end = instruction.offsets[found.start()], instruction.offsets[found.end() - 1] + 1
                uses.append(ImageUse(line=instruction.line, reference=reference, start=start, end=end))
        if instruction.keyword == "FROM":
            stages |= _stage_name(instruction)
    return uses


def with_bases(
    text: str,
    references: Mapping[ImageName, str],
    build_args: Mapping[str, str] | None = None,
    *,
    exact: Container[ImageName] = (),
) -> str:
    """The Dockerfile with other references in place of these images; line numbers stay the same.

    Args:
        text: the Dockerfile.
        references: what to write instead of each image.
        build_args: values that go before the defaults of `ARG`.
        exact: those of the images that only a reference with the same tag means.
    """
    pieces: list[str] = []
    position = 0
    for use in image_uses(text, build_args):
        name = find_image(use.reference, references, exact)
        if name is not None:
            pieces += [text[position : use.start], references[name]]
            position = use.end
    return "".join([*pieces, text[position:]])


def expand(word: str, variables: Mapping[str, str]) -> str:
    """Replace `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; what is not set becomes empty."""

    def value(found: re.Match[str]) -> str:
        if found[0].startswith("\\"):
            return "$"
        name, operator, other = found[1] or found[2], found[3] or "", found[4] or ""
        current = variables.get(name)
        present = bool(current) if operator.startswith(":") else current is not None
        if operator.endswith("+"):
            return expand(other, variables) if present else ""
        if operator.endswith("-") and not present:
            return expand(other, variables)
        return current or ""

    return _VARIABLE.sub(value, word)


def arguments(instruction: Instruction, variables: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The values that an `ARG` gives.

    Args:
        instruction: it.
        variables: those that its defaults may name.
        given: values that go before its defaults.
    """
    found: dict[str, str] = {}
    for word in instruction.text.split()[1:]:
        name, equals, default = word.partition("=")
        if name in given:
            found[name] = given[name]
        elif equals:
            found[name] = expand(default.strip("\"'"), {**variables, **found})
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    escape = escape_character(text)
    lines = _lines(text)
    for line in lines:
        if not line.text.strip() or line.is_comment:
            continue
        joined, offsets = _joined(line, lines, escape)
        indent = len(joined) - len(joined.lstrip())
        joined, offsets = joined[indent:], offsets[indent:]
        keyword = joined.split(maxsplit=1)[0].upper() if joined else ""
        yield Instruction(line=line.number, keyword=keyword, text=joined, offsets=tuple(offsets))
        _skip_heredocs(keyword, joined, lines)


class _SourceLine(NamedTuple):
    number: int
    start: int
    text: str

    @property
    def is_comment(self) -> bool:
        return self.text.lstrip().startswith("#")


def _lines(text: str) -> Iterator[_SourceLine]:
    position = 0
    for number, line in enumerate(text.split("\n"), start=1):
        yield _SourceLine(number, position, line.removesuffix("\r"))
        position += len(line) + 1


def _joined(line: _SourceLine, following: Iterator[_SourceLine], escape: str) -> tuple[str, list[int]]:
    """An instruction's lines as one, and the positions of its characters; comments and empty lines do not end it."""
    joined, offsets = "", list[int]()
    for part in chain([line], following):
        if part.is_comment:
            continue
        body = part.text.rstrip(" \t")
        continued = body.endswith(escape) and not body.endswith(escape * 2)
        body = body.removesuffix(escape) if continued else body
        joined += body
        offsets += range(part.start, part.start + len(body))
        if body.strip() and not continued:
            break
    return joined, offsets


def _skip_heredocs(keyword: str, text: str, lines: Iterator[_SourceLine]) -> None:
    words = text.split(maxsplit=2)
    if keyword == "ONBUILD" and len(words) > 1:
        keyword = words[1].upper()
    if keyword not in _WITH_HEREDOCS:
        return
    for dash, _, name in _HEREDOC.findall(text):
        for line in lines:
            if (line.text.lstrip("\t") if dash else line.text) == name:
                break


def escape_character(text: str) -> str:
    """The escape character: a backslash unless a directive at the top says otherwise."""
    for line in text.splitlines():
        found = _DIRECTIVE.match(line.strip())
        if found is None:
            break
        if found[1].lower() == "escape" and found[2] in ("\\", "`"):
            return found[2]
    return "\\"


def _named_images(instruction: Instruction) -> Iterator[re.Match[str]]:
    """Matches on the instruction's text that span just the name of an image."""
    words = list(_WORD.finditer(instruction.text))[1:]
    if instruction.keyword == "FROM":
        yield from [word for word in words if not word[0].startswith("--")][:1]
        return
    pattern = _IMAGE_IN_FLAG.get(instruction.keyword)
    for word in takewhile(lambda word: word[0].startswith("--"), words):
        found = pattern and pattern.search(instruction.text, word.start(), word.end())
        if found:
            yield found


def _stage_name(instruction: Instruction) -> set[str]:
    words = [word for word in instruction.text.split()[1:] if not word.startswith("--")]
    return {words[2].lower()} if len(words) > 2 and words[1].upper() == "AS" else set()
