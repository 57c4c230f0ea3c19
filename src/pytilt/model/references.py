"""Image references as Docker writes and reads them.

The grammar is that of the `distribution/reference` library, which Docker, Kubernetes and Tilt share.
"""

from collections.abc import Container, Iterable
from functools import lru_cache

from pytilt.errors import UserError
from pytilt.model.base import Value
from pytilt.model.images import Image
from pytilt.model.names import ImageName
from pytilt.model.regex import regex

DOCKER_HUB = "docker.io"
_LEGACY_HUB = "index.docker.io"
_OFFICIAL = "library/"
_MAX_NAME = 255

_DIGEST_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}

_IDENTIFIER = regex(r"[a-f0-9]{64}")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_REFERENCE = regex(
    rf"(?P<domain>{_DOMAIN})/(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)


class Reference(Value):
    """A parsed reference."""

    domain: str
    """For example `docker.io` or `localhost:5001`."""
    path: str
    """For example `library/busybox`."""
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Canonical, without tag and digest: `docker.io/library/busybox`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """As people write it, without tag and digest: `busybox`."""
        if self.domain != DOCKER_HUB:
            return self.name
        short = self.path.removeprefix(_OFFICIAL)
        return self.path if "/" in short else short

    @property
    def canonical(self) -> str:
        """Canonical, with tag and digest."""
        return self.name + self._suffix

    @property
    def familiar(self) -> str:
        """As people write it, with tag and digest."""
        return self.familiar_name + self._suffix

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Read a reference in any of its forms.

    Raises:
        UserError: with Tilt's words, for example `can't parse "img web": invalid reference format`.
    """
    problem, reference = _parse(text)
    if reference is None:
        raise UserError(f'can\'t parse "{text}": {problem}')
    return reference


def try_parse(text: str) -> Reference | None:
    """Read a reference, None when it is not one."""
    return _parse(text)[1]


def image_name(text: str) -> ImageName:
    """The name by which an image is known: familiar, with the tag that was given.

    Raises:
        UserError: not a reference.
    """
    return ImageName(parse(text).familiar)


def matches(reference: str, image: ImageName, *, exact: bool = False) -> bool:
    """Does a reference, for example of a container in YAML, name this image?

    Args:
        reference: what was found; what is not a reference matches nothing.
        image: the image as the Tiltfile names it.
        exact: tags count; else only the names do.
    """
    found, wanted = try_parse(reference), try_parse(image)
    if found is None or wanted is None:
        return False
    return found.canonical == wanted.canonical if exact else found.name == wanted.name


def means(reference: str, image: Image) -> bool:
    """Does a reference in YAML mean this image of the Tiltfile?"""
    return matches(reference, image.name, exact=image.match_exact)


def find_image(reference: str, images: Iterable[ImageName], exact: Container[ImageName] = ()) -> ImageName | None:
    """Which of several images a reference means.

    Args:
        reference: what was found.
        images: as the Tiltfile names them.
        exact: those of them whose tag counts (`Image.match_exact`).
    """
    return next((image for image in images if matches(reference, image, exact=image in exact)), None)


@lru_cache(maxsize=4096)  # the same few names are compared over and over
def _parse(text: str) -> tuple[str, Reference | None]:
    if _IDENTIFIER.fullmatch(text):
        return f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings", None
    domain, rest = _split_domain(text)
    path = rest.partition(":")[0]
    if path != path.lower():
        return f"invalid reference format: repository name ({path}) must be lowercase", None
    found = _REFERENCE.fullmatch(f"{domain}/{rest}")
    if found is None:
        lower = text.lower()
        is_case = lower != text and _parse(lower)[1] is not None
        return "repository name must be lowercase" if is_case else "invalid reference format", None
    if len(found["path"]) > _MAX_NAME:
        return f"repository name must not be more than {_MAX_NAME} characters", None
    digest = found["digest"] or ""
    problem = _digest_problem(digest)
    if problem:
        return problem, None
    return "", Reference(domain=found["domain"], path=found["path"], tag=found["tag"] or "", digest=digest)


def _split_domain(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash:
        return DOCKER_HUB, _OFFICIAL + text
    if first in (DOCKER_HUB, _LEGACY_HUB):
        return DOCKER_HUB, rest if "/" in rest else _OFFICIAL + rest
    if first == "localhost" or "." in first or ":" in first or first != first.lower():
        return first, rest
    return DOCKER_HUB, text


def _digest_problem(digest: str) -> str:
    if not digest:
        return ""
    algorithm, _, value = digest.partition(":")
    length = _DIGEST_LENGTHS.get(algorithm)
    if length is None:
        return "unsupported digest algorithm"
    if len(value) != length:
        return "invalid checksum digest length"
    return "" if value == value.lower() else "invalid checksum digest format"
