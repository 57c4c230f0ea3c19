"""What the fields of a struct mean: the texts under them in the source, which Python itself does not keep."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple


class Documentation(NamedTuple):
    """The texts of a class."""

    text: str
    """Its docstring."""
    fields: Mapping[str, str]
    """The texts under its fields, by the names of the attributes; with those of the classes that it extends."""


@cache
def documentation(struct: type) -> Documentation:
    """The texts of a class, from the file that it is written in; none where that file is not there."""
    fields: dict[str, str] = {}
    for each in reversed(struct.__mro__):
        found = _classes(each.__module__).get(each.__name__)
        fields |= dict(_fields(found)) if found is not None else {}
    own = _classes(struct.__module__).get(struct.__name__)
    return Documentation((ast.get_docstring(own) or "") if own is not None else "", fields)


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    if not module.startswith("pytilt."):
        return {}
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except OSError:  # only compiled files are installed
        return {}
    return {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}


def _fields(found: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, after in zip(found.body, found.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        ):
            yield field.target.id, inspect.cleandoc(after.value.value)
