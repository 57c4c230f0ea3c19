"""Running a file, and calling what it defined."""

import marshal
import warnings
from collections.abc import Callable, Collection, Mapping
from types import CodeType, MappingProxyType
from typing import Protocol

from pytilt.dialect import comparing, indexing, iterating, operators
from pytilt.dialect.attributes import get_attr
from pytilt.dialect.containers import StarlarkDict, StarlarkList
from pytilt.dialect.errors import DialectError, DisplacedError, LoadError, Position, StaticError
from pytilt.dialect.formatting import to_repr
from pytilt.dialect.functions import invoke
from pytilt.dialect.spelling import did_you_mean
from pytilt.dialect.tracing import FILE_MARK, TOPLEVEL, with_trace
from pytilt.dialect.universe import UNIVERSE
from pytilt.dialect.values import freeze
from pytilt.errors import PytiltError, TiltfileError

Load = Callable[[str], Mapping[str, object]]
"""Gives the globals of the file that a `load` statement names."""

_OPERATIONS: dict[str, object] = {
    **{name: getattr(operators, name) for name in (
        "add", "add_in_place", "subtract", "multiply", "divide", "floor_divide", "modulo", "bit_or", "bit_or_in_place",
        "bit_and", "bit_xor", "shift_left", "shift_right", "negate", "positive", "invert", "contains", "contains_not",
        "hashable",
    )},
    **{name: getattr(comparing, name) for name in (
        "equal", "unequal", "less", "less_or_equal", "greater", "greater_or_equal",
    )},
    "index": indexing.get_index, "set_index": indexing.set_index, "slice": indexing.get_slice,
    "set_attr": indexing.set_attr, "attr": get_attr,
    "iterate": iterating.iterate, "iterate_parts": iterating.iterate_parts, "unpack": iterating.unpack,
    "star": iterating.star_arguments, "double_star": iterating.double_star_arguments,
    "list": StarlarkList, "dict": StarlarkDict, "type": type, "int": int,
}  # fmt: skip
"""The functions that `rewriting` calls, by the name it gives them."""


class CodeCache(Protocol):
    """Keeps bytes by kind and by the texts that they were made of."""

    def find(self, kind: str, *parts: str) -> bytes | None:
        """What was made of these texts; None where nothing is kept."""

    def keep(self, data: bytes, kind: str, *parts: str) -> None:
        """Keep what was made of these texts."""


def run_file(
    path: str,
    source: str,
    *,
    universe: Mapping[str, object],
    load: Load,
    name: str = "__main__",
    cache: CodeCache | None = None,
) -> Mapping[str, object]:
    """Run a file of the language.

    Args:
        path: the path, as messages and `__file__` give it.
        source: its text.
        universe: the names that the host gives to every file; they hide those of the language.
        load: gives the globals of the file that a `load` statement names, as it is written there. What it raises
            becomes the message `cannot load ...`.
        name: what `__name__` is.
        cache: keeps the code of files.

    Returns:
        The globals of the file, frozen.

    Raises:
        TiltfileError: the text is not in the language, or running it failed; then with a trace.
    """
    predeclared = {**UNIVERSE, **universe, "__file__": path, "__name__": name}
    code, exported = _code(path, source, {*predeclared, "None", "True", "False"}, cache)
    builtins = {
        **predeclared,
        **{f"${helper}": function for helper, function in _OPERATIONS.items()},
        "$load": _loader(load),
        "$unique_dict": _unique_dict,
        FILE_MARK: source,
    }
    variables: dict[str, object] = {"__builtins__": builtins}
    exec(code, variables)
    run = variables.pop(TOPLEVEL)
    try:
        invoke(run)
    except Exception as error:
        traced = with_trace(error)
        if traced is None or traced is error:
            raise
        raise traced from error
    made = {variable: value for variable, value in variables.items() if variable in exported}
    for value in made.values():
        freeze(value)
    return MappingProxyType(made)


def check_file(path: str, source: str, universe: Collection[str]) -> None:
    """Check a file without running it.

    Args:
        path: the path, for messages.
        source: its text.
        universe: the names that the host gives to every file.

    Raises:
        StaticError: the text is not in the language, or a name is not defined.
    """
    _compile(path, source, {*UNIVERSE, *universe, "None", "True", "False"})


def _code(
    path: str, source: str, predeclared: Collection[str], cache: CodeCache | None
) -> tuple[CodeType, Collection[str]]:
    """The code of a file, and the names that it exports."""
    parts = (path, source, *sorted(predeclared))
    known = cache.find("code", *parts) if cache else None
    if known is not None:
        code, exported = marshal.loads(known)
        return code, exported
    code, exported = _compile(path, source, predeclared)
    if cache is not None:
        cache.keep(marshal.dumps((code, tuple(exported))), "code", *parts)
    return code, exported


def _compile(path: str, source: str, predeclared: Collection[str]) -> tuple[CodeType, Collection[str]]:
    from pytilt.dialect.parsing import parse
    from pytilt.dialect.resolving import resolve
    from pytilt.dialect.rewriting import rewrite

    try:
        body, errors = parse(path, source)
        names = resolve(path, body, predeclared)
        errors += names.errors
        if not errors:
            with warnings.catch_warnings(action="ignore"):  # of Python's about code that fails, as `None()` does
                return compile(rewrite(body, names), path, "exec", dont_inherit=True), names.globals_
    except StaticError as error:
        raise error.shown_in(source) from None
    except RecursionError as error:
        start = Position(file=path, line=1, column=1)
        hint = "build long sums and deep lists in several steps"
        raise StaticError("an expression in this file is nested too deeply", start, hint=hint) from error
    first, *others = sorted(errors, key=lambda error: (error.position.line, error.position.column))
    raise first.shown_in(source, [other.shown_in(source) for other in others])


def call(function: object, *arguments: object, **named: object) -> object:
    """Call a function that a Tiltfile defined.

    Args:
        function: the function.
        arguments: its positional arguments.
        named: its keyword arguments.

    Returns:
        What it returns.

    Raises:
        TiltfileError: it failed, with a trace.
    """
    try:
        return invoke(function, *arguments, **named)
    except Exception as error:
        traced = with_trace(error)
        if traced is None or traced is error:
            raise
        raise traced from error


def _loader(load: Load) -> Callable[[str, tuple[str, ...]], tuple[object, ...]]:
    """The function behind `load` statements."""

    def load_names(path: str, wanted: tuple[str, ...]) -> tuple[object, ...]:
        try:
            module = load(path)
        except PytiltError as error:
            if isinstance(error, TiltfileError) and error.trace:
                raise
            reason = f"{error.where}: {error.message}" if error.where else error.message
            excerpt = error.excerpt if isinstance(error, TiltfileError) else ""
            raise LoadError(f"cannot load {path}: {reason}", hint=error.hint, excerpt=excerpt) from error
        for name in wanted:
            if name not in module:
                known = did_you_mean(name, sorted(module))
                raise DialectError(f"load: name {name} not found in module {path}{known}")
        return tuple(module[name] for name in wanted)

    return load_names


def _unique_dict(*parts: object) -> StarlarkDict:
    """A dict display whose keys may be equal or unfit; of each entry: key, value, line and column of its colon."""
    result = StarlarkDict()
    for key, value, line, column in zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
        assert isinstance(line, int), "written by the rewriter"
        assert isinstance(column, int), "written by the rewriter"
        try:
            if key in result:
                raise DisplacedError(f"duplicate key: {to_repr(key)}", line, column)
        except TypeError:
            raise DisplacedError(operators.unhashable(key).message, line, column) from None
        result[key] = value
    return result
