"""The language of Tiltfiles, alone: check, rewrite, run; values and errors.

Here belongs what a Starlark programmer would call the language: grammar, values, built-in functions of the language
itself, modules and `load`, tracebacks. Not here: any function of Tilt's (`tiltfile`), any I/O.

The way of a file: `scanning` cuts it into tokens, `parsing` and `expressions` make a tree of them, `resolving` finds
what its names refer to, `rewriting` turns the tree into Python's, `running` compiles and runs it. While it runs it
calls `operators`, `comparing`, `indexing`, `iterating` and `attributes`. `tracing` knows where it is and why it
failed.

`tiltfile` calls it: it gives the functions of the Tiltfile as `Builtin`s and its own values as `HostValue`s.

`docs/starlark.md` lists where it is not like go.starlark.net, which Tilt uses.
"""

from pytilt.dialect.containers import (
    StarlarkDict,
    StarlarkList,
    StarlarkSet,
    starlark_dict,
    starlark_list,
    starlark_set,
)
from pytilt.dialect.errors import DialectError, Frame, Position, StaticError
from pytilt.dialect.formatting import to_repr, to_str
from pytilt.dialect.functions import Builtin, builtin, misfit
from pytilt.dialect.running import call, check_file, run_file
from pytilt.dialect.structs import ModuleValue, StructValue
from pytilt.dialect.tracing import CallSite, call_position, call_site, call_stack, current_file, with_trace_here
from pytilt.dialect.values import HostValue, freeze, type_name

__all__ = [
    "Builtin",
    "CallSite",
    "DialectError",
    "Frame",
    "HostValue",
    "ModuleValue",
    "Position",
    "StarlarkDict",
    "StarlarkList",
    "StarlarkSet",
    "StaticError",
    "StructValue",
    "builtin",
    "call",
    "call_position",
    "call_site",
    "call_stack",
    "check_file",
    "current_file",
    "freeze",
    "misfit",
    "run_file",
    "starlark_dict",
    "starlark_list",
    "starlark_set",
    "to_repr",
    "to_str",
    "type_name",
    "with_trace_here",
]
