"""Removing what builds have left in the engine: old images of a project, and containers that were made of them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from pytilt.docker.api import DockerApi, path
from pytilt.errors import DockerApiError
from pytilt.images.docker.options import PODMAN_LABELS
from pytilt.model.base import Value
from pytilt.model.references import try_parse
from pytilt.model.resources import PruneSettings
from pytilt.model.times import EPOCH, moment

Say = Callable[[str], None]
"""Prints one line."""

_LABEL = next(f"{name}={value}" for name, value in PODMAN_LABELS.items())
"""What every image carries that was built here or by Tilt, and so every container of it."""

_SANDBOXES_LABEL = "dev.pytilt.project"
"""Containers of the built-in context `engine` are their project's own, ended or not."""

_UNITS = ("B", "kB", "MB", "GB", "TB")


class _EndedContainer(msgspec.Struct, rename="pascal"):
    id: str
    created: int = 0
    labels: dict[str, str] | None = None


class _OwnImage(msgspec.Struct, rename="pascal"):
    id: str


class _Tagging(msgspec.Struct, rename="pascal"):
    last_tag_time: str = ""


class _DatedImage(msgspec.Struct, rename="pascal"):
    metadata: _Tagging | None = None
    created: str | None = None
    repo_tags: list[str] | None = None
    size: int = 0


class StoredImage(Value):
    """An image in the engine's store."""

    id: str
    tags: tuple[str, ...]
    since: datetime
    """When it was last built or tagged."""
    size: int = 0


def stale_images(
    images: Sequence[StoredImage], names: Collection[str], settings: PruneSettings, now: datetime
) -> list[StoredImage]:
    """Which images are to go: older than the limit, and not among the newest of their name.

    Args:
        images: all that were built here.
        names: of the project's images, without tags; all others stay.
        settings: the limits.
        now: the time.
    """
    seen: dict[str, int] = {}
    stale = []
    for image in sorted(images, key=lambda image: image.since, reverse=True):
        of = next((name for name in map(_name, image.tags) if name in names), "")
        if not of or now - image.since < timedelta(seconds=settings.max_age_seconds):
            continue
        seen[of] = seen.get(of, 0) + 1
        if seen[of] > settings.keep_recent and all(_name(tag) in names for tag in image.tags):
            stale.append(image)
    return stale


async def prune(api: DockerApi, names: Collection[str], settings: PruneSettings, now: datetime, say: Say) -> None:
    """Remove ended containers and stale images; what is in use stays.

    Args:
        api: the engine.
        names: of the project's images, without tags.
        settings: the limits.
        now: the time.
        say: called with what was removed, in Tilt's words.
    """
    limit = now.timestamp() - settings.max_age_seconds
    containers = [each.id for each in await _ended(api) if each.created <= limit]
    removed = [each for each in containers if await _removed(api, "containers", each) is not None]
    say(f"[Docker Prune] removed {len(removed)} containers")
    for each in removed:
        say(f"\t- {each}")
    items: list[Mapping[str, str]] = []
    freed = 0
    for image in stale_images([await _inspected(api, each.id) for each in await _built(api)], names, settings, now):
        answers = [await _removed(api, "images", tag) for tag in image.tags]
        items += [item for answer in answers for item in answer or ()]
        freed += image.size if all(answer is not None for answer in answers) else 0
    say(f"[Docker Prune] removed {len(items)} images, reclaimed {human_size(freed)}")
    for item in items:
        for key, value in item.items():
            say(f"\t- {key.lower()}: {value}")


def human_size(number: int) -> str:
    """Bytes as Docker shows them: `2.5MB`."""
    size, power = float(number), 0
    while size >= 1000 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.4g}{_UNITS[power]}"


async def _ended(api: DockerApi) -> list[_EndedContainer]:
    filters = {"label": [_LABEL], "status": ["created", "exited", "dead"]}
    params: dict[str, str | bool] = {"all": True, "filters": msgspec.json.encode(filters).decode()}
    found = (await api.request("GET", "/containers/json", params=params)).decode(list[_EndedContainer])
    return [each for each in found if _SANDBOXES_LABEL not in (each.labels or {})]


async def _built(api: DockerApi) -> list[_OwnImage]:
    filters = {"label": [_LABEL]}
    params = {"filters": msgspec.json.encode(filters).decode()}
    return (await api.request("GET", "/images/json", params=params)).decode(list[_OwnImage])


async def _inspected(api: DockerApi, image: str) -> StoredImage:
    try:
        found = (await api.request("GET", path("images", image, "json"))).decode(_DatedImage)
    except DockerApiError as error:
        if error.status == 404:  # somebody else was quicker
            return StoredImage(id=image, tags=(), since=EPOCH)
        raise
    tagged = found.metadata.last_tag_time if found.metadata else ""
    since = max(moment(tagged), moment(found.created or ""))
    return StoredImage(id=image, tags=tuple(found.repo_tags or ()), since=since, size=found.size)


async def _removed(api: DockerApi, kind: str, name: str) -> list[dict[str, str]] | None:
    """What went with it; None if it stays, for example because a container needs it."""
    try:
        answer = await api.request("DELETE", path(kind, name))
    except DockerApiError as error:
        if error.status in (404, 409):
            return None
        raise
    return answer.decode(list[dict[str, str]]) if answer.body else []


def _name(tag: str) -> str:
    parsed = try_parse(tag)
    return parsed.familiar_name if parsed else ""
