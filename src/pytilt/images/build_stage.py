"""Reading one stage of a Dockerfile into steps. Pure."""

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from pytilt.images.build_paths import joined
from pytilt.images.dockerfile import Instruction
from pytilt.images.dockerfile_words import UnknownVariableError, Words, expanded, settings
from pytilt.model.base import Value
from pytilt.model.images import DockerBuild
from pytilt.model.inference import Chain, Copied, Executed, Form, Mounted, Step, Taken
from pytilt.model.regex import regex

Lookup = Callable[[str], str | None]
"""The value of a variable; None when it is not set."""

_REMOTE = regex(r"\w[\w+.-]*://|git@")
_OCTAL = regex(r"[0-7]{3,4}")
_WITHOUT_FILES = frozenset(
    {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "SHELL", "STOPSIGNAL", "USER"}
)
_COPY_FLAGS = frozenset({"chown", "chmod", "from", "link", "exclude", "checksum"})
_SHOWN = 60


class UnclearError(Exception):
    """Nothing can be said of the whole image."""


class Outside(Value):
    """What is known of the image from elsewhere that all begins with."""

    environment: Mapping[str, str]
    hidden: frozenset[str]
    """Variables of which only the last value is known."""
    working_dir: str | None
    """None: not known."""

    def variable(self, name: str) -> str | None:
        """The value of a variable.

        Raises:
            UnknownVariableError: it may have any.
        """
        if name in self.hidden:
            raise UnknownVariableError(name)
        return self.environment.get(name)


class BuildPlace(Value):
    """A Dockerfile, and where it takes files from."""

    label: str
    """How it is called where there is more than one; empty for that of the image itself."""
    build: DockerBuild

    def where(self, instruction: Instruction) -> str:
        """An instruction, for people."""
        shown = re.sub(r"\s+", " ", instruction.text.strip())
        shown = f"{shown[: _SHOWN - 1]}…" if len(shown) > _SHOWN else shown
        return f"`{shown}` ({self.label}line {instruction.line})"


class MadeStage:
    """A stage, or an image, as far as it was read.

    Args:
        base: the image from elsewhere that it begins with.
        workdir: where it works; None when nobody can know.
    """

    def __init__(self, base: str = "", workdir: str | None = "/") -> None:
        self.base = base
        self.workdir = workdir
        self.steps: list[Step] = []
        self.environment: dict[str, str | None] = {}
        """None for a value that only the builder knows."""
        self.directories = {"/"}
        """What is a directory for sure."""
        self.on_build: list[tuple[BuildPlace, Instruction]] = []
        """What is yet to be done in whatever builds upon it."""
        self.triggers = 0
        """How many `ONBUILD` instructions it has, with all below."""

    @property
    def chain(self) -> Chain:
        """Its steps."""
        return Chain(steps=tuple(self.steps), base=self.base)

    def begun(self) -> "MadeStage":
        """One that builds upon this one."""
        other = MadeStage(self.base, self.workdir)
        other.steps = list(self.steps)
        other.environment = dict(self.environment)
        other.directories = set(self.directories)
        other.triggers = self.triggers
        return other


class Dockerfile(Protocol):
    """The Dockerfile that a stage is part of."""

    def source(self, word: str, above: int) -> MadeStage:
        """What `--from=` names: a stage before this one, or an image."""
        ...

    def arguments(self, instruction: Instruction, lookup: Lookup) -> dict[str, str | None]:
        """The values that an `ARG` gives; None for one that only the builder knows."""
        ...


class StageReader:
    """Reads the instructions of one stage.

    Args:
        dockerfile: that it is part of.
        outside: what is known of the image below all.
        number: which stage it is.
        below: what it builds upon.
    """

    def __init__(self, dockerfile: Dockerfile, outside: Outside, number: int, below: MadeStage) -> None:
        self.made = below.begun()
        self._dockerfile = dockerfile
        self._outside = outside
        self._number = number
        self._arguments: dict[str, str | None] = {}
        for place, instruction in below.on_build:
            self._one(place, instruction)

    def read(self, place: BuildPlace, rest: Sequence[Instruction]) -> None:
        """Read the instructions behind `FROM`.

        Raises:
            UnclearError: one of them is not known here.
        """
        for instruction in rest:
            self._one(place, instruction)

    def _one(self, place: BuildPlace, instruction: Instruction) -> None:
        match instruction.keyword:
            case "ARG":
                self._arguments |= self._dockerfile.arguments(instruction, self._variable)
            case "ENV":
                self._set(instruction)
            case "WORKDIR":
                self._move(instruction)
            case "COPY" | "ADD":
                self.made.steps.append(self._copy(place, instruction))
            case "RUN":
                self.made.steps.append(self._run(place, instruction))
            case "VOLUME":
                self._volume(place, instruction)
            case "ONBUILD":
                self._trigger(place, instruction)
            case keyword if keyword not in _WITHOUT_FILES:
                raise UnclearError(f"{place.where(instruction)} is not known here")

    def _variable(self, name: str) -> str | None:
        found = [known[name] for known in (self.made.environment, self._arguments) if name in known]
        if None in found or len(set(found)) > 1:  # which of `ENV` and `ARG` wins depends on the builder's version
            raise UnknownVariableError(name)
        if found:
            return found[0]
        return self._outside.variable(name) if self.made.base else None

    def _expanded(self, word: str) -> str:
        return expanded(word, self._variable)

    def _set(self, instruction: Instruction) -> None:
        found: dict[str, str | None] = {}
        for name, value in settings(Words(instruction)):
            try:
                found[name] = self._expanded(value or "")
            except UnknownVariableError:
                found[name] = None
        self.made.environment |= found

    def _move(self, instruction: Instruction) -> None:
        try:
            path = self._expanded(Words(instruction).rest)
        except UnknownVariableError:
            self.made.workdir = None
            return
        if path.startswith("/"):
            self.made.workdir = joined("/", path)
        elif self.made.workdir is not None:
            self.made.workdir = joined(self.made.workdir, path)
        if self.made.workdir is not None:
            self._found_directory(self.made.workdir)

    def _found_directory(self, path: str) -> None:
        while path not in self.made.directories:
            self.made.directories.add(path)
            path = posixpath.dirname(path)

    def _volume(self, place: BuildPlace, instruction: Instruction) -> None:
        for word in Words(instruction).listed:
            try:
                path = joined("/", self._expanded(word))
            except UnknownVariableError:
                path = "/"
            self.made.steps.append(Mounted(where=place.where(instruction), path=path))

    def _trigger(self, place: BuildPlace, instruction: Instruction) -> None:
        inner = instruction.text.partition(instruction.text.split()[0])[2].strip()
        keyword = inner.split(maxsplit=1)[0].upper() if inner else ""
        self.made.triggers += 1
        self.made.on_build.append(
            (place, Instruction(line=instruction.line, keyword=keyword, text=inner, offsets=instruction.offsets))
        )

    def _run(self, place: BuildPlace, instruction: Instruction) -> Executed:
        mounts, below = list[tuple[str, str]](), list[Chain]()
        for name, value in Words(instruction).flags:
            options = dict(part.partition("=")[::2] for part in value.split(","))
            if name != "mount" or options.get("type", "bind") not in ("bind", "cache"):
                continue
            try:
                origin = self._expanded(options.get("from", ""))
                source = self._expanded(options.get("source", options.get("src", "")))
            except UnknownVariableError:
                origin, source = "", ""
            if origin:
                below.append(self._dockerfile.source(origin, self._number).chain)
            elif options.get("type", "bind") == "bind":
                mounts.append((place.build.context, joined("/", source)[1:]))
        return Executed(where=place.where(instruction), mounts=tuple(mounts), below=tuple(below))

    def _copy(self, place: BuildPlace, instruction: Instruction) -> Step:
        where, words = place.where(instruction), Words(instruction)
        *sources, last = words.listed or [""]
        problem = next((f"`--{name}`" for name, _ in words.flags if name not in _COPY_FLAGS), "")
        try:
            destination, ends = self._destination(last)
            origin = self._expanded(words.flag("from") or "")
            sources = [source if source.startswith("<<") else self._expanded(source) for source in sources]
        except UnknownVariableError as unknown:
            problem, destination, ends, origin = f"the value of `{unknown}`", "", False, ""
        if not destination:
            problem = problem or "the working directory of its base image"
        local = [source for source in sources if not (source.startswith("<<") or _REMOTE.match(source))]
        if words.flag("from") is not None or (not local and not problem):
            below = self._dockerfile.source(origin, self._number).chain if origin else None
            self._arrives(destination, ends=ends or len(sources) > 1)
            taken = tuple(joined("/", source) for source in local)
            return Taken(where=where, sources=taken, below=below, destination=destination)
        return self._copied(place, where, words, local, destination, problem, ends=ends or len(sources) > 1)

    def _copied(
        self,
        place: BuildPlace,
        where: str,
        words: Words,
        sources: Sequence[str],
        destination: str,
        problem: str,
        *,
        ends: bool,
    ) -> Copied:
        linked = words.flag("link") not in (None, "false")
        known = not self.made.base and not any(isinstance(step, Executed | Taken) for step in self.made.steps)
        form = Form.FILE if linked or known else Form.OPEN
        if ends or (destination in self.made.directories and not linked):
            form = Form.DIRECTORY
        self._arrives(destination, ends=ends)
        try:
            owner = self._expanded(words.flag("chown") or "")
            mode = self._expanded(words.flag("chmod") or "")
            excludes = tuple(self._expanded(value) for name, value in words.flags if name == "exclude")
        except UnknownVariableError as unknown:
            owner, mode, excludes, problem = "", "", (), f"the value of `{unknown}`"
        if mode and not _OCTAL.fullmatch(mode):
            problem, mode = f"`--chmod={mode}`", ""
        return Copied(
            where=where,
            context=place.build.context,
            ignores=place.build.context_ignores,
            sources=tuple(joined("/", source)[1:] for source in sources),
            destination=destination,
            form=form,
            owner=owner,
            mode=int(mode, 8) if mode else None,
            excludes=excludes,
            extracts=words.name == "ADD",
            unclear=problem,
        )

    def _destination(self, word: str) -> tuple[str, bool]:
        """The absolute place, empty when it cannot be known, and whether it is a directory by its form."""
        path = self._expanded(word)
        ends = path.endswith(("/", "/.", "/..")) or path in ("", ".", "..")
        if path.startswith("/"):
            return joined("/", path), ends
        return (joined(self.made.workdir, path) if self.made.workdir is not None else ""), ends

    def _arrives(self, destination: str, *, ends: bool) -> None:
        if destination:
            self._found_directory(destination if ends else posixpath.dirname(destination))
