"""One document of the web, for commands that are given a URL in the place of a file."""

import urllib.error
import urllib.request
from http.client import HTTPException

TIMEOUT_SECONDS = 30.0
LARGEST_BYTES = 64 * 1024 * 1024


def fetch_document(url: str) -> bytes:
    """What is at an address, `http://` or `https://`; proxies of the environment are used.

    Raises:
        OSError: it cannot be had, or is too large.
    """
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read(LARGEST_BYTES + 1)
    except urllib.error.HTTPError as problem:
        with problem:
            raise OSError(None, f"the server answered {problem.code} {problem.reason}".lower()) from problem
    except urllib.error.URLError as problem:
        reason = problem.reason
        raise OSError(None, str(getattr(reason, "strerror", None) or reason)) from problem
    except (HTTPException, ValueError) as problem:
        raise OSError(None, str(problem) or type(problem).__name__) from problem
    if len(content) > LARGEST_BYTES:
        raise OSError(None, f"it is larger than {LARGEST_BYTES >> 20} megabytes")
    return content
