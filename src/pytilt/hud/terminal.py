"""What kind of terminal this is: can it show the display at all, how many colours has it, is it dark or light."""

import os
import re
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Mapping

from pytilt.errors import UserError
from pytilt.hud.options import DARK, LIGHT, SIXTEEN

ANSWER_SECONDS = 0.2
"""How long a terminal may take to report its background; one that cannot answers the question after it at once."""

QUESTION = "\x1b]11;?\x1b\\\x1b[c"
"""Asks for the background, then for the kind of terminal, which every terminal answers."""

BACKGROUND = re.compile(r"\x1b\]11;rgba?:([0-9a-f]+)/([0-9a-f]+)/([0-9a-f]+)", re.IGNORECASE)
KIND = re.compile(r"\x1b\[\?[\d;]*c")

LOOK_SECONDS = 0.25
"""Between two looks whether this job is in the foreground."""

LIGHT_ENOUGH = 0.5


def check(environ: Mapping[str, str], *, interactive: bool) -> None:
    """Refuse a terminal that cannot show the display.

    Args:
        environ: TERM names the kind.
        interactive: are input and output a terminal?

    Raises:
        UserError: it cannot.
    """
    hint = "print the log instead: `tilt up --stream`, or `tilt logs -f` for a session that runs"
    if not interactive:
        raise UserError("the display needs a terminal for its input and its output", hint=hint)
    if not can_display(environ):
        raise UserError(f'the display does not work with TERM="{environ.get("TERM", "")}"', hint=hint)


def can_display(environ: Mapping[str, str]) -> bool:
    """Is the terminal of a kind that can show the display? TERM names the kind."""
    return environ.get("TERM", "") not in ("", "dumb", "unknown")


def few_colors(environ: Mapping[str, str]) -> bool:
    """Has the terminal the old sixteen colours only, or are colours not wanted?"""
    if "NO_COLOR" in environ:
        return True
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return False
    kind = environ.get("TERM", "")
    return not any(word in kind for word in ("256color", "kitty", "direct", "alacritty", "ghostty", "wezterm"))


def choose_theme(wanted: str, environ: Mapping[str, str], background: str) -> str:
    """The theme for a terminal.

    Args:
        wanted: `dark`, `light` or `auto`.
        environ: of the terminal.
        background: what it answered to `QUESTION`, or nothing.
    """
    if few_colors(environ):
        return SIXTEEN
    if wanted in ("dark", "light"):
        return DARK if wanted == "dark" else LIGHT
    answer = BACKGROUND.search(background)
    if answer is not None:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in answer.groups())
        # How light people see the three, after ITU-R BT.601.
        return LIGHT if 0.299 * red + 0.587 * green + 0.114 * blue > LIGHT_ENOUGH else DARK
    last = environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if last in ("7", "15") else DARK


def ask_background() -> str:
    """What the terminal answers when it is asked for its background; empty when it does not."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    answer, until = "", time.monotonic() + ANSWER_SECONDS
    # Whoever ends this program now gets a terminal back that is as it was.
    ending = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        tty.setcbreak(descriptor)
        os.write(sys.stdout.fileno(), QUESTION.encode())
        while not KIND.search(answer) and (left := until - time.monotonic()) > 0:
            if select.select([descriptor], [], [], left)[0]:
                answer += os.read(descriptor, 1024).decode(errors="replace")
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, ending)
    return answer


def stop_until_foreground() -> None:
    """Stop the whole job of the shell, as a terminal does at ctrl-Z, until this process is in the foreground again.

    The shell may have the job go on in the background; then this process waits, as shells bring a job to the foreground
    without a signal. Where no shell could ever bring it back, the system stops nothing.
    """
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        os.killpg(os.getpgrp(), signal.SIGTSTP)
        while os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():
            time.sleep(LOOK_SECONDS)  # no signal tells of it, and nothing else is to be done meanwhile
    finally:
        signal.signal(signal.SIGTSTP, handler)
