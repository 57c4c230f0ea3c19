"""Regular expressions of modules: compiled when they are first used, as most are not in most runs."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from typing import Any

_METHODS = ("findall", "finditer", "fullmatch", "match", "search", "split", "sub", "subn")


def regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` returns, but compiled at the first call of one of its methods.

    Args:
        pattern: its text.
        flags: those of `re`.
    """
    return _Regex(pattern, flags)  # type: ignore[return-value]  # it has the same methods


class _Regex:
    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - methods of several types
        """A method that is asked for the first time: from then on all of them are plain attributes."""
        if name not in _METHODS:
            raise AttributeError(name)
        import re  # imported here: most commands use no regular expression

        compiled = re.compile(self.pattern, self._flags)
        self.__dict__.update((each, getattr(compiled, each)) for each in _METHODS)
        return getattr(self, name)
