"""Objects as they go to readers: without the values of Secrets, wherever these are."""

from collections.abc import Mapping
from typing import Any

from pytilt.cluster import yaml
from pytilt.cluster.redaction import Redactor
from pytilt.cluster.secrets import is_secret, without_values
from pytilt.errors import UserError
from pytilt.model.regex import regex

_IDENTIFIERS = frozenset(
    {
        "apiVersion",
        "arch",
        "container",
        "context",
        "displayNames",
        "familiar",
        "group",
        "host",
        "id",
        "images",
        "kind",
        "level",
        "name",
        "namespace",
        "outcome",
        "path",
        "paths",
        "phase",
        "pod",
        "podName",
        "product",
        "reason",
        "reference",
        "resource",
        "runtimeStatus",
        "span",
        "spanID",
        "state",
        "status",
        "strategy",
        "tiltfilePath",
        "type",
        "uid",
        "updateStatus",
        "url",
        "version",
    }
)
"""Fields that programs read: there a value that is a mere word, like `error` or `localhost`, means something else."""

_WORD = regex(r"[A-Za-z._/-]*|[\d.:]*")


def without_secrets(body: Any, redactor: Redactor) -> Any:  # noqa: ANN401 - JSON
    """A JSON value in which nothing is secret.

    Args:
        body: objects as the API shows them, or any value that holds some.
        redactor: knows the values.
    """
    return _hidden(body, redactor, "")


def without_data(body: Any) -> Any:  # noqa: ANN401 - JSON
    """A JSON value in which every Secret has lost its values."""
    if isinstance(body, Mapping):
        kept = without_values(body) if is_secret(body) else body
        return {key: without_data(value) for key, value in kept.items()}
    return [without_data(item) for item in body] if isinstance(body, list | tuple) else body


def yaml_without_data(text: str) -> str:
    """A YAML text in which every Secret has lost its values; one without any stays as it is."""
    if "Secret" not in text:
        return text
    try:
        found = yaml.parse(text, "yaml")
    except UserError:
        return ""  # nobody knows what is in it
    return yaml.dump(without_data(each) for each in found) if any(map(is_secret, found)) else text


def _hidden(body: Any, redactor: Redactor, field: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(body, str):
        if field in _IDENTIFIERS:
            return redactor.replaced(body, lambda found, shown: found if _WORD.fullmatch(found) else shown)
        return redactor(body)
    if isinstance(body, Mapping):
        return {key: _hidden(value, redactor, str(key)) for key, value in body.items()}
    return [_hidden(item, redactor, field) for item in body] if isinstance(body, list | tuple) else body
