"""Extensions, and repositories of them, that clients add beside the Tiltfile, as they send them."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.exceptions import HTTPException

from pytilt.model.api.derived.tiltfiles import ExtensionRepoSpec, ExtensionSpec
from pytilt.model.extensions import UsedExtension
from pytilt.views.api import Kind

_SPECS: Mapping[str, type[ExtensionSpec | ExtensionRepoSpec]] = {
    "extensions": ExtensionSpec,
    "extensionrepos": ExtensionRepoSpec,
}


def can_be_added(kind: Kind) -> bool:
    """Is it a kind whose objects clients may add and remove, and no more?"""
    return kind.api is None and kind.plural in _SPECS


def extension_of(kind: Kind, body: Any) -> UsedExtension:  # noqa: ANN401 - JSON
    """What a client wants to add.

    Args:
        kind: one that `can_be_added`.
        body: the object as it was sent.

    Raises:
        HTTPException: it has no name, or a field of another type.
    """
    try:
        name = body["metadata"]["name"]
        spec = msgspec.convert(body.get("spec") or {}, _SPECS[kind.plural])
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as problem:
        raise HTTPException(422, f"{kind.name} is invalid: {problem}") from problem
    if not isinstance(name, str) or not name:
        raise HTTPException(422, f"{kind.name} is invalid: metadata.name is no name")
    return UsedExtension(plural=kind.plural, name=name, spec=msgspec.json.decode(msgspec.json.encode(spec)), added=True)


def document(kind: Kind, extension: UsedExtension) -> dict[str, Any]:
    """The object as it is when it was just added."""
    return {
        "apiVersion": kind.group_version,
        "kind": kind.name,
        "metadata": {"name": extension.name},
        "spec": dict(extension.spec),
        "status": {},
    }
