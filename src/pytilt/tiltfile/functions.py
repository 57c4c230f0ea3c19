"""Functions of a Tiltfile as methods: their parameters are annotated, their arguments converted, their names collected.

A class with methods marked by `function("docker_build")` is a topic; `functions_of` gives what a Tiltfile can call.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from time import perf_counter
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from pytilt.dialect import DialectError, builtin, misfit, to_repr, with_trace_here
from pytilt.dialect.functions import raised_by_call
from pytilt.errors import PytiltError, UserError
from pytilt.tiltfile.conversions import Converted
from pytilt.tiltfile.report import Call

_NAMES = "_tiltfile_names"
_OTHER = "_tiltfile_other"
_ENDING = frozenset({"exit", "fail"})
"""Functions that end the Tiltfile in any case."""
_RESULT_SELDOM_USED = frozenset({"docker_build"})
"""Functions that return something, which hardly a Tiltfile asks for."""

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
    for attribute, member in inspect.getmembers(type(topic), inspect.isfunction):
        for name in getattr(member, _NAMES, ()):
            called = converting(name, getattr(topic, attribute), directory, problems)
            if (other := getattr(member, _OTHER)) is not None:
                form = converting(name, getattr(topic, other.method), directory, problems)
                called = _either(called, other.applies, form)
            if problems is not None and _goes_on(name, member):
                called = _going_on(called, problems)
            found[name] = builtin(name)(called if calls is None else _timed(name, called, calls))
    return found


def converting(
    name: str,
    method: Callable[..., object],
    directory: Callable[[], str],
    problems: list[PytiltError] | None = None,
) -> Callable[..., object]:
    """The method with every argument converted as its annotation says.

    Args:
        name: how messages call it.
        method: the method.
        directory: gives the directory of the file that is being executed.
        problems: takes what is wrong with more than one argument of a call.
    """
    signature = inspect.signature(method)
    converters = _converters(method)
    if not converters:
        return _checked(name, method, signature)
    order = list(signature.parameters)
    fits = _quick_check(signature)

    def convert(parameter: str, shown: str, argument: object) -> object:
        converter = converters.get(parameter)
        if converter is None:
            return argument
        try:
            return converter(argument, directory())
        except UserError as error:
            raise UserError(f"{name}: for parameter {shown}: {error.message}", hint=error.hint) from error

    @wraps(method)
    def called(*arguments: object, **named: object) -> object:
        if not fits(len(arguments), named):
            try:
                signature.bind(*arguments, **named)
            except TypeError as error:
                raise DialectError(misfit(name, signature, arguments, named)) from error
        # Tilt's messages quote the names of those parameters only that were given by name.
        given = [(parameter, parameter, value) for parameter, value in zip(order, arguments, strict=False)]
        given += [(parameter, f'"{parameter}"', value) for parameter, value in named.items()]
        if problems is not None:
            _note_all_but_first([partial(convert, *each) for each in given], problems)
        return method(**{parameter: convert(parameter, shown, value) for parameter, shown, value in given})

    return called


def _quick_check(signature: inspect.Signature) -> Callable[[int, Mapping[str, object]], bool]:
    """What `signature.bind` finds out of plain parameters, much quicker; always no where there are others."""
    order = list(signature.parameters)
    plain = all(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in signature.parameters.values())
    required = {each.name for each in signature.parameters.values() if each.default is inspect.Parameter.empty}
    known = frozenset(order)

    def fits(count: int, named: Mapping[str, object]) -> bool:
        given = order[:count]
        return (
            plain
            and count <= len(order)
            and known.issuperset(named)
            and named.keys().isdisjoint(given)
            and required.issubset((*given, *named))
        )

    return fits


def _checked(name: str, method: Callable[..., object], signature: inspect.Signature) -> Callable[..., object]:
    @wraps(method)
    def called(*arguments: object, **named: object) -> object:
        try:
            return method(*arguments, **named)
        except TypeError as error:
            if not raised_by_call(error):
                raise
            raise DialectError(misfit(name, signature, arguments, named)) from error

    return called


def _note_all_but_first(conversions: list[Callable[[], object]], problems: list[PytiltError]) -> None:
    """The first argument that is wrong is the error of the call; the others are reported beside it."""
    found = False
    for convert in conversions:
        try:
            convert()
        except UserError as error:
            traced = with_trace_here(error) if found else None
            problems += [traced] if traced else []
            found = True


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


def _goes_on(name: str, method: Callable[..., object]) -> bool:
    """May the Tiltfile go on behind a call of it that was wrong?"""
    returns_nothing = get_type_hints(method).get("return") is type(None)
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


def _converters(method: Callable[..., object]) -> dict[str, Callable[[object, str], object]]:
    hints: dict[str, Any] = get_type_hints(method, include_extras=True)
    found = {parameter: _converter(hint) for parameter, hint in hints.items() if parameter != "return"}
    return {parameter: convert for parameter, convert in found.items() if convert}


def _converter(hint: Any) -> Callable[[object, str], object] | None:  # noqa: ANN401 - any annotation
    if get_origin(hint) is Annotated:
        return next((part.convert for part in get_args(hint)[1:] if isinstance(part, Converted)), None)
    inner = next((convert for part in get_args(hint) if (convert := _converter(part))), None)
    if inner is None:
        return None
    convert = inner
    return lambda value, directory: None if value is None else convert(value, directory)
