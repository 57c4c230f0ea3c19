"""Functions of a Tiltfile as methods: their parameters are annotated, their arguments converted, their names collected.

A class with methods marked by `function("docker_build")` is a topic; `functions_of` gives what a Tiltfile can call.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from operator import itemgetter
from time import perf_counter
from types import FunctionType, MethodType
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pytilt.dialect import DialectError, builtin, misfit, to_repr, with_trace_here
from pytilt.dialect.functions import raised_by_call
from pytilt.errors import PytiltError, UserError
from pytilt.tiltfile.arguments.conversions import Converted
from pytilt.tiltfile.running.report import Call

_NAMES = "_tiltfile_names"
_OTHER = "_tiltfile_other"
_ENDING = frozenset({"exit", "fail"})
"""Functions that end the Tiltfile in any case."""
_RESULT_SELDOM_USED = frozenset({"docker_build"})
"""Functions that return something, which hardly a Tiltfile asks for."""

_AS_IT_IS = Converted(None)

Arguments = Sequence[object]
Named = Mapping[str, object]


class OtherForm(NamedTuple):
    """Another form that calls of a function may have."""

    applies: Callable[[Arguments, Named], bool]
    """Does a call with these arguments have it?"""
    method: str
    """The method of the topic that is called then."""


Method = TypeVar("Method", bound=Callable[..., object])


def function(*names: str, other: OtherForm | None = None) -> Callable[[Method], Method]:
    """Mark a method as a function of the Tiltfile.

    Args:
        names: what a Tiltfile calls it, with dots for what is in a module, for example `os.path.join`.
        other: a form of calls that another method takes.
    """

    def mark(method: Method) -> Method:
        setattr(method, _NAMES, names)
        setattr(method, _OTHER, other)
        return method

    return mark


def functions_of(
    topic: object,
    directory: Callable[[], str],
    calls: list[Call] | None = None,
    problems: list[PytiltError] | None = None,
) -> Mapping[str, object]:
    """What a Tiltfile can call of a topic, by name.

    Args:
        topic: an object with marked methods.
        directory: gives the directory of the file that is being executed.
        calls: takes every call with its time; None where nobody asks.
        problems: takes what is wrong with calls that return nothing, after which the Tiltfile goes on; None where it
            ends with the first error.
    """
    found: dict[str, object] = {}
    for name, attribute, member in _marked(type(topic)):  # type: ignore[arg-type] # mypy looks at the hash of its instances
        called = converting(name, getattr(topic, attribute), directory, problems)
        if (other := getattr(member, _OTHER)) is not None:
            form = converting(name, getattr(topic, other.method), directory, problems)
            called = _either(called, other.applies, form)
        if problems is not None and _goes_on(name, member):
            called = _going_on(called, problems)
        found[name] = builtin(name)(called if calls is None else _timed(name, called, calls))
    return found


@cache
def _marked(topic: type[object]) -> tuple[tuple[str, str, FunctionType], ...]:
    """The names of a topic's functions, each with its method."""
    members = {key: value for each in reversed(topic.__mro__) for key, value in vars(each).items()}
    return tuple(
        (name, attribute, member)
        for attribute, member in sorted(members.items(), key=itemgetter(0))
        if isinstance(member, FunctionType)
        for name in getattr(member, _NAMES, ())
    )


def converting(
    name: str,
    method: Callable[..., object],
    directory: Callable[[], str],
    problems: list[PytiltError] | None = None,
) -> Callable[..., object]:
    """The method with every argument converted as its annotation says.

    Args:
        name: how messages call it.
        method: the method of a topic.
        directory: gives the directory of the file that is being executed.
        problems: takes what is wrong with more than one argument of a call.
    """
    assert isinstance(method, MethodType), "topics are objects"
    function = method.__func__

    @wraps(method)
    def called(*arguments: object, **named: object) -> object:
        takes = _parameters(function)
        given: Arguments = arguments
        keywords: Named = named
        if takes.converters:
            where = directory()
            try:
                given, keywords = takes.converted(arguments, named, where)
            except UserError as error:
                raise takes.wrong(name, arguments, named, where, problems) from error
        try:
            return method(*given, **keywords)
        except TypeError as error:
            if not raised_by_call(error):
                raise
            raise DialectError(misfit(name, takes.signature, arguments, named)) from error

    return called


class _Parameters:
    """What a method takes. Found out at the first call, for all evaluations."""

    def __init__(self, function: FunctionType) -> None:
        first, *rest = inspect.signature(function).parameters.values()
        assert first.name == "self", "topics are classes"
        self.signature = inspect.Signature(rest)
        self.converters = _converters(function)
        self._order = tuple(each.name for each in rest)
        self._positional = tuple(
            self.converters.get(each.name, _AS_IT_IS) if each.kind is each.POSITIONAL_OR_KEYWORD else _AS_IT_IS
            for each in rest
        )

    def converted(self, arguments: Arguments, named: Named, where: str) -> tuple[Arguments, Named]:
        """The arguments as the method takes them. Whether they fit it shows when it is called.

        Raises:
            UserError: one is of the wrong kind.
        """
        converters = self.converters
        given = [
            value if type(value) is kept or convert is None else convert(value, where)
            for value, (convert, kept) in zip(arguments, self._positional, strict=False)
        ]
        if len(given) < len(arguments):
            given += arguments[len(given) :]
        keywords = {}
        for key, value in named.items():
            convert, kept = converters.get(key, _AS_IT_IS)
            keywords[key] = value if type(value) is kept or convert is None else convert(value, where)
        return given, keywords

    def wrong(
        self,
        name: str,
        arguments: Arguments,
        named: Named,
        where: str,
        problems: list[PytiltError] | None,
    ) -> UserError:
        """What to say of arguments of which one cannot be converted."""
        try:
            self.signature.bind(*arguments, **named)
        except TypeError:
            return DialectError(misfit(name, self.signature, tuple(arguments), named))
        # Tilt's messages quote the names of those parameters only that were given by name.
        given = [(parameter, parameter, value) for parameter, value in zip(self._order, arguments, strict=False)]
        given += [(parameter, f'"{parameter}"', value) for parameter, value in named.items()]
        tried = (self._problem(name, parameter, shown, value, where) for parameter, shown, value in given)
        errors = [each for each in tried if each is not None]
        if problems is not None:
            problems += [traced for each in errors[1:] if (traced := with_trace_here(each))]
        return errors[0]

    def _problem(self, name: str, parameter: str, shown: str, value: object, where: str) -> UserError | None:
        convert, _ = self.converters.get(parameter, _AS_IT_IS)
        try:
            if convert is not None:
                convert(value, where)
        except UserError as error:
            return UserError(f"{name}: for parameter {shown}: {error.message}", hint=error.hint)
        return None


@cache
def _parameters(function: FunctionType) -> _Parameters:
    return _Parameters(function)


def _going_on(method: Callable[..., object], problems: list[PytiltError]) -> Callable[..., object]:
    """The method, which notes what is wrong with a call and returns."""

    @wraps(method)
    def called(*arguments: object, **named: object) -> object:
        try:
            return method(*arguments, **named)
        except UserError as error:
            traced = with_trace_here(error)
            problems.append(traced or error)
            return None

    return called


def _goes_on(name: str, method: FunctionType) -> bool:
    """May the Tiltfile go on behind a call of it that was wrong?"""
    returns_nothing = method.__annotations__.get("return", method) is None
    return name not in _ENDING and (returns_nothing or name in _RESULT_SELDOM_USED)


def _either(
    usual: Callable[..., object], applies: Callable[[Arguments, Named], bool], other: Callable[..., object]
) -> Callable[..., object]:
    @wraps(usual)
    def called(*arguments: object, **named: object) -> object:
        return (other if applies(arguments, named) else usual)(*arguments, **named)

    return called


def _timed(name: str, method: Callable[..., object], calls: list[Call]) -> Callable[..., object]:
    @wraps(method)
    def called(*arguments: object, **named: object) -> object:
        start = perf_counter()
        try:
            return method(*arguments, **named)
        finally:
            shown = f"{name}({', '.join(to_repr(argument) for argument in arguments)})"
            calls.append(Call(shown=shown, seconds=perf_counter() - start))

    return called


def _converters(function: FunctionType) -> dict[str, Converted]:
    hints: dict[str, Any] = function.__annotations__
    if any(isinstance(hint, str) for hint in hints.values()):
        hints = get_type_hints(function, include_extras=True)
    found = {parameter: _converter(hint) for parameter, hint in hints.items() if parameter != "return"}
    return {parameter: converter for parameter, converter in found.items() if converter}


def _converter(hint: Any) -> Converted | None:  # noqa: ANN401 - any annotation
    if get_origin(hint) is Annotated:
        return next((part for part in get_args(hint)[1:] if isinstance(part, Converted)), None)
    inner = next((converter for part in get_args(hint) if (converter := _converter(part))), None)
    if inner is None or inner.convert is None:
        return inner
    convert = inner.convert
    return Converted(lambda value, directory: None if value is None else convert(value, directory), inner.kept)
