"""Links as Tilt reads them: what has no scheme is http."""

import re

from pytilt.errors import UserError
from pytilt.model.regex import regex
from pytilt.model.resources import Link

_SCHEME = regex(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CONTROL = regex(r"[\x00-\x1f\x7f]")


def parse_link(text: str, name: str = "") -> Link:
    """A link with a scheme. `localhost:80` counts as having one, `localhost`, and is kept, as in Tilt.

    Raises:
        UserError: not a URL.
    """
    problem = _problem(text)
    if problem:
        raise UserError(f'validating URL "{text}": {problem}')
    url = text.replace(" ", "%20")
    scheme = _SCHEME.match(url)
    if scheme:
        return Link(url=scheme[0].lower() + url[scheme.end() :], name=name)
    if url.startswith("//"):
        return Link(url=f"http:{url}", name=name)
    return Link(url=f"http://{url}", name=name, bare=True)


def parse_path(text: str) -> str:
    """The path of a link to a forwarded port, without leading slash.

    Raises:
        UserError: not the path of a URL.
    """
    problem = _problem(text) if text else ""
    if problem:
        raise UserError(f"parsing `path` param: {problem}")
    return text.removeprefix("/")


def _problem(text: str) -> str:
    if not text:
        return "url empty"
    if _CONTROL.search(text):
        return f'parse "{text}": net/url: invalid control character in URL'
    if " " in _host(text):
        return f'parse "{text}": invalid character " " in host name'
    if not _SCHEME.match(text) and ":" in text.partition("/")[0]:
        return f'parse "{text}": first path segment in URL cannot contain colon'
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return f'parse "{text}": invalid URL escape'
    return ""


def _host(text: str) -> str:
    """The host of a URL, with its port; empty where there is none."""
    rest = _SCHEME.sub("", text, count=1)
    return re.split("[/?#]", rest[2:])[0] if rest.startswith("//") else ""
