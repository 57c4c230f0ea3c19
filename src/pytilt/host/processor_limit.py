"""A limit on the processor time of a call that nothing else can interrupt, such as the search for a pattern."""

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class ProcessorTimeUsedUpError(Exception):
    """A call has used all the processor time that it may."""


def limited(seconds: float, call: Callable[[], T]) -> T:
    """Call something that may use so much processor time.

    The limit holds in the main thread, since only that receives signals, and counts what other threads use meanwhile.
    Where a signal interrupts: between two instructions of Python, and within `re` now and then.

    Args:
        seconds: of processor time of the whole process, without the system's.
        call: what is called.

    Raises:
        ProcessorTimeUsedUpError: it took longer, and was interrupted.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    if signal.getsignal(signal.SIGVTALRM) is not _interrupt:
        signal.signal(signal.SIGVTALRM, _interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        return call()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise ProcessorTimeUsedUpError
