"""The program behind `tilt`: by the script `pytilt`, or as `python -m pytilt`, whatever the PATH says.

Python turns ctrl-C into an exception, wherever it happens to be, and prints where that was. Until a command has said
how it wants to end, ctrl-C shall just end it; so nothing is imported before that is set, not even `signal`, which
takes its time. While Python itself starts, `launcher/tilt` holds ctrl-C back.
"""

import _signal  # type: ignore[import-not-found]  # it has no stub: `signal` is what one imports elsewhere


def script() -> None:
    """Run the command line of the script, which gets what was held back, and exit."""
    _leave_interrupts_to_the_system()
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {_signal.SIGINT})
    main()


def main() -> None:
    """Run the command line and exit."""
    _leave_interrupts_to_the_system()
    from pytilt.cli.main import main as run

    run()


def _leave_interrupts_to_the_system() -> None:
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:  # else it is ignored, as `nohup` wants it
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)


if __name__ == "__main__":
    main()
