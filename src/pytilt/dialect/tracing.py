"""From Python's frames to the frames of Tiltfiles: where it runs now, and the trace of an error."""

import inspect
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType, TracebackType
from typing import NamedTuple

from msgspec.structs import replace

from pytilt.dialect.errors import DisplacedError, Frame, LoadError, Position, cut_excerpt
from pytilt.dialect.functions import BoundMethod, Builtin, explain_call
from pytilt.dialect.values import python_type_name
from pytilt.errors import PytiltError, TiltfileError
from pytilt.model.regex import regex

TOPLEVEL = "<toplevel>"
"""The function that a file becomes."""

FILE_MARK = "$file"
"""The name under which the built-in names of a running Tiltfile hold its text. It marks its frames."""

_BUILTIN_CALLS = frozenset({Builtin.__call__.__code__, BoundMethod.__call__.__code__})
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>"})
_TOO_MANY_DIGITS = "for integer string conversion"
"""What Python says wherever a number of thousands of digits is read or written, as that would take very long."""
_RECURSION = "maximum recursion depth exceeded"
_RECURSION_HINT = "is there a function that calls itself without an end?"

_SHOWN_AT_EACH_END = 20

_Positions = tuple[tuple[int | None, int | None, int | None, int | None], ...]
_MOST_KNOWN = 64
_known_positions: dict[int, tuple[CodeType, _Positions]] = {}
"""By the `id` of a code."""

_Step = Frame | str
"""A frame of a Tiltfile, or the name of a built-in function."""


class CallSite(NamedTuple):
    """A call that a Tiltfile made, kept for what goes wrong with it when it has returned already."""

    steps: tuple[_Step, ...]
    source: str
    """The text of the file that made the call."""

    def traced(self, error: Exception) -> TiltfileError | None:
        """The error as it would be if the call had raised it; None when it is no error of the Tiltfile."""
        if isinstance(error, TiltfileError) and error.trace:
            return error
        described = _describe(error, [])
        return _at(self.steps, described, self.source) if described else None


def call_site() -> CallSite:
    """The call that is being served."""
    frames = _running(inspect.currentframe())
    return CallSite(tuple(_steps_of(frames)), _source(frames))


def call_stack() -> tuple[Frame, ...]:
    """The frames of the Tiltfiles that run now, outermost first; the last one made the call that is being served."""
    return tuple(step for step in _steps_of(_running(inspect.currentframe())) if isinstance(step, Frame))


def current_file() -> str | None:
    """The path of the file whose code runs now, None outside of Tiltfiles. Quicker than `call_stack`."""
    frame = inspect.currentframe()
    while frame is not None:
        if FILE_MARK in frame.f_builtins:
            return frame.f_code.co_filename
        frame = frame.f_back
    return None


def call_position() -> Position | None:
    """Where the call stands that is being served, None outside of Tiltfiles. Quicker than `call_stack`."""
    frame = inspect.currentframe()
    while frame is not None:
        if FILE_MARK in frame.f_builtins:
            return _position(frame.f_code, frame.f_lasti, frame)
        frame = frame.f_back
    return None


def with_trace(error: Exception) -> TiltfileError | None:
    """The error of a run as its caller shall see it.

    To be called where the exception is caught, so that the frames around are known.

    Args:
        error: what ended the run.

    Returns:
        None when it is no error of the Tiltfile: it is a bug of the host's, or its way to stop.
    """
    return _traced(error, _running(_outer_frame()), list(_unwound(error.__traceback__)))


def with_trace_here(error: Exception) -> TiltfileError | None:
    """The same for the function of the host's that calls this: it caught the error, and the run goes on.

    Args:
        error: what went wrong.

    Returns:
        None when it is no error of the Tiltfile.
    """
    frame = inspect.currentframe()
    return _traced(error, _running(frame and frame.f_back), list(_unwound(error.__traceback__))[1:])


def _traced(
    error: Exception, outer: list[tuple[FrameType, int]], inner: list[tuple[FrameType, int]]
) -> TiltfileError | None:
    if isinstance(error, TiltfileError) and error.trace:
        return error
    described = _describe(error, inner)
    if described is None:
        return None
    frames = [*outer, *inner]
    steps = _steps_of(frames)
    if isinstance(error, DisplacedError) and steps and isinstance(steps[-1], Frame):
        position = replace(steps[-1].position, line=error.line, column=error.column)
        steps[-1] = replace(steps[-1], position=position)
    excerpt = error.excerpt if isinstance(error, LoadError) else ""
    return _at(steps, described, _source(frames), excerpt)


def _at(steps: Sequence[_Step], described: tuple[str, str | None], source: str, excerpt: str = "") -> TiltfileError:
    """The error of a call or an operation that these steps led to."""
    message, hint = described
    frames, culprit = (steps[:-1], steps[-1]) if steps and isinstance(steps[-1], str) else (steps, None)
    place = next((step.position for step in reversed(frames) if isinstance(step, Frame)), None)
    if place is not None and not excerpt:
        excerpt = cut_excerpt(source, place.line, place.column)
    label = f"Error in {culprit}" if culprit else "Error"
    where = str(place) if place else None
    return TiltfileError(f"{label}: {message}", where=where, hint=hint, trace=_text(frames), excerpt=excerpt)


def _source(frames: list[tuple[FrameType, int]]) -> str:
    """The text of the file whose function runs innermost."""
    found = next((frame.f_builtins[FILE_MARK] for frame, _ in reversed(frames) if FILE_MARK in frame.f_builtins), "")
    return str(found)


def _text(steps: Sequence[_Step]) -> str:
    """The trace as Tilt prints it; the middle of a very deep one is left out."""
    lines = [
        f"  {step.position}: in {step.function}" if isinstance(step, Frame) else f"  <builtin>: in {step}"
        for step in steps
    ]
    if len(lines) > 2 * _SHOWN_AT_EACH_END:
        left_out = f"  ... {len(lines) - 2 * _SHOWN_AT_EACH_END} more frames"
        lines = [*lines[:_SHOWN_AT_EACH_END], left_out, *lines[-_SHOWN_AT_EACH_END:]]
    return "\n".join(["Traceback (most recent call last):", *lines])


def _outer_frame() -> FrameType | None:
    """The frame of the function that called the one which caught the error."""
    frame = inspect.currentframe()
    for _ in ("with_trace", "run_file or call", "its caller"):
        frame = frame and frame.f_back
    return frame


def _running(frame: FrameType | None) -> list[tuple[FrameType, int]]:
    """The frames around, outermost first, with the instruction that each is at."""
    frames = []
    while frame is not None:
        frames.append((frame, frame.f_lasti))
        frame = frame.f_back
    return frames[::-1]


def _unwound(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    """The frames that an exception went through, outermost first."""
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lasti
        traceback = traceback.tb_next


def _steps_of(frames: list[tuple[FrameType, int]]) -> list[_Step]:
    steps: list[_Step] = []
    for frame, instruction in frames:
        if FILE_MARK in frame.f_builtins:
            step = Frame(function=_name(frame.f_code), position=_position(frame.f_code, instruction, frame))
            if frame.f_code.co_name in _COMPREHENSIONS and steps and isinstance(steps[-1], Frame):
                # Python runs a comprehension in a frame of its own; in Starlark it belongs to the function around it
                steps[-1] = Frame(function=steps[-1].function, position=step.position)
            else:
                steps.append(step)
        elif frame.f_code in _BUILTIN_CALLS:
            steps.append(frame.f_locals["self"].name)
    return steps


def _name(code: CodeType) -> str:
    return "lambda" if code.co_name == "<lambda>" else code.co_name


def _position(code: CodeType, instruction: int, frame: FrameType) -> Position:
    line, _, column, _ = _positions(code)[instruction // 2]
    return Position(file=code.co_filename, line=line or frame.f_lineno or 0, column=(column or 0) + 1)


def _positions(code: CodeType) -> _Positions:
    """Lines and columns of every instruction: the stack is asked at every call of a builtin.

    By identity: to compute its hash Python goes through all of a code.
    """
    kept = _known_positions.get(id(code))
    if kept is not None and kept[0] is code:
        return kept[1]
    if len(_known_positions) >= _MOST_KNOWN:
        _known_positions.clear()
    found = tuple(code.co_positions())
    _known_positions[id(code)] = code, found
    return found


def _describe(error: Exception, frames: list[tuple[FrameType, int]]) -> tuple[str, str | None] | None:
    """The message and hint of an error, None for a foreign one."""
    if isinstance(error, PytiltError):
        return f"{error.where}: {error.message}" if error.where else error.message, error.hint
    if isinstance(error, RecursionError):
        return _RECURSION, _RECURSION_HINT
    if isinstance(error, ValueError) and _TOO_MANY_DIGITS in str(error):
        return "the integer is too large to be written in decimal", None
    if not frames or FILE_MARK not in frames[-1][0].f_builtins:
        return None
    # Python itself raised it, at an operation that needed no rewriting
    return _translate(error), None


_UNASSIGNED_LOCAL = regex(r"(?:cannot access (?:local|free) variable|local variable|free variable) '(\w+)'")
_UNASSIGNED_GLOBAL = regex(r"name '(\w+)' is not defined")
_UNHASHABLE = regex(r"unhashable type: '(\w+)'")


def _translate(error: Exception) -> str:
    text = str(error)
    if isinstance(error, NameError):
        if (match := _UNASSIGNED_LOCAL.match(text)) is not None:
            return f"local variable {match[1]} referenced before assignment"
        if (match := _UNASSIGNED_GLOBAL.match(text)) is not None:
            return f"global variable {match[1]} referenced before assignment"
    if (match := _UNHASHABLE.match(text)) is not None:
        return f"unhashable type: {python_type_name(match[1])}"
    return explain_call(text)
