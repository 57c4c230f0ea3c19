"""May a program be started again in its container although nobody asked for that? Pure.

It may where that does what a new container would do: an interpreter reads the project's files when it starts, and
neither it nor what starts it keeps anything in the container that a second start would find in its way.
"""

import posixpath

from pytilt.liveupdate.processes import command_of
from pytilt.model.inference import Process
from pytilt.model.regex import regex

_INTERPRETERS = regex(r"(?:node|nodejs|bun|deno|tsx|ts-node|ruby|perl|php)[\d.]*")
_SERVERS = frozenset(
    {"daphne", "fastapi", "flask", "gunicorn", "hypercorn", "puma", "rackup", "streamlit", "uvicorn", "waitress-serve"}
)
"""Programs that are scripts of an interpreter, and run the project's."""

_STATEFUL = frozenset({"beat", "celery", "rails", "supervisord", "unicorn"})
"""They leave files of their process's number, or end slowly on purpose."""

_FIRST = frozenset({"tini", "dumb-init", "catatonit", "docker-init"})
_NUMBER_FILE = regex(r"-{1,2}(?:pid|pid-?file|daemon|daemonize)(?:=.*)?")
_PYTHON = regex(r"python[\d.]*")


def against_restart(process: Process) -> str:
    """Why a program may not be started again without being asked; empty when it may."""
    starters, words = command_of(process)
    names = [posixpath.basename(each) for each in starters]
    if first := next((name for name in names if name in _FIRST), ""):
        return f"`{first}` is made to be the first process of a container"
    if not words:
        return "what it starts cannot be seen from its command"
    program, *arguments = words
    if program in _STATEFUL or (program == "gunicorn" and {"-p", "-D"} & set(arguments)):
        return f"`{program}` may leave files that its next start minds"
    if found := next((word for word in arguments if _NUMBER_FILE.fullmatch(word)), ""):
        return f"`{found}` leaves a file that the next start minds"
    if any(map(_PYTHON.fullmatch, names)) or program in _SERVERS:
        return ""
    if _INTERPRETERS.fullmatch(program):
        return "" if any(not word.startswith("-") for word in arguments) else f"`{program}` names no script"
    return f"`{program}` is not known to run the project's sources"
