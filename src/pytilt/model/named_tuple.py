"""Records for the modules that every verb imports: what `typing.NamedTuple` makes, without its imports.

`typing` and `collections` take longer to import than a session takes to answer. A module that defines such a record
begins with `from __future__ import annotations`, so that the annotations of the fields are never evaluated.
"""

from _operator import itemgetter  # `operator` adds Python twins of it that nobody needs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    __all__ = ["NamedTuple"]
else:

    class NamedTuple(tuple):
        """The base of a record: a tuple whose items have names, and defaults where the class gives them."""

        __slots__ = ()
        _fields = ()

        def __init_subclass__(cls) -> None:
            names = tuple(cls.__annotations__)
            defaults = {name: vars(cls)[name] for name in names if name in vars(cls)}
            params = ", ".join(f"{name}=defaults[{name!r}]" if name in defaults else name for name in names)
            # As in `collections.namedtuple`: only a function with these parameters is as quick as a tuple itself.
            made = f"lambda cls, {params}: new(cls, ({', '.join(names)},))"
            cls.__new__ = eval(made, {"new": tuple.__new__, "defaults": defaults})
            cls._fields = names
            for number, name in enumerate(names):
                setattr(cls, name, property(itemgetter(number)))

        def __repr__(self) -> str:
            shown = ", ".join(f"{name}={value!r}" for name, value in self._asdict().items())
            return f"{type(self).__name__}({shown})"

        def __getnewargs__(self) -> tuple:
            return tuple(self)

        def _asdict(self) -> dict:
            return dict(zip(self._fields, self, strict=True))

        def _replace(self, **changed):  # noqa: ANN003, ANN202 - the names and types are those of the fields
            return type(self)(**self._asdict() | changed)
