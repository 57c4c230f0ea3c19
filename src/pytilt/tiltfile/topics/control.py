"""What a Tiltfile says and how it goes on: `print`, `warn`, `fail`, `exit`, `include`, `load_dynamic`, structs."""

from collections.abc import Callable, Mapping

from pytilt.dialect import ModuleValue, StructValue, freeze, starlark_dict, to_repr, to_str, type_name
from pytilt.errors import UserError
from pytilt.tiltfile.arguments.conversions import Stringable, Text
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script

Load = Callable[[str], Mapping[str, object]]
"""Runs another file and gives its globals."""


class StopEvaluation(Exception):  # noqa: N818 - it is no error
    """The Tiltfile called `exit()`."""


class ControlBuiltins:
    """The functions that belong to no topic of Tilt's."""

    def __init__(self, script: Script, load: Load) -> None:
        self._script = script
        self._load = load

    @function("print")
    def print(self, *args: object, sep: object = " ") -> None:
        """Write to the log of the Tiltfile."""
        if not isinstance(sep, str):
            raise UserError(f'print: for parameter "sep": got {type_name(sep)}, want string')
        self._script.print(sep.join(to_str(arg) for arg in args))

    @function("warn")
    def warn(self, msg: Text) -> None:
        """Write a warning to the log of the Tiltfile."""
        self._script.warn(msg)

    @function("fail")
    def fail(self, msg: Text) -> None:
        """Stop with an error."""
        raise UserError(msg)

    @function("exit")
    def exit(self, code: object = None) -> None:
        """Stop without an error; what was declared so far counts."""
        if code is not None:
            self._script.print(to_repr(code))
        raise StopEvaluation

    @function("include")
    def include(self, path: Text) -> None:
        """Run another file."""
        self._load(path)

    @function("load_dynamic")
    def load_dynamic(self, path: Stringable) -> Mapping[object, object]:
        """Run another file, and give its globals."""
        found = starlark_dict(self._load(path).items())
        freeze(found)
        return found

    @function("struct")
    def struct(self, *args: object, **fields: object) -> StructValue:
        """A value with named fields."""
        if args:
            raise UserError("struct: unexpected positional arguments")
        return StructValue(fields)

    @function("module")
    def module(self, name: object, /, **members: object) -> ModuleValue:
        """Named members under one name."""
        if not isinstance(name, str):
            raise UserError(f"module: for parameter 1: got {type_name(name)}, want string")
        return ModuleValue(name, members)
