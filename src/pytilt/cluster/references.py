"""Does an image reference in YAML mean a certain image? By the rules of the Docker CLI for short names."""

import functools
import re

from pytilt.model.base import Value
from pytilt.model.images import Image

_DEFAULT_HOST = "docker.io"
_REFERENCE = re.compile(
    r"(?P<name>[A-Za-z0-9._-]+)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")


class Reference(Value):
    """An image reference, taken apart, with the parts that short names leave out filled in."""

    host: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and path: what two references of one repository have in common."""
        return f"{self.host}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The shortest name that means the same, for example `busybox`."""
        if self.host != _DEFAULT_HOST:
            return self.name
        rest = self.path.removeprefix("library/")
        return self.path if "/" in rest else rest


@functools.lru_cache(maxsize=4096)
def parse(text: str) -> Reference | None:
    """Take a reference apart; None for what cannot be one."""
    head, slash, last = text.rpartition("/")
    # A colon before the last slash belongs to a port, one after it to a tag.
    found = _REFERENCE.fullmatch(last)
    if not found:
        return None
    name = f"{head}{slash}{found['name']}"
    host, path = _split_host(name)
    if not _PATH.fullmatch(path):
        return None
    return Reference(host=host, path=path, tag=found["tag"] or "", digest=found["digest"] or "")


def names(reference: str, image: str, *, exact: bool = False) -> bool:
    """Does a reference name this image?

    Args:
        reference: as YAML has it.
        image: the image's name; a tag in it counts only with `exact`.
        exact: tag and digest must be equal too.
    """
    one, other = parse(reference), parse(image)
    if one is None or other is None:
        return False
    return one == other if exact else one.name == other.name


def means(reference: str, image: Image) -> bool:
    """Does a reference in YAML mean this image of the Tiltfile?"""
    return names(reference, image.name, exact=image.match_exact)


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    is_host = slash and (any(char in first for char in ".:") or first == "localhost" or first != first.lower())
    host, path = (first, rest) if is_host else (_DEFAULT_HOST, name)
    if host == "index.docker.io":
        host = _DEFAULT_HOST
    if host == _DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    return host, path
