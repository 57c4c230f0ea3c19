"""How the arguments of a Tiltfile's functions become values of ours, and what is said of those that cannot.

The names in capitals annotate the parameters of such functions; `functions` converts by them.
"""

import re
from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple

from pytilt.dialect.containers import StarlarkSet
from pytilt.dialect.formatting import to_repr
from pytilt.dialect.values import type_name
from pytilt.errors import UserError
from pytilt.host.patterns import parse_pattern
from pytilt.model import references
from pytilt.model.commands import Command
from pytilt.model.durations import duration_of
from pytilt.model.names import ImageName
from pytilt.model.resources import Link, PodReadiness
from pytilt.tiltfile.arguments.naming import label_problem, name_problem
from pytilt.tiltfile.arguments.urls import parse_link
from pytilt.tiltfile.arguments.values import Blob, DepValue, GitRepo, LinkValue, Mode, TriggerModeValue, placed


class Converted(NamedTuple):
    """Marks a parameter: how its argument is converted."""

    convert: Callable[[object, str], object] | None
    """From the argument and the directory of the file that is being executed; None: nothing needs converting."""
    kept: type | None = None
    """Values of this very type are converted already."""


LONGEST_DEBOUNCE_SECONDS = 60.0


def _plain(convert: Callable[[object], object], kept: type | None = None) -> Converted:
    return Converted(lambda value, _: convert(value), kept)


def text(value: object) -> str:
    """A string, and nothing but a string."""
    if isinstance(value, str):
        return value
    raise UserError(f"got {type_name(value)}, want string")


def stringable(value: object) -> str:
    """The text of a string or a blob."""
    if isinstance(value, str):
        return value
    if isinstance(value, Blob):
        return value.text
    raise UserError(f"Value should be convertible to string, but is type {type_name(value)}")


def flag(value: object) -> bool:
    """True or False."""
    if isinstance(value, bool):
        return value
    raise UserError(f"got {type_name(value)}, want bool")


def whole(value: object) -> int:
    """A whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise UserError(f"got {type_name(value)}, want int")


def items(value: object) -> list[object]:
    """The elements of a sequence, or the one value; nothing for None."""
    if value is None:
        return []
    if isinstance(value, list | tuple | dict | range | StarlarkSet):
        return list(value)
    return [value]


def sequence(value: object) -> list[object]:
    """The elements of a sequence."""
    if value is None or isinstance(value, list | tuple | dict | range | StarlarkSet):
        return items(value)
    raise UserError(f"got {type_name(value)}, want a list")


def texts(value: object) -> tuple[str, ...]:
    """The strings of a sequence."""
    found = sequence(value)
    for item in found:
        if not isinstance(item, str):
            raise UserError(f"'{to_repr(item)}' is of type {type_name(item)}, not a string")
    return tuple(str(item) for item in found)


def string_or_strings(value: object) -> tuple[str, ...]:
    """The texts of one string or blob, or of a list of them."""
    if isinstance(value, str | Blob):
        return (stringable(value),)
    for item in _list(value, "a string or List or Tuple of strings"):
        if not isinstance(item, str | Blob):
            raise UserError(
                f'list should contain only strings, but element "{_shown(item)}" was of type {type_name(item)}'
            )
    return tuple(stringable(item) for item in items(value))


def strings(value: object) -> tuple[str, ...]:
    """The texts of a list of strings or blobs."""
    for item in _list(value, "a List or Tuple of strings"):
        if not isinstance(item, str | Blob):
            raise UserError(
                f'value should contain only strings, but element "{_shown(item)}" was of type {type_name(item)}'
            )
    return tuple(stringable(item) for item in items(value))


def pairs(value: object) -> tuple[tuple[str, str], ...]:
    """The entries of a dict of strings, sorted by key."""
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise UserError(f"expected dict, got {type_name(value)}")
    for key, held in value.items():
        if not isinstance(key, str | Blob):
            raise UserError(f"key is not a string: {type_name(key)} ({_shown(key)})")
        if not isinstance(held, str | Blob):
            raise UserError(f"value is not a string: {type_name(held)} ({_shown(held)})")
    return tuple(sorted((stringable(key), stringable(held)) for key, held in value.items()))


def patterns(value: object, parameter: str) -> tuple[str, ...]:
    """The patterns of `ignore` or `only`: strings without line breaks.

    Args:
        value: one string, or a sequence.
        parameter: its name, for messages.
    """
    given = items(value)
    for item in given:
        if not isinstance(item, str):
            raise UserError(
                f"{parameter} must be a string or a sequence of strings; found a value of type {type_name(item)}"
            )
        if "\n" in item:
            raise UserError(f"{parameter} cannot contain newlines; found {parameter}: {to_repr(item)}")
    return checked_patterns(tuple(map(str, given)), parameter)


def checked_patterns(given: Sequence[str], parameter: str) -> tuple[str, ...]:
    """Patterns that can be read.

    Args:
        given: in the language of `.dockerignore`.
        parameter: the parameter's name, for messages.

    Raises:
        UserError: one of them cannot be read.
    """
    for pattern in given:
        try:
            parse_pattern(pattern)
        except UserError as error:
            raise UserError(f"{parameter}: {error.message}", hint=error.hint) from error
    return tuple(given)


def path(value: object, directory: str) -> str:
    """An absolute path.

    Args:
        value: a string, or a repository.
        directory: to which it is relative.
    """
    if isinstance(value, GitRepo):
        return value.path
    if isinstance(value, str):
        return placed(value, directory)
    raise UserError(f"expected path | string. Actual type: {type_name(value)}")


def paths(value: object, directory: str) -> tuple[str, ...]:
    """Absolute paths, of one string or a list of paths."""
    if isinstance(value, str):
        return (placed(value, directory),)
    found = []
    for index, item in enumerate(_list(value, "a string or List or Tuple of strings")):
        try:
            found.append(path(item, directory))
        except UserError as error:
            raise UserError(f"unpacking list item at index {index}: {error.message}") from error
    return tuple(found)


def name(value: object) -> str:
    """The name of a resource."""
    given = stringable(value)
    problem = name_problem(given)
    if problem:
        raise UserError(f'invalid value "{given}": {problem}')
    return given


def labels(value: object) -> tuple[str, ...]:
    """The labels of a resource, of one string or a list."""
    given = [value] if isinstance(value, str) else _list(value, "a label or List or Tuple of labels")
    for item in given:
        problem = label_problem(stringable(item))
        if problem:
            raise UserError(f'Invalid label "{stringable(item)}": {problem}')
    return tuple(dict.fromkeys(stringable(item) for item in given))


def trigger_mode(value: object) -> Mode | None:
    """One of the constants, or None."""
    if value is None:
        return None
    if isinstance(value, TriggerModeValue):
        return value.mode
    raise UserError(
        f"got {type_name(value)}, want TriggerMode", hint="use `TRIGGER_MODE_AUTO` or `TRIGGER_MODE_MANUAL`"
    )


def links(value: object) -> tuple[Link, ...]:
    """Links, of strings and of what `link()` returned."""
    found = []
    for item in items(value):
        if isinstance(item, LinkValue):
            found.append(item.link)
        elif isinstance(item, str):
            found.append(parse_link(item))
        else:
            raise UserError(
                f"Want a string, a link, or a sequence of these; found {_shown(item)} (type: {type_name(item)})"
            )
    return tuple(found)


def pod_readiness(value: object) -> PodReadiness | None:
    """A mode of readiness; None to infer it."""
    given = stringable(value)
    if given not in ("", *PodReadiness):
        raise UserError(f"Invalid value. Allowed: {{ignore, wait, succeeded}}. Got: {given}")
    return PodReadiness(given) if given else None


def image_names(value: object) -> tuple[ImageName, ...]:
    """References of images."""
    try:
        return tuple(references.image_name(given) for given in strings(value))
    except UserError as error:
        raise UserError(f"must be a valid image reference: {error.message}") from error


def duration(value: object) -> float:
    """Seconds, of a text as Go writes durations: `90s`, `1h30m`, `1.5h`."""
    if not isinstance(value, str):
        raise UserError(f"Expected string. Got: {type_name(value)}")
    found = duration_of(value)
    if found is None:
        unitless = re.fullmatch(r"[\d.]+", value.lstrip("+-"))
        problem = f'missing unit in duration "{value}"' if unitless else f'invalid duration "{value}"'
        raise UserError(f"time: {problem}", hint="write it as `90s`, `5m` or `1h30m`")
    return found


def dependencies(value: Sequence[object] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of resources that another one waits for, and of these those before each of its updates."""
    given = value or ()
    names = texts([each.name if isinstance(each, DepValue) else each for each in given])
    return names, tuple(each.name for each in given if isinstance(each, DepValue) and each.each_update)


def debounce(what: str, seconds: float | None) -> float:
    """How long files must be quiet before an update; a minute at most, since a slip of the unit would stop it."""
    if seconds is None:
        return 0.0
    if not 0 <= seconds <= LONGEST_DEBOUNCE_SECONDS:
        raise UserError(
            f'{what}: for parameter "debounce": must be between 0 and {LONGEST_DEBOUNCE_SECONDS:g}s; got {seconds:g}s',
            hint="write it as `500ms` or `2s`",
        )
    return seconds


def command(
    value: object, directory: str, env: Sequence[tuple[str, str]] = (), command_dir: object = None
) -> Command | None:
    """A command: a string for the shell, or a list of words; None when it is empty.

    Args:
        value: the argument.
        directory: that of the file that is being executed.
        env: added to the environment.
        command_dir: where it runs, when not in `directory`.
    """
    where = directory
    if command_dir is not None:
        try:
            where = path(command_dir, directory)
        except UserError as error:
            raise UserError(f"a command directory must be empty or a string: {error.message}") from error
    for key, held in env:
        if not key:
            raise UserError(f'environment has empty key for value "{held}"')
    words = _words(value)
    return Command(argv=words, dir=where, env=tuple(env)) if words else None


def _words(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        return ("sh", "-c", value.strip())  # so that the first line is run, not an empty one
    if not isinstance(value, list | tuple | dict | range | StarlarkSet):
        raise UserError(f"a command must be a string or list of strings. found {type_name(value)}")
    try:
        return texts(value)
    except UserError as error:
        raise UserError(f"a command must be a string or a list of strings: {error.message}") from error


def _list(value: object, wanted: str) -> list[object]:
    if value is not None and not isinstance(value, list | tuple):
        raise UserError(f"value should be {wanted}, but is of type {type_name(value)}")
    return items(value)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else to_repr(value)


Text = Annotated[str, _plain(text, str)]
Stringable = Annotated[str, _plain(stringable, str)]
Flag = Annotated[bool, _plain(flag, bool)]
Whole = Annotated[int, _plain(whole, int)]
Items = Annotated[list[object], _plain(items)]
Sequenced = Annotated[list[object], _plain(sequence)]
StringOrStrings = Annotated[tuple[str, ...], _plain(string_or_strings)]
Strings = Annotated[tuple[str, ...], _plain(strings)]
Pairs = Annotated[tuple[tuple[str, str], ...], _plain(pairs)]
LocalPath = Annotated[str, Converted(path)]
LocalPaths = Annotated[tuple[str, ...], Converted(paths)]
Name = Annotated[str, _plain(name)]
Labels = Annotated[tuple[str, ...], _plain(labels)]
TriggerMode = Annotated[Mode | None, _plain(trigger_mode)]
Links = Annotated[tuple[Link, ...], _plain(links)]
Readiness = Annotated[PodReadiness | None, _plain(pod_readiness)]
ImageNames = Annotated[tuple[ImageName, ...], _plain(image_names)]
Duration = Annotated[float, _plain(duration)]
