"""Work in a thread that ends when its task is cancelled, also in the middle of an endless loop of a Tiltfile."""

import asyncio
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from pytilt.model.modules import lazy

if TYPE_CHECKING:
    import ctypes
else:
    ctypes = lazy("ctypes")

T = TypeVar("T")

LOOK_SECONDS = 0.005
"""Between two looks at where the thread is."""


class ThreadInterruptedError(BaseException):
    """Raised in the code of a Tiltfile; no `except Exception` stops it."""


async def run_interruptibly(work: Callable[[], T]) -> T:
    """Do something in a thread; when the task is cancelled, it ends at its next step of a Tiltfile's code.

    It is interrupted nowhere else: an exception in the middle of an import, or between taking a lock and the statement
    that will release it, would leave that lock taken for ever.

    Args:
        work: calls the code of a Tiltfile, or ends by itself.
    """
    thread = _Thread()
    try:
        return await asyncio.to_thread(thread.run, work)
    except asyncio.CancelledError:
        thread.interrupt()
        raise


class _Thread:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._ident: int | None = None
        self._interrupted = False

    def run(self, work: Callable[[], T]) -> T:
        with self._lock:
            if self._interrupted:
                raise ThreadInterruptedError
            self._ident = threading.get_ident()
        try:
            return work()
        finally:
            with self._lock:
                self._ident = None
            self._ended.set()

    def interrupt(self) -> None:
        """Have an exception raised in the thread as soon as it is in the code of a Tiltfile."""
        with self._lock:
            self._interrupted = True
            if self._ident is None:
                return
        threading.Thread(target=self._wait_for_tiltfile, name="interrupt", daemon=True).start()

    def _wait_for_tiltfile(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            with self._lock:
                frame = None if self._ident is None else sys._current_frames().get(self._ident)  # noqa: SLF001 - the documented way
                if frame is not None and _is_of_tiltfile(frame) and self._ident is not None:
                    error = ctypes.py_object(ThreadInterruptedError)
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._ident), error)
                    return


def _is_of_tiltfile(frame: FrameType) -> bool:
    """Is it neither Python's own code, nor pytilt's, nor that of a library?"""
    name = frame.f_code.co_filename
    return not name.endswith(".py") and not name.startswith("<")
