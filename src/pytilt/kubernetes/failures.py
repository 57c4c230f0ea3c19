"""What a refusal of the API server's means, and how it is explained to people."""

import re

import msgspec

from pytilt.errors import ApplyError, ClusterUnreachableError
from pytilt.http.decoding import MalformedJsonError, decode
from pytilt.kubernetes import products
from pytilt.kubernetes.connection import Connection
from pytilt.model.base import Value
from pytilt.model.regex import regex

_IMMUTABLE = regex(
    r"field is immutable|immutable after creation|updates? to .* (?:is|are) forbidden|may not (?:be )?changed?"
    r"|cannot be changed|updates may not change",
    re.IGNORECASE,
)
_NO_SUCH_PATH = "the server could not find the requested resource"
_NO_SERVICE_ACCOUNT = "error looking up service account"
"""A namespace's default service account is made a moment after the namespace."""
_NOT_TYPED = ("failed to create typed patch object", "failed to create manager for existing fields")
"""Server-side apply stumbles upon what create accepts: unknown fields, list entries that are there twice."""

_DENIED = "`kubectl auth can-i --list` shows what you may do; ask the cluster's administrator for the rest"
_LOG_IN = "log in to the cluster anew"


LONGEST_MESSAGE = 4000
"""Of an answer that is no `Status`: a proxy's page can be of any length."""


class Cause(Value):
    """One of several things that are wrong."""

    reason: str = ""
    message: str = ""
    field: str = ""


class Details(Value):
    """What a refusal is about."""

    name: str = ""
    kind: str = ""
    uid: str = ""
    causes: tuple[Cause, ...] = ()


class Failure(Value):
    """A `Status` of the API server's that is no success, or an answer of something before it."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: Details | None = None

    @property
    def immutable(self) -> bool:
        """Was a change refused that only another object of the same name could bring?"""
        if self.code != 422:
            return False
        causes = self.details.causes if self.details else ()
        return (
            all(_IMMUTABLE.search(cause.message) for cause in causes)
            if causes
            else bool(_IMMUTABLE.search(self.message))
        )

    @property
    def unknown_path(self) -> bool:
        """Does the server not serve this kind, or not yet?"""
        return self.code == 404 and _NO_SUCH_PATH in self.message

    @property
    def untyped(self) -> bool:
        """Can server-side apply not read the object, whatever the server thinks of it?"""
        return any(text in self.message for text in _NOT_TYPED)

    @property
    def undeclared(self) -> bool:
        """Has the object fields that the schema of its kind does not have?"""
        return "field not declared in schema" in self.message

    @property
    def passing(self) -> bool:
        """Does it go away by itself within moments?"""
        busy = self.code in (429, 503, 504) or (self.code == 500 and self.reason in ("ServerTimeout", "Timeout"))
        return busy or self.code == 409 or (self.code == 403 and _NO_SERVICE_ACCOUNT in self.message)


def parse(code: int, body: bytes) -> Failure:
    """Read a refusal.

    Args:
        code: the HTTP status.
        body: what came with it.
    """
    try:
        failure = decode(body, Failure)
    except MalformedJsonError:
        text = body.decode(errors="replace").strip()
        return Failure(code=code, message=text[:LONGEST_MESSAGE] or f"HTTP status {code}")
    return msgspec.structs.replace(failure, code=failure.code or code, message=failure.message or f"HTTP status {code}")


def apply_error(label: str, failure: Failure) -> ApplyError:
    """The error of an object that was refused.

    Args:
        label: `Kind/name`.
        failure: the refusal.
    """
    return ApplyError(f"{label}: {_explained(label, failure)}", hint=_hint(failure))


def would_lose_data(label: str, failure: Failure) -> ApplyError:
    """The error of an object that can only be replaced, together with the data that it holds."""
    kind, _, name = label.partition("/")
    return ApplyError(
        f"{label}: {_explained(label, failure)}",
        hint=f"replacing it would lose its data; if that is wanted: `kubectl delete {kind.lower()} {name}`",
    )


def unknown_kind(api_version: str, kind: str) -> ApplyError:
    """The error of a kind that the cluster does not have."""
    return ApplyError(
        f"the cluster has no kind `{kind}` in `{api_version}`",
        hint="check `apiVersion` and `kind`; for a kind of your own apply its CustomResourceDefinition first",
    )


def unreachable(connection: Connection, reason: str, *, hint: str | None = None) -> ClusterUnreachableError:
    """The error of a cluster that does not answer."""
    return ClusterUnreachableError(
        f"the cluster of the context `{connection.context}` does not answer at {connection.server}: {reason}",
        hint=hint or products.start_hint(connection.product, connection.cluster),
    )


def no_api(connection: Connection, reason: str) -> ClusterUnreachableError:
    """The error of an answer that no API server gives."""
    return ClusterUnreachableError(
        f"what answers at {connection.server} for the context `{connection.context}` is no Kubernetes API: {reason}",
        hint="see whether the address is that of a Kubernetes API, and whether a proxy or a login page answers for it",
    )


def unauthorized(connection: Connection, failure: Failure) -> ClusterUnreachableError:
    """The error of credentials that are not accepted."""
    user = connection.credentials
    return ClusterUnreachableError(
        f"the cluster of the context `{connection.context}` does not accept the credentials"
        f" of the user `{user.user}`: {failure.message}",
        hint=user.expired_hint or _LOG_IN,
    )


def denied(connection: Connection, what: str, failure: Failure) -> ClusterUnreachableError:
    """The error of something that the cluster does not let one do, or that went wrong within it.

    Args:
        connection: where.
        what: was asked for, for example `list pods`.
        failure: the refusal.
    """
    return ClusterUnreachableError(
        f"the cluster of the context `{connection.context}` refuses to {what}: {failure.message}", hint=_hint(failure)
    )


def _explained(label: str, failure: Failure) -> str:
    """The server's message without the name of the object, and one line for each of several causes."""
    kind, _, name = label.partition("/")
    message = re.sub(rf'^{re.escape(kind)}(?:\.\S+)? "{re.escape(name)}" is invalid: ', "", failure.message)
    causes = failure.details.causes if failure.details else ()
    if failure.code == 422 and len(causes) > 1:
        return "\n".join(["several fields are not valid:", *(f"  {cause.field}: {cause.message}" for cause in causes)])
    return message


def _hint(failure: Failure) -> str | None:
    match failure.code:
        case 403 if "exceeded quota" in failure.message:
            return "delete what is not needed, or have the quota raised"
        case 403 if "being terminated" in failure.message:
            return "its namespace is being deleted; apply again once it is gone, or use another one"
        case 403:
            return _DENIED
        case 404 if re.search(r'namespaces "[^"]*" not found', failure.message):
            return "create the namespace, for example with `kubectl create namespace`, or add it to the YAML"
        case 422:
            return "correct the field in the YAML"
        case _:
            return None
