"""Settings on the command line: `--name value`, `--name=value`, `--name` for a bool, and the one without a name."""

import json
from collections.abc import Sequence
from enum import StrEnum

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model.base import Value

_DOCS = "https://docs.tilt.dev/tiltfile_config.html#positional-arguments"
_TRUE = {"1", "t", "T", "true", "TRUE", "True"}
_FALSE = {"0", "f", "F", "false", "FALSE", "False"}


class FlagKind(StrEnum):
    """What a setting holds; the words end the name of its `config.define_…`."""

    STRING_LIST = "string_list"
    STRING = "string"
    BOOL = "bool"
    OBJECT = "object"


_TYPE_NAMES = {
    FlagKind.STRING_LIST: "list[string]",
    FlagKind.STRING: "string",
    FlagKind.BOOL: "",
    FlagKind.OBJECT: "object",
}


class Setting(Value):
    """A setting that the Tiltfile defined."""

    name: str
    kind: FlagKind
    usage: str = ""
    positional: bool = False
    """Is it given without a name?"""

    def problem(self, value: object) -> str:
        """Why a value of `tilt_config.json` does not fit; empty when it does."""
        match self.kind:
            case FlagKind.STRING_LIST if not isinstance(value, list):
                return "expected array"
            case FlagKind.STRING_LIST if isinstance(value, list):
                wrong = next((item for item in value if not isinstance(item, str)), None)
                return "" if wrong is None else f"expected string, got {type_name(wrong)}"
            case FlagKind.STRING if not isinstance(value, str):
                return f"expected string, found {type_name(value)}"
            case FlagKind.BOOL if not isinstance(value, bool):
                return f"expected bool, found {type_name(value)}"
        return ""

    def with_text(self, old: object, text: str) -> object:
        """The value after it was given once more.

        Args:
            old: the value so far; None at first.
            text: what was given.

        Raises:
            UserError: the text does not fit, or the setting can be given only once.
        """
        if self.kind is FlagKind.STRING_LIST:
            return [*(old if isinstance(old, list) else []), text]
        if old is not None:
            raise UserError(
                f"{self.kind.value} settings can only be specified once. multiple values found (last value: {text})"
            )
        if self.kind is FlagKind.BOOL:
            if text not in _TRUE | _FALSE:
                raise UserError(f'strconv.ParseBool: parsing "{text}": invalid syntax')
            return text in _TRUE
        return _object(text) if self.kind is FlagKind.OBJECT else text


def parse_flags(settings: Sequence[Setting], args: Sequence[str]) -> dict[str, object]:
    """The settings that the command line gives, by name.

    Raises:
        UserError: a flag is unknown, or a value does not fit.
    """
    try:
        return _parse({setting.name: setting for setting in settings}, list(args))
    except UserError as error:
        raise UserError(f"invalid Tiltfile config args: {error.message}", hint=error.hint) from error


def _parse(settings: dict[str, Setting], args: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    words: list[str] = []
    while args:
        arg = args.pop(0)
        if arg == "--":
            words += args
            break
        if not arg.startswith("-") or arg == "-":
            words.append(arg)
            continue
        name, equals, value = arg.removeprefix("-").removeprefix("-").partition("=")
        setting = settings.get(name) if arg.startswith("--") else None
        if setting is None or setting.positional:
            problem = (
                f"unknown flag: --{name}" if arg.startswith("--") else f"unknown shorthand flag: '{name[:1]}' in {arg}"
            )
            raise UserError(problem + _usage(settings))
        if not equals:
            value = "true" if setting.kind is FlagKind.BOOL else _next(args, name, settings)
        found[name] = _given(setting, found.get(name), value, settings)
    _take_words(settings, words, found)
    return found


def _next(args: list[str], name: str, settings: dict[str, Setting]) -> str:
    if not args:
        raise UserError(f"flag needs an argument: --{name}" + _usage(settings))
    return args.pop(0)


def _given(setting: Setting, old: object, text: str, settings: dict[str, Setting]) -> object:
    try:
        return setting.with_text(old, text)
    except UserError as error:
        raise UserError(
            f'invalid argument "{text}" for "--{setting.name}" flag: {error.message}{_usage(settings)}'
        ) from error


def _take_words(settings: dict[str, Setting], words: list[str], found: dict[str, object]) -> None:
    if not words:
        return
    setting = next((setting for setting in settings.values() if setting.positional), None)
    if setting is None:
        raise UserError(
            f'positional CLI args ("{" ".join(words)}") were specified, but none were expected.\n'
            f"See {_DOCS} for examples."
        )
    for word in words:
        try:
            found[setting.name] = setting.with_text(found.get(setting.name), word)
        except UserError as error:
            raise UserError(f"invalid positional args ({setting.name}): {error.message}") from error


def _usage(settings: dict[str, Setting]) -> str:
    named = sorted((setting for setting in settings.values() if not setting.positional), key=lambda one: one.name)
    heads = [f"      --{setting.name} {_TYPE_NAMES[setting.kind]}".rstrip() for setting in named]
    width = max(map(len, heads), default=0)
    lines = [f"{head:{width}}   {setting.usage}".rstrip() for head, setting in zip(heads, named, strict=True)]
    return "\nUsage:\n" + "\n".join(lines) + "\n" if lines else ""


def _object(text: str) -> object:
    try:
        return json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        raise UserError(f'decoding JSON, got "{text}": {error.msg}') from error
