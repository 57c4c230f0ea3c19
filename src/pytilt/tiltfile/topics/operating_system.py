"""The modules `os`, `os.path`, `sys` and `shlex`."""

import os
import posixpath
import re
from collections.abc import MutableMapping
from pathlib import Path

from pytilt.dialect import freeze, starlark_list, to_repr, type_name
from pytilt.dialect.containers import StarlarkDict
from pytilt.errors import UserError
from pytilt.model.regex import regex
from pytilt.tiltfile.arguments.conversions import Stringable, Text
from pytilt.tiltfile.arguments.values import placed
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script, UnreadableError

_UNSAFE = regex(r"[^\w@%+=:,./-]", re.ASCII)


class Environ(StarlarkDict):
    """`os.environ`: what a Tiltfile sets in it is set for everything that the evaluation starts.

    Args:
        variables: the environment, changed together with the dict.
    """

    noun = "environ"

    def __init__(self, variables: MutableMapping[str, str]) -> None:
        super().__init__(variables.items())
        self._variables = variables

    def __setitem__(self, key: object, value: object) -> None:
        for role, text in (("key", key), ("value", value)):
            if not isinstance(text, str):
                raise UserError(f"putenv() {role} must be a string, not {type_name(text)}")
        super().__setitem__(key, value)
        self._variables[str(key)] = str(value)

    def __delitem__(self, key: object) -> None:
        super().__delitem__(key)
        self._variables.pop(str(key), None)


class OsBuiltins:
    """The functions of `os`, `os.path` and `shlex`, and the values of `os` and `sys`."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.environ = Environ(script.environ)

    def values(self) -> dict[str, object]:
        """What is no function, by name."""
        argv = starlark_list(["tilt", self._script.request.subcommand, *self._script.request.args])
        freeze(argv)
        return {"os.environ": self.environ, "os.name": os.name, "sys.argv": argv, "sys.executable": "tilt"}

    @function("os.getcwd")
    def getcwd(self) -> str:
        """The directory of the file that is being executed."""
        return self._script.directory

    @function("os.getenv")
    def getenv(self, key: Stringable, default: object = None) -> object:
        """A variable of the environment."""
        return self.environ.get(key, default)

    @function("os.putenv")
    def putenv(self, key: Stringable, value: Stringable) -> None:
        """Set a variable of the environment."""
        self.environ[key] = value

    @function("os.unsetenv")
    def unsetenv(self, key: Stringable) -> None:
        """Take a variable out of the environment."""
        if key in self.environ:
            del self.environ[key]

    @function("os.path.abspath")
    def abspath(self, path: Text) -> str:
        """A path made absolute."""
        return path if path.startswith("/") else placed(path, self._script.directory)

    @function("os.path.relpath")
    def relpath(self, targpath: Text, basepath: Text = "") -> str:
        """A path as seen from another, by default from the directory of the file."""
        base = basepath or self._script.directory
        if targpath.startswith("/") != base.startswith("/"):
            raise UserError(f"Rel: can't make {targpath} relative to {base}")
        return posixpath.relpath(targpath or ".", base) if base.startswith("/") else os.path.relpath(targpath, base)

    @function("os.path.basename")
    def basename(self, path: Text) -> str:
        """The last part of a path."""
        return posixpath.basename(path.rstrip("/")) or ("/" if path else ".")

    @function("os.path.dirname")
    def dirname(self, path: Text) -> str:
        """All but the last part of a path."""
        return posixpath.normpath(path.rpartition("/")[0] or ("/" if path.startswith("/") else "."))

    @function("os.path.exists")
    def exists(self, path: Text) -> bool:
        """Is there such a file or directory?"""
        return Path(placed(path, self._script.directory)).exists()

    @function("os.path.join")
    def join(self, *parts: object) -> str:
        """Parts put together to a path."""
        for index, part in enumerate(parts):
            if not isinstance(part, str):
                raise UserError(f"os.path.join() only accepts strings. Argument #{index}: {to_repr(part)}")
        joined = "/".join(str(part) for part in parts if part)
        return re.sub("^//", "/", posixpath.normpath(joined)) if joined else ""

    @function("os.path.realpath")
    def realpath(self, path: Text) -> str:
        """A path without symbolic links."""
        full = placed(path, self._script.directory)
        try:
            return os.path.realpath(full, strict=True)
        except OSError as error:
            raise UserError(UnreadableError(full, error).message.replace("open", "lstat", 1)) from error

    @function("shlex.quote")
    def quote(self, name: Text) -> str:
        """A text as one word of a shell command."""
        if not name:
            return "''"
        return "'" + name.replace("'", "'\"'\"'") + "'" if _UNSAFE.search(name) else name
