"""Functions that Tiltfiles can call: those of the host and of the language, and methods bound to their value."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytilt.dialect.containers import from_host
from pytilt.dialect.errors import DialectError
from pytilt.dialect.spelling import did_you_mean
from pytilt.dialect.values import HostValue, python_type_name, type_name
from pytilt.model.regex import regex

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Builtin(HostValue):
    """A function of the host's as a value of a Tiltfile.

    Args:
        name: how messages call it.
        function: what it does; its signature is the signature in the Tiltfile.
    """

    type_name = "builtin_function_or_method"

    def __init__(self, name: str, function: Callable[..., object]) -> None:
        self.name = name
        self._function = function

    @property
    def function(self) -> Callable[..., object]:
        """What it does."""
        return self._function

    @property
    def signature(self) -> inspect.Signature:
        """Its parameters, and what it returns."""
        return inspect.signature(self._function)

    @property
    def doc(self) -> str:
        """What it does; empty where nothing is said."""
        return inspect.getdoc(self._function) or ""

    def __call__(self, *arguments: object, **named: object) -> object:
        """Call it with the values of a Tiltfile.

        Raises:
            DialectError: the arguments do not fit the signature.
        """
        try:
            return from_host(self._function(*arguments, **named))
        except TypeError as error:
            if not raised_by_call(error):
                raise
            message = misfit(self.name, self.signature, arguments, named)
            raise DialectError(message) from error

    def __str__(self) -> str:
        return f"<built-in function {self.name}>"


class BoundMethod(Builtin):
    """A method together with the value that it belongs to.

    Args:
        name: how messages call it.
        receiver: the value.
        function: what it does, with the value as its first argument.
    """

    def __init__(self, name: str, receiver: object, function: Callable[..., object]) -> None:
        self.name = name
        self._receiver = receiver
        self._function = function

    def __call__(self, *arguments: object, **named: object) -> object:
        """Call it with the values of a Tiltfile.

        Raises:
            DialectError: the arguments do not fit the signature.
        """
        try:
            return self._function(self._receiver, *arguments, **named)
        except TypeError as error:
            if not raised_by_call(error):
                raise
            signature = inspect.signature(self._function)
            rest = list(signature.parameters.values())[1:]
            raise DialectError(misfit(self.name, signature.replace(parameters=rest), arguments, named)) from error

    def __str__(self) -> str:
        return f"<built-in method {self.name} of {type_name(self._receiver)} value>"


def builtin(name: str) -> Callable[[Callable[..., object]], Builtin]:
    """Make a Python function a function of Tiltfiles.

    Its signature is the signature in the Tiltfile: parameters with and without defaults, keyword-only ones after `*`,
    `*args` and `**kwargs`. A function that has only positional-only parameters gets Starlark's messages for such.
    Lists, dicts and sets that it returns are copied into those of the language.

    Args:
        name: how messages call it, with dots where it lives in a module: `os.getcwd`.

    Returns:
        The decorator.
    """
    return lambda function: Builtin(name, function)


def raised_by_call(error: TypeError) -> bool:
    """Whether the error came from calling, before the called function ran its first line.

    To be asked in the function that made the call, in the `except` around it.
    """
    return error.__traceback__ is not None and error.__traceback__.tb_next is None


def misfit(name: str, signature: inspect.Signature, arguments: tuple[object, ...], named: Mapping[str, object]) -> str:
    """Why arguments do not fit a signature, in Starlark's words."""
    parameters = signature.parameters.values()
    if all(parameter.kind is inspect.Parameter.POSITIONAL_ONLY for parameter in parameters):
        return _positional_misfit(name, list(parameters), len(arguments), bool(named))
    positional = [parameter.name for parameter in parameters if parameter.kind in _POSITIONAL]
    kinds = {parameter.kind for parameter in parameters}
    known = [*positional, *(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)]
    if len(arguments) > len(positional) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        return f"{name}: got {len(arguments)} arguments, want at most {len(positional)}"
    given = positional[: len(arguments)]
    for keyword in named:
        if keyword in given:
            return f'{name}: got multiple values for keyword argument "{keyword}"'
        if keyword not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
            return f'{name}: unexpected keyword argument "{keyword}"{did_you_mean(keyword, known)}'
    missing = [
        parameter.name
        for parameter in parameters
        if parameter.name in known and parameter.default is inspect.Parameter.empty
        and parameter.name not in given and parameter.name not in named
    ]  # fmt: skip
    return f"{name}: missing argument for {missing[0]}" if missing else f"{name}: the arguments do not fit"


def _positional_misfit(name: str, parameters: list[inspect.Parameter], given: int, named: bool) -> str:
    if named:
        return f"{name}: unexpected keyword arguments"
    most = len(parameters)
    least = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
    if given < least:
        return f"{name}: got {given} arguments, want {'at least ' if least < most else ''}{least}"
    return f"{name}: got {given} arguments, want {'at most ' if least < most else ''}{most}"


def invoke(function: object, *arguments: object, **named: object) -> object:
    """Call a value of a Tiltfile from Python code.

    Raises:
        DialectError: it cannot be called, or not with these arguments.
    """
    if not callable(function):
        raise DialectError(f"invalid call of non-function ({type_name(function)})")
    callee: Callable[..., Any] = function
    try:
        return callee(*arguments, **named)
    except TypeError as error:
        if raised_by_call(error):
            raise DialectError(explain_call(str(error))) from error
        raise


_TOO_MANY = regex(r"(\S+)\(\) takes (?:from \d+ to )?(\d+) positional arguments? but (\d+)")
_MISSING = regex(r"(\S+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)")
_UNEXPECTED = regex(r"(\S+)\(\) got an unexpected keyword argument '(\w+)'")
_MULTIPLE = regex(r"(\S+)\(\) got multiple values for (?:keyword )?argument '(\w+)'")
_MULTIPLE_OF_BUILTIN = regex(r"<built-in (?:function|method) (\S+?)(?: of .*)?> got multiple values .*'(\w+)'")
_MAKE_ENTRIES = frozenset({"dict", "update"})
_NOT_CALLABLE = regex(r"'(\w+)' object is not callable")


def explain_call(text: str) -> str:
    """What Starlark says where Python's message about a call is this text."""
    if (match := _TOO_MANY.match(text)) is not None:
        return _explain_too_many(text, *match.groups())
    if (match := _MISSING.match(text)) is not None:
        names = re.findall(r"'(\w+)'", match[2])
        return f"function {_plain(match[1])} missing {len(names)} argument{'s'[: len(names) > 1]} ({', '.join(names)})"
    if (match := _UNEXPECTED.match(text)) is not None:
        return f'function {_plain(match[1])} got an unexpected keyword argument "{match[2]}"'
    if (match := _MULTIPLE.match(text)) is not None:
        return f'function {_plain(match[1])} got multiple values for parameter "{match[2]}"'
    if (match := _MULTIPLE_OF_BUILTIN.match(text)) is not None:
        problem = "duplicate keyword arg:" if match[1] in _MAKE_ENTRIES else "got multiple values for keyword argument"
        return f'{match[1]}: {problem} "{match[2]}"'
    if (match := _NOT_CALLABLE.match(text)) is not None:
        return f"invalid call of non-function ({python_type_name(match[1])})"
    return text


def _explain_too_many(text: str, qualified: str, most: str, given: str) -> str:
    name = _plain(qualified)
    if most == "0":
        return f"function {name} accepts no arguments ({given} given)"
    limit = f"at most {most}" if " from " in text else most
    return f"function {name} accepts {limit} positional argument{'s'[: most != '1']} ({given} given)"


def _plain(qualified: str) -> str:
    """The name of a function without the names of those around it."""
    name = qualified.rpartition(".")[2]
    return "lambda" if name == "<lambda>" else name
