"""The functions, modules and constants that every Tiltfile has, described for people."""

import inspect
from collections.abc import Mapping
from functools import cache
from types import FunctionType

from pytilt.dialect import Builtin, ModuleValue
from pytilt.dialect.universe import UNIVERSE
from pytilt.lsp.protocol import CompletionKind
from pytilt.model.base import Value
from pytilt.tiltfile.stubs import typed_signature
from pytilt.tiltfile.universe import known_names

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Known(Value):
    """Something that a Tiltfile can use without defining it."""

    name: str
    """With its modules: `os.path.join`."""
    kind: CompletionKind
    signature: str = ""
    """Of a function, with types; empty where it is none."""
    doc: str = ""
    parameters: tuple[str, ...] = ()
    """As the signature has them."""
    positional: tuple[str, ...] = ()
    """The names of those that may be given without a name, in order."""
    keywords: tuple[str, ...] = ()
    """The names of those that may be given by name."""
    takes_any: bool = False
    """Does it take keywords of any name?"""


@cache
def known() -> Mapping[str, Known]:
    """All of them by name, those in modules with dots."""
    found: dict[str, Known] = {}
    for name, value in {**UNIVERSE, **known_names()}.items():
        _add(found, name, value)
    return found


@cache
def builtins() -> Mapping[str, Builtin]:
    """The functions among them."""
    found: dict[str, Builtin] = {}

    def add(name: str, value: object) -> None:
        if isinstance(value, ModuleValue):
            for member, inner in value.starlark_attrs().items():
                add(f"{name}.{member}", inner)
        elif isinstance(value, Builtin):
            found[name] = value

    for name, value in known_names().items():
        add(name, value)
    return found


def _add(found: dict[str, Known], name: str, value: object) -> None:
    if isinstance(value, ModuleValue):
        found[name] = Known(name=name, kind=CompletionKind.MODULE)
        for member, inner in value.starlark_attrs().items():
            _add(found, f"{name}.{member}", inner)
    elif isinstance(value, Builtin):
        found[name] = _function(name, value)
    elif isinstance(value, FunctionType):
        found[name] = Known(name=name, kind=CompletionKind.FUNCTION)
    else:
        found[name] = Known(name=name, kind=CompletionKind.VARIABLE)


def _function(name: str, value: Builtin) -> Known:
    signature, result = typed_signature(value)
    parameters = [each.replace(name=each.name.lstrip("_") or each.name) for each in signature.parameters.values()]
    by_name = [each for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    shown = [str(each) for each in parameters]
    return Known(
        name=name,
        kind=CompletionKind.FUNCTION,
        signature=f"{name}({', '.join(shown)}) -> {result}",
        doc=value.doc,
        parameters=tuple(shown),
        positional=tuple(each.name for each in parameters if each.kind in _POSITIONAL),
        keywords=tuple(each.name for each in by_name),
        takes_any=any(each.kind is each.VAR_KEYWORD for each in parameters),
    )
