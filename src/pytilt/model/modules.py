"""Modules of libraries that are imported when they are first used, as most are not in most runs."""

from importlib import import_module
from typing import Any


def lazy(name: str) -> Any:  # noqa: ANN401 - a module, as a type checker sees it by its own import
    """What stands for a module until something of it is asked for; from then on it has all that the module has.

        if TYPE_CHECKING:
            import h11
        else:
            h11 = lazy("h11")

    Args:
        name: of the module.
    """
    return _Lazy(name)


class _Lazy:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - anything that a module has
        """What is asked for the first time: from then on everything is a plain attribute."""
        module = import_module(self._name)
        self.__dict__.update(vars(module))
        return getattr(module, name)
