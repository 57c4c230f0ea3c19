"""The objects that Tiltfiles and clients make, as the API shows them; and what a client writes, as an object. Pure."""

import types
from collections.abc import Iterator, Mapping
from typing import Any, Union, get_args, get_origin
from uuid import NAMESPACE_URL, uuid5

import msgspec
from msgspec.structs import fields, replace

from pytilt.model.api.kinds import ApiKind
from pytilt.model.api.metadata import ApiObject
from pytilt.model.api.words import GROUP_VERSION
from pytilt.model.base import Value
from pytilt.model.stored import Object, Owner
from pytilt.views.hiding import yaml_without_data

Json = dict[str, Any]

_METADATA = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)
"""What metadata may hold; most of it is set by the session, whatever a client says."""


class InvalidObjectError(ValueError):
    """A client wrote an object that cannot be. The message says where and why."""


def uid(kind: str, thing: Object) -> str:
    """An id that stays as long as the object does."""
    return str(uuid5(NAMESPACE_URL, f"{kind}/{thing.name}/{thing.created_at}"))


def owner_references(owner: Owner | None, owner_uid: str) -> list[Json]:
    """The owner of an object, as Kubernetes writes it."""
    if owner is None:
        return []
    return [
        {
            "apiVersion": GROUP_VERSION,
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner_uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def shown(thing: ApiObject, owner_uid: str) -> Json:
    """An object as the API shows it.

    Args:
        thing: the object.
        owner_uid: id of its owner; empty where there is none.
    """
    metadata: Json = {
        "name": thing.name,
        "uid": uid(thing.kind, thing),
        "resourceVersion": str(thing.version),
        "generation": thing.generation,
        "creationTimestamp": thing.created_at,
    }
    for name in ("labels", "annotations"):
        if getattr(thing, name):
            metadata[name] = dict(getattr(thing, name))
    if thing.owner is not None:
        metadata["ownerReferences"] = owner_references(thing.owner, owner_uid)
    names = (name for name in (*thing.content, "status") if hasattr(thing, name))
    parts = {name: msgspec.to_builtins(getattr(thing, name)) for name in names}
    return {"apiVersion": GROUP_VERSION, "kind": thing.kind, "metadata": metadata, **parts}


def readable(item: Json) -> Json:
    """An object as a reader may see it: without the values of the Secrets that it applies."""
    fields = {"yaml", "resultYAML"}
    parts = {name: item[name] for name in ("spec", "status") if fields & item.get(name, {}).keys()}
    hidden = {
        name: {key: yaml_without_data(value) if key in fields else value for key, value in part.items()}
        for name, part in parts.items()
    }
    return {**item, **hidden}


def written(kind: ApiKind, body: object, *, name: str | None = None) -> ApiObject:
    """The object that a client wrote, with its status.

    Args:
        kind: where it was written to.
        body: the JSON.
        name: what it has to be called, where the address says so.

    Raises:
        InvalidObjectError: it cannot be.
    """
    if not isinstance(body, dict):
        raise InvalidObjectError("the body is not an object")
    if body.get("kind", kind.name) != kind.name:
        raise InvalidObjectError(f'kind: Invalid value: "{body["kind"]}": must be {kind.name}')
    if body.get("apiVersion", GROUP_VERSION) != GROUP_VERSION:
        raise InvalidObjectError(f'apiVersion: Invalid value: "{body["apiVersion"]}": must be {GROUP_VERSION}')
    metadata = body.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise InvalidObjectError("metadata: Invalid value: must be an object")
    given = metadata.get("name", name)
    if not isinstance(given, str) or not given:
        raise InvalidObjectError("metadata.name: Required value: name or generateName is required")
    if name is not None and given != name:
        raise InvalidObjectError(
            f"the name of the object ({given}) does not match the name on the URL ({name})",
        )
    about = {
        "name": given,
        **{part: _texts(metadata, part) for part in ("labels", "annotations") if metadata.get(part)},
    }
    content = {
        part: _without_null(body[part])
        for part in (*kind.type.content, "status")
        if body.get(part) is not None and part in kind.type.__struct_fields__
    }
    for problem in _unknown_fields(kind, body):
        raise InvalidObjectError(problem)
    try:
        made: ApiObject = msgspec.convert({**about, **content, "type": kind.type.__name__}, kind.type)
    except msgspec.ValidationError as problem:
        raise InvalidObjectError(_place(str(problem))) from problem
    return made


def checked(kind: ApiKind, made: ApiObject) -> ApiObject:
    """The object, if it can be.

    Raises:
        InvalidObjectError: it cannot be.
    """
    found = [
        *(f"metadata.name: Invalid value: \"{made.name}\": may not contain '{bad}'" for bad in "/%" if bad in made.name)
    ]
    found += made.problems()
    if found:
        what = found[0] if len(found) == 1 else f"[{', '.join(found)}]"
        raise InvalidObjectError(f'{kind.name}.tilt.dev "{made.name}" is invalid: {what}')
    return made


def merged(before: object, patch: object) -> object:
    """A JSON value after a merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def with_spec_of(before: ApiObject, wanted: ApiObject) -> ApiObject:
    """An object with what a client declares of it now; its status and owner stay.

    Args:
        before: the object as it is.
        wanted: what the client wrote.
    """
    content = {name: getattr(wanted, name) for name in wanted.content}
    changed = any(getattr(before, name) != value for name, value in content.items())
    return replace(
        before,
        labels=wanted.labels,
        annotations=wanted.annotations,
        generation=before.generation + changed,
        **content,
    )


def _texts(metadata: Mapping[str, object], part: str) -> dict[str, str]:
    found = metadata[part]
    if not isinstance(found, dict):
        raise InvalidObjectError(f"metadata.{part}: Invalid value: must be an object of strings")
    for name, value in found.items():
        if not isinstance(value, str):
            raise InvalidObjectError(
                f"metadata.{part}[{name}]: Invalid value: {value!r}: must be a string, put it in quotes"
            )
    return dict(found)


def _without_null(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Without what is null: it counts as left out, as in Go."""
    if isinstance(value, dict):
        return {name: _without_null(each) for name, each in value.items() if each is not None}
    return [_without_null(each) for each in value] if isinstance(value, list) else value


def _unknown_fields(kind: ApiKind, body: Mapping[str, Any]) -> Iterator[str]:
    """Fields that the kind does not have: most likely they are misspelt."""
    known = {"apiVersion", "kind", "metadata", *kind.type.content, "status"}
    yield from (_unknown(name, known) for name in body if name not in known)
    yield from (f'unknown field "metadata.{name}"' for name in body.get("metadata") or {} if name not in _METADATA)
    types = {field.name: field.type for field in fields(kind.type)}
    for part in kind.type.content:
        yield from _unknown_inside(types[part], body.get(part), part)


def _unknown_inside(kind: Any, value: object, place: str) -> Iterator[str]:  # noqa: ANN401 - any annotation
    if get_origin(kind) in (Union, types.UnionType):
        kind = next(each for each in get_args(kind) if each is not type(None))
    if get_origin(kind) is tuple and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unknown_inside(get_args(kind)[0], each, f"{place}[{index}]")
    elif isinstance(kind, type) and issubclass(kind, Value) and isinstance(value, dict):
        known = {field.encode_name: field.type for field in fields(kind)}
        for name, each in value.items():
            if name not in known:
                yield _unknown(f"{place}.{name}", {f"{place}.{one}" for one in known})
            else:
                yield from _unknown_inside(known[name], each, f"{place}.{name}")


def _unknown(name: str, known: set[str]) -> str:
    from difflib import get_close_matches  # imported here: only a mistake needs it

    close = get_close_matches(name, sorted(known), n=1)
    return f'unknown field "{name}"{f", did you mean {close[0]}?" if close else ""}'


def _place(problem: str) -> str:
    """A message of msgspec with the place in front, as Kubernetes writes it: `spec.text: Invalid value: …`."""
    what, at, place = problem.partition(" - at `$.")
    return f"{place.rstrip('`')}: Invalid value: {what}" if at else problem
