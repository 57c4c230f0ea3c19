"""Reading a command line that has nothing wrong in it, exactly as click does; any other is left to click.

`parsed` knows the few rules that nearly every command line keeps to, and gives up at the first word beyond them. So it
never says what is wrong, and never has to know.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go takes for a truth value."""

_MOST_DIGITS = 9


class OneOf:
    """A word of a few."""

    def __init__(self, *words: str) -> None:
        self.words = words

    def read(self, text: str) -> str | None:
        """The word; None where it is none of them as they are written."""
        return text if text in self.words else None


class IntRange:
    """A whole number.

    Args:
        least: the smallest one.
        most: the largest one; None: there is none.
    """

    def __init__(self, least: int, most: int | None = None) -> None:
        self.least = least
        self.most = most

    def read(self, text: str) -> int | None:
        """The number; None where it is none, or too small or large, or written in another way than by digits."""
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
            return None
        number = int(text)
        return number if number >= self.least and (self.most is None or number <= self.most) else None


ValueType = OneOf | IntRange


class Option:
    """An option of a command; one that `is_flag` is on or off.

    Args:
        words: `-f`, `--file`, and its name in Python where that is not the one of the long word.
        help: what it is for.
        is_flag: does it take no value?
        default: the value when it is not given.
        type: of the value; None: any text.
        multiple: may it be repeated, so that there are several values?
        required: must it be given?
        metavar: what its help calls the value.
        show_default: does its help name the default?
        hidden: is it left out of the help?
        exposed: does the command want its value?
        bare: its value where none is written; then a value is written with `=`, and not as the next word.
        convert: makes what the command gets of the value, also of the default.
    """

    def __init__(
        self,
        *words: str,
        help: str | None = None,  # noqa: A002 - click's name for it
        is_flag: bool = False,
        default: str | bool | None = None,
        type: ValueType | None = None,  # noqa: A002 - the same
        multiple: bool = False,
        required: bool = False,
        metavar: str | None = None,
        show_default: bool = False,
        hidden: bool = False,
        exposed: bool = True,
        bare: str | None = None,
        convert: Callable[[object], object] | None = None,
    ) -> None:
        self.words = tuple(word for word in words if word.startswith("-"))
        long = next((word for word in self.words if word.startswith("--")), "")
        self.name = next((word for word in words if not word.startswith("-")), long[2:].replace("-", "_"))
        self.help = help
        self.is_flag = is_flag
        self.default = default
        self.type = type
        self.multiple = multiple
        self.required = required
        self.metavar = metavar
        self.show_default = show_default
        self.hidden = hidden
        self.exposed = exposed
        self.bare = bare
        self.convert = convert

    @property
    def unset(self) -> object:
        """Its value when it is not given."""
        return () if self.multiple else self.default or False if self.is_flag else self.default


class Argument:
    """A word, or all that are left.

    Args:
        name: its name in Python, and in capitals that of the help.
        several: does it take all that are left?
        required: must there be one? Else what there is without is `default`, or nothing.
        default: the value without one.
        type: of the word; None: any text.
        metavar: what the help calls it.
    """

    exposed = True

    def __init__(
        self,
        name: str,
        *,
        several: bool = False,
        required: bool | None = None,
        default: str | None = None,
        type: OneOf | None = None,  # noqa: A002 - click's name for it
        metavar: str | None = None,
    ) -> None:
        self.name = name
        self.several = several
        self.required = not several and default is None if required is None else required
        self.default = default
        self.type = type
        self.metavar = metavar

    @property
    def unset(self) -> object:
        """Its value when there is none."""
        return () if self.several else self.default


class _LeftToClickError(Exception):
    """Something in a command line is not as plain as what is read here."""


def parsed(params: Sequence[Option | Argument], words: Sequence[str]) -> dict[str, object] | None:
    """The values that a command line gives.

    Args:
        params: what the command knows.
        words: what follows its name.

    Returns:
        The value of each parameter that the command wants; None where click has to read the words.
    """
    try:
        given, rest = _separated(params, words)
        values = [(each, _value(each, given, rest)) for each in params]
    except _LeftToClickError:
        return None
    return None if rest else {each.name: value for each, value in converted(values)}


def converted(values: Iterable[tuple[Option | Argument, object]]) -> Iterator[tuple[Option | Argument, object]]:
    """The parameters that the command wants, with what it gets of their values.

    Raises:
        UserError: a value is none that the parameter takes.
    """
    for param, value in values:
        made = value if isinstance(param, Argument) or param.convert is None else param.convert(value)
        if param.exposed:
            yield param, made


def _separated(params: Sequence[Option | Argument], words: Sequence[str]) -> tuple[dict[str, list[object]], list[str]]:
    """The values of the options, and the words that are none."""
    options = {word: each for each in params if isinstance(each, Option) for word in each.words}
    given: dict[str, list[object]] = {}
    rest: list[str] = []
    left = iter(words)
    for word in left:
        name, equals, text = word.partition("=")
        if word == "--":
            rest += left
        elif not word.startswith("-") or word == "-":
            rest.append(word)
        elif name not in options:
            raise _LeftToClickError
        else:
            value = _given(options[name], text if equals else None, left)
            given.setdefault(options[name].name, []).append(value)
    return given, rest


def _given(option: Option, text: str | None, left: Iterator[str]) -> object:
    """The value that is given to an option, with a `=`, or by the next word."""
    if option.is_flag:
        return _truth("true" if text is None else text)
    if option.bare is not None and (text or "").startswith("-"):
        raise _LeftToClickError
    if text is None:
        text = next(left, None) if option.bare is None else option.bare
    return _read(option.type, text)


def _value(param: Option | Argument, given: dict[str, list[object]], rest: list[str]) -> object:
    """The value of a parameter as the words have it; that of an argument is taken from those that are left."""
    if isinstance(param, Option):
        found, several = given.get(param.name, []), param.multiple
    else:
        count, several = len(rest) if param.several else 1, param.several
        found, rest[:count] = [_read(param.type, word) for word in rest[:count]], []
    if not found:
        if param.required:
            raise _LeftToClickError
        return param.unset
    return tuple(found) if several else found[-1]


def _truth(text: str) -> bool:
    if text not in TRUE and text not in FALSE:
        raise _LeftToClickError
    return text in TRUE


def _read(kind: ValueType | None, text: str | None) -> str | int:
    value = text if kind is None or text is None else kind.read(text)
    if value is None:
        raise _LeftToClickError
    return value
