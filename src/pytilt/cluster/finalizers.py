"""What keeps objects that are being deleted: finalizers, and what a namespace still holds."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.cluster.pods import conditions
from pytilt.errors import ApplyError
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import KubeObject

_REMAINS = ("NamespaceContentRemaining", "NamespaceFinalizersRemaining", "NamespaceDeletionContentFailure")
"""Conditions with which a namespace says why it is still there."""


def finalizers(o: KubeObject) -> tuple[str, ...]:
    """The finalizers of an object."""
    found = objects.metadata(o).get("finalizers")
    return tuple(map(str, found)) if isinstance(found, list | tuple) else ()


def is_foreign(finalizer: str) -> bool:
    """Is this one that a controller of somebody's removes, so that it may not be removed at all?

    Those of Kubernetes itself are removed once nothing uses the object any more.
    """
    domain, slash, _ = finalizer.partition("/")
    return bool(slash) and domain != "kubernetes.io" and not domain.endswith(".kubernetes.io")


def held_by(o: KubeObject) -> str:
    """What keeps an object that is being deleted; empty where nothing is known of it."""
    remains = [each.message for each in conditions(o) if each.true and each.type in _REMAINS and each.message]
    if remains:
        return "; ".join(remains)
    names = [f"`{name}`" for name in finalizers(o)]
    return f"finalizer{'s' if len(names) > 1 else ''} {', '.join(names)}" if names else ""


def described(ref: ObjectRef, o: KubeObject) -> str:
    """An object that does not go, with what keeps it."""
    held = held_by(o)
    return f"{ref} ({held})" if held else str(ref)


def stuck(left: Sequence[str], seconds: float) -> ApplyError:
    """The error of objects that do not go.

    Args:
        left: each as of `described`.
        seconds: how long they were waited for.
    """
    return ApplyError(
        f"still being deleted after {seconds:g}s: {', '.join(left)}",
        hint="a finalizer is removed by the controller that has set it: see whether that runs, and what it says; where"
        ' it is gone for good, `kubectl patch KIND NAME --type=merge -p \'{"metadata":{"finalizers":null}}\'` lets go',
    )
