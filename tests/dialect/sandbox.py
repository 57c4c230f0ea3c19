"""A small host for the tests of the language: it prints into a list and loads from a dict of files."""

from collections.abc import Mapping

from pytilt.dialect import Builtin, DialectError, builtin, run_file, to_str


class Sandbox:
    """Runs files that exist only in memory.

    Args:
        files: texts by path.
        universe: more names than `print` and `fail`.
    """

    def __init__(self, files: Mapping[str, str] | None = None, universe: Mapping[str, object] | None = None) -> None:
        self.printed: list[str] = []
        self._files = files or {}
        self._loaded: dict[str, Mapping[str, object]] = {}
        self._universe = {"print": self._print(), "fail": _fail, **(universe or {})}

    def run(self, source: str, path: str = "Tiltfile") -> Mapping[str, object]:
        """Run a text and give its globals."""
        return run_file(path, source, universe=self._universe, load=self.load)

    def load(self, path: str) -> Mapping[str, object]:
        """The globals of one of the files, which runs once."""
        if path not in self._files:
            raise DialectError(f"open {path}: no such file or directory")
        if path not in self._loaded:
            self._loaded[path] = run_file(path, self._files[path], universe=self._universe, load=self.load, name=path)
        return self._loaded[path]

    def _print(self) -> Builtin:
        @builtin("print")
        def write(*values: object, sep: str = " ") -> None:
            self.printed.append(sep.join(map(to_str, values)))

        return write


@builtin("fail")
def _fail(message: str) -> None:
    raise DialectError(message)


def evaluate(expression: str) -> object:
    """The value of an expression."""
    return Sandbox().run(f"result = {expression}\n")["result"]
