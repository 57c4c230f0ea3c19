"""From Dockerfiles to the steps that make an image. Pure."""

import re
from collections.abc import Mapping

from pytilt.images.build_stage import BuildPlace, Lookup, MadeStage, Outside, StageReader, UnclearError
from pytilt.images.dockerfile import Instruction, instructions
from pytilt.images.dockerfile_words import UnknownVariableError, Words, expanded, settings
from pytilt.model import references
from pytilt.model.images import DockerBuild, Image, ImageConfig
from pytilt.model.inference import Chain
from pytilt.model.names import ImageName
from pytilt.model.numbers import whole
from pytilt.model.regex import regex

_SYNTAX = regex(r"#\s*syntax\s*=\s*(\S+)", re.IGNORECASE)
_KNOWN_SYNTAX = regex(r"(docker\.io/)?docker/dockerfile(-upstream)?(:\S+)?")
_BACKTICK = regex(r"#\s*escape\s*=\s*`", re.IGNORECASE)
_FROM_BUILDER = frozenset(
    f"{side}{part}" for side in ("BUILD", "TARGET") for part in ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")
) | {"TARGETSTAGE", "SOURCE_DATE_EPOCH"}
"""Arguments whose values the builder knows best."""

_DEEPEST = 40


def build_chain(image: Image, images: Mapping[ImageName, Image], config: ImageConfig) -> Chain:
    """The steps that make an image.

    Args:
        image: of the Tiltfile.
        images: those that it builds upon, directly or not.
        config: of the image as it was built last, which says what comes from the image below all.
    """
    try:
        found = _Reader(image, images, config).image(image)
    except UnclearError as reason:
        return Chain(unclear=str(reason))
    if config.triggers > found.triggers:
        return Chain(unclear=f"the image `{found.base}` has `ONBUILD` instructions")
    return found.chain


class _Reader:
    """Reads the Dockerfile of an image, and those of the images below."""

    def __init__(self, image: Image, images: Mapping[ImageName, Image], config: ImageConfig) -> None:
        self._images = images
        self._depth = 0
        texts = [each.build.contents or "" for each in (image, *images.values()) if isinstance(each.build, DockerBuild)]
        read = [instruction for text in texts for instruction in instructions(text)]
        assigned = {name for each in read if each.keyword == "ENV" for name, _ in settings(Words(each))}
        moved = any(each.keyword == "WORKDIR" for each in read)
        self.outside = Outside(
            environment={name: value for name, value in config.environment if name not in assigned},
            hidden=frozenset(assigned),
            working_dir=None if moved else config.working_dir or "/",
        )

    def image(self, image: Image, label: str = "") -> MadeStage:
        """The image, from the bottom to its last stage."""
        build = image.build
        if not isinstance(build, DockerBuild):
            raise UnclearError(f"the image `{image.name}` is made by a command")
        self._depth += 1
        if self._depth > _DEEPEST:
            raise UnclearError("its images build upon one another")
        _check_directives(build.contents or "")
        found = _DockerfileStages(self, BuildPlace(label=label, build=build)).wanted()
        self._depth -= 1
        return found

    def base(self, word: str) -> MadeStage:
        """The image of this name: one of the Tiltfile's, nothing, or one from elsewhere."""
        if word == "scratch":
            return MadeStage()
        exact = frozenset(name for name, image in self._images.items() if image.match_exact)
        name = references.find_image(word, self._images, exact)
        if name is not None:
            return self.image(self._images[name], f"{name}, ")
        return MadeStage(base=word, workdir=self.outside.working_dir)


class _DockerfileStages:
    """One Dockerfile: its stages, each read when it is needed."""

    def __init__(self, reader: _Reader, place: BuildPlace) -> None:
        self._reader = reader
        self._place = place
        self._globals: dict[str, str | None] = {}
        self._given = dict(place.build.build_args)
        self._stages: list[list[Instruction]] = []
        self._names: dict[str, int] = {}
        self._made: dict[int, MadeStage] = {}
        for instruction in instructions(place.build.contents or ""):
            if instruction.keyword == "FROM":
                self._begin(instruction)
            elif self._stages:
                self._stages[-1].append(instruction)
            elif instruction.keyword == "ARG":
                self._globals |= self.arguments(instruction, self._globals.get)

    def wanted(self) -> MadeStage:
        """The last stage, or the target."""
        target = self._place.build.target
        if not self._stages:
            raise UnclearError("its Dockerfile has no `FROM`")
        number = self._index(target) if target else len(self._stages) - 1
        if number is None:
            raise UnclearError(f"its Dockerfile has no stage `{target}`")
        return self._stage(number)

    def source(self, word: str, above: int) -> MadeStage:
        """What `FROM` and `--from=` name: a stage before this one, or an image."""
        number = self._index(word)
        return self._stage(number) if number is not None and number < above else self._reader.base(word)

    def arguments(self, instruction: Instruction, lookup: Lookup) -> dict[str, str | None]:
        """The values that an `ARG` gives; None for one that only the builder knows."""
        found: dict[str, str | None] = {}
        for name, default in settings(Words(instruction)):
            if name in self._given:
                found[name] = self._given[name] or None
            elif default is not None:
                try:
                    found[name] = expanded(default, lookup)
                except UnknownVariableError:
                    found[name] = None
            elif name in self._globals:
                found[name] = self._globals[name]
            elif name in _FROM_BUILDER:
                found[name] = None
        return found

    def _begin(self, instruction: Instruction) -> None:
        words = Words(instruction).listed
        if len(words) > 2 and words[1].upper() == "AS":
            self._names[words[2].lower()] = len(self._stages)
        self._stages.append([instruction])

    def _index(self, word: str) -> int | None:
        if word.lower() in self._names:
            return self._names[word.lower()]
        number = whole(word)
        return number if number is not None and number < len(self._stages) else None

    def _stage(self, number: int) -> MadeStage:
        if number not in self._made:
            start, *rest = self._stages[number]
            below = self.source(self._base(start), number)
            reader = StageReader(self, self._reader.outside, number, below)
            reader.read(self._place, rest)
            self._made[number] = reader.made
        return self._made[number]

    def _base(self, start: Instruction) -> str:
        words = Words(start).listed

        def lookup(name: str) -> str | None:
            if name in _FROM_BUILDER or (name in self._globals and self._globals[name] is None):
                raise UnknownVariableError(name)
            return self._globals.get(name)

        try:
            return expanded(words[0], lookup) if words else ""
        except UnknownVariableError:
            raise UnclearError(f"{self._place.where(start)} names an image that only the builder knows") from None


def _check_directives(text: str) -> None:
    """Refuse what makes a Dockerfile another language.

    Raises:
        UnclearError: it is one.
    """
    for line in text.splitlines():
        if not line.strip().startswith("#"):
            return
        syntax = _SYNTAX.match(line.strip())
        if (syntax and not _KNOWN_SYNTAX.fullmatch(syntax[1])) or _BACKTICK.match(line.strip()):
            raise UnclearError(f"its Dockerfile is written in another language: `{line.strip()}`")
