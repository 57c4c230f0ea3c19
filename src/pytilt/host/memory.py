"""Memory of this process that the C library keeps, though nothing is in it any more."""

import ctypes
import sys


def release() -> None:
    """Give back to the system what the C library can do without; only glibc has a call for that (malloc_trim(3))."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
