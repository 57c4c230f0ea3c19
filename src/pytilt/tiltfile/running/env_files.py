"""Files of variables, such as `.env`: which of their values are secret, so that no log shows them. Pure."""

import posixpath
import re
from collections.abc import Iterator
from urllib.parse import unquote

from pytilt.model.regex import regex

SHORTEST = 6
"""Shorter values occur in other texts too often."""

_FILE = regex(r"\.env(\..+)?|.+\.env")
_VARIABLE = regex(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*[=:][ \t]*("(?:[^"\\]|\\.)*"|'[^']*'|[^\n]*)""",
    re.MULTILINE | re.DOTALL,
)
_SECRET = regex(
    r"pass|pwd|secret|token|credential|auth|private|(api|access|encryption|signing|account)[_.-]?key", re.IGNORECASE
)
_PLAIN = regex(r"[A-Za-z_-]*|[\d.:]*|[./~][\w./~-]*", re.ASCII)
"""Words, numbers and paths: taking these out of texts would make them unreadable, and few of them are secret."""
_PASSWORD_IN_URL = regex(r"\w+://[^\s:/@]*:([^\s/@]+)@")
_TOKEN_IN_URL = regex(r"\w+://([^\s:/@]{16,})@")
"""A name of that length is none of a person."""
_COMMENT = regex(r"\s#.*")
_ESCAPES = {r"\n": "\n", r"\"": '"', r"\$": "$", r"\\": "\\"}
_ESCAPE = regex(r"\\[n\"$\\]")


def is_env_file(path: str) -> bool:
    """Is this, by its name, a file of variables?"""
    return _FILE.fullmatch(posixpath.basename(path)) is not None


def env_secrets(path: str, text: str) -> tuple[tuple[str, str], ...]:
    """The values that must not be shown, each with what is shown instead.

    Args:
        path: of the file.
        text: of lines `NAME=VALUE`; a value in quotes may have several lines.
    """
    name = posixpath.basename(path)
    return tuple(
        (secret, f"[redacted {name}:{key}]")
        for key, written in _VARIABLE.findall(text)
        for secret in _secrets(key, _value(written))
        if len(secret) >= SHORTEST
    )


def url_secrets(name: str, url: str) -> tuple[tuple[str, str], ...]:
    """What of an address must not be shown: a password, or a token in the place of a name; with what is shown instead.

    Args:
        name: of what has the address.
        url: the address.
    """
    found = (*_PASSWORD_IN_URL.findall(url), *_TOKEN_IN_URL.findall(url))
    forms = {form for each in found for form in (each, unquote(each)) if len(form) >= SHORTEST}
    return tuple((form, f"[redacted {name}]") for form in sorted(forms))


def _secrets(key: str, value: str) -> Iterator[str]:
    yield from (form for found in _PASSWORD_IN_URL.findall(value) for form in {found, unquote(found)})
    if "-----BEGIN" in value or (_SECRET.search(key) and not _PLAIN.fullmatch(value) and "://" not in value):
        yield value


def _value(written: str) -> str:
    written = written.strip()
    if written[:1] == '"' and written[-1:] == '"' and len(written) > 1:
        return _ESCAPE.sub(lambda found: _ESCAPES[found.group()], written[1:-1])
    if written[:1] == "'" and written[-1:] == "'" and len(written) > 1:
        return written[1:-1]
    return _COMMENT.sub("", written)
