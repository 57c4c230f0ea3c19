"""Choosing objects: by regular expressions, by labels, by fragments such as `web:deployment`."""

import functools
import re
from collections.abc import Mapping, Sequence

from pytilt.cluster import objects
from pytilt.errors import UserError
from pytilt.model.api.kubernetes_discoveries import LabelSelector, LabelSelectorRequirement
from pytilt.model.resources import KubeObject

_MOST_PARTS = 3
"""A fragment may say name, kind and namespace."""


def matches(o: KubeObject, *, kind: str = "", api_version: str = "", name: str = "", namespace: str = "") -> bool:
    """Do all given regular expressions occur in the object's fields, whatever the case? An empty one always does.

    An object without namespace has the namespace `default` here.

    Raises:
        UserError: a regular expression cannot be read.
    """
    return (
        _occurs(kind, objects.kind(o), "kind")
        and _occurs(api_version, objects.api_version(o), "apiVersion")
        and _occurs(name, objects.name(o), "name")
        and _occurs(namespace, objects.namespace_or_default(o), "namespace")
    )


def has_labels(o: KubeObject, labels: Mapping[str, str]) -> bool:
    """Does the object carry all these labels?"""
    own = objects.labels(o)
    return all(own.get(key) == value for key, value in labels.items())


def split(
    wanted: Sequence[KubeObject],
    *,
    labels: Mapping[str, str] | None = None,
    kind: str = "",
    api_version: str = "",
    name: str = "",
    namespace: str = "",
) -> tuple[tuple[KubeObject, ...], tuple[KubeObject, ...]]:
    """The objects that match everything given, and the rest (`filter_yaml`).

    Raises:
        UserError: a regular expression cannot be read.
    """
    chosen = [
        matches(o, kind=kind, api_version=api_version, name=name, namespace=namespace) and has_labels(o, labels or {})
        for o in wanted
    ]
    return (
        tuple(o for o, yes in zip(wanted, chosen, strict=True) if yes),
        tuple(o for o, yes in zip(wanted, chosen, strict=True) if not yes),
    )


def selector_matches(service: KubeObject, labels: Mapping[str, str]) -> bool:
    """Would a Service with this selector send to pods with these labels? One without selector sends to none."""
    selector = objects.mapping(service, "spec", "selector")
    return bool(selector) and all(labels.get(str(key)) == str(value) for key, value in selector.items())


_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def selector_problem(selector: LabelSelector) -> str:
    """What is wrong with a label selector, in Kubernetes' words; empty when nothing is."""
    for each in selector.match_expressions:
        if each.operator not in _OPERATORS:
            return f'"{each.operator}" is not a valid label selector operator'
        if bool(each.values) is not (each.operator in ("In", "NotIn")):
            rule = "must be empty" if each.values else "must be non-empty"
            return f"values: Invalid value: for '{each.operator}' operator, values set {rule}"
    return ""


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Do all conditions of a label selector hold? An empty one selects everything."""
    return all(labels.get(key) == value for key, value in selector.match_labels.items()) and all(
        _holds(each, labels) for each in selector.match_expressions
    )


def _holds(condition: LabelSelectorRequirement, labels: Mapping[str, str]) -> bool:
    present, value = condition.key in labels, labels.get(condition.key)
    match condition.operator:
        case "In":
            return present and value in condition.values
        case "NotIn":
            return not present or value not in condition.values
        case "Exists":
            return present
        case _:
            return not present


def full_name(o: KubeObject) -> str:
    """The longest fragment that people write: `name:Kind:namespace`."""
    return _joined(objects.name(o), objects.kind(o), objects.namespace_or_default(o))


def fragments(o: KubeObject) -> tuple[str, ...]:
    """The ways to name an object, shortest first: name, then with kind, namespace and group, all in lower case."""
    parts = _parts(o)
    return tuple(_joined(*parts[:count]) for count in range(1, len(parts) + 1))


def pick(fragment: str, everything: Sequence[KubeObject], remaining: Sequence[KubeObject]) -> KubeObject:
    r"""The one object that a fragment names.

    Args:
        fragment: as in `k8s_resource(objects=…)`; the case does not matter, a colon in a name is written `\:`.
        everything: the objects among which it must be unique.
        remaining: those of them that no resource has yet.

    Raises:
        UserError: it names none, several, or one that is taken.
    """
    parts = _split(fragment)
    found = [o for o in everything if _begins(o, parts)]
    if not found:
        raise UserError(
            f'No object identified by the fragment "{fragment}" could be found. '
            f"Possible objects are: {_quoted(everything)}"
        )
    if len(found) > 1:
        raise UserError(
            f'"{fragment}" is not a unique fragment. Objects that match "{fragment}" are {_quoted(found)}',
            hint="add the kind, and the namespace if need be: `name:kind:namespace`",
        )
    if not any(o is found[0] for o in remaining):
        raise UserError(
            f'No object identified by the fragment "{fragment}" could be found in remaining YAML. '
            f"Valid remaining fragments are: {_quoted(remaining)}",
            hint="another resource has it already",
        )
    return found[0]


def is_named(o: KubeObject, fragment: str) -> bool:
    """Is an object one of those that a fragment names?

    Raises:
        UserError: it is no fragment.
    """
    return _begins(o, _split(fragment))


def _begins(o: KubeObject, parts: tuple[str, ...]) -> bool:
    return objects.name(o).lower() == parts[0] and _parts(o)[: len(parts)] == parts


def _parts(o: KubeObject) -> tuple[str, ...]:
    group = objects.group(objects.api_version(o)) or "core"
    parts = (objects.name(o), objects.kind(o), objects.namespace_or_default(o), group)
    return tuple(part.lower() for part in parts)


def _split(fragment: str) -> tuple[str, ...]:
    """The parts of a fragment in lower case."""
    if not fragment:
        raise UserError(f'Error making selector from string "{fragment}": selector can\'t be empty')
    parts = re.split(r"(?<!\\):", fragment)
    if len(parts) > _MOST_PARTS:
        raise UserError(
            f'Error making selector from string "{fragment}": Too many parts in selector. Selectors must contain '
            f"between 1 and {_MOST_PARTS} parts (colon separated), found {len(parts)} parts in {fragment}"
        )
    return tuple(re.sub(r"\\(.)", r"\1", part).lower() for part in parts)


def _quoted(wanted: Sequence[KubeObject]) -> str:
    return ", ".join(f'"{full_name(o)}"' for o in wanted)


def _joined(*parts: str) -> str:
    return ":".join(part.replace("\\", "\\\\").replace(":", "\\:") for part in parts)


def _occurs(pattern: str, text: str, field: str) -> bool:
    return not pattern or _compiled(pattern, field).search(text) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str, field: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UserError(
            f"error parsing {field} regexp: `{pattern}`: {error}",
            hint="escape what is meant literally with a backslash",
        ) from error
