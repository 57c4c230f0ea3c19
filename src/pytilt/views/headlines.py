"""Errors in one line: for toasts, alerts of the desktop, and the last words of a command."""

import posixpath

from pytilt.model.regex import regex

_TRACE = "Traceback (most recent call last):"
_FRAME = regex(r"\s+(?P<file>.+?):(?P<position>\d+(?::\d+)?): in .*")


def headline(error: str) -> str:
    """The line of an error that says most: its first; of a trace of a Tiltfile, the innermost place and the message.

    Args:
        error: any number of lines.
    """
    lines = [line for line in error.strip().splitlines() if line.strip()]
    if not lines or lines[0] != _TRACE:
        return lines[0] if lines else ""
    frames = [found for line in lines if (found := _FRAME.fullmatch(line))]
    message = next((line for line in lines[1:] if not line.startswith(" ")), lines[-1].strip())
    if not frames:
        return message
    return f"{posixpath.basename(frames[-1]['file'])}:{frames[-1]['position']}: {message}"
