"""Work in a thread that ends when its task is cancelled, also in the middle of an endless loop of Python code."""

import asyncio
import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class ThreadInterruptedError(BaseException):
    """Raised wherever the thread happens to be; no `except Exception` stops it."""


async def run_interruptibly(work: Callable[[], T]) -> T:
    """Do something in a thread; when the task is cancelled, it ends at its next step of Python code.

    Args:
        work: must not hold a lock of somebody else's while it runs.
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

    def interrupt(self) -> None:
        """Have an exception raised in the thread, if it is at work."""
        with self._lock:
            self._interrupted = True
            if self._ident is not None:
                error = ctypes.py_object(ThreadInterruptedError)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._ident), error)
