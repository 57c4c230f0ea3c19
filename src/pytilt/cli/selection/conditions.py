"""What `tilt wait --for=…` waits for, as kubectl reads it."""

from __future__ import annotations

from pytilt.errors import UserError
from pytilt.model.json_text import Json
from pytilt.model.named_tuple import NamedTuple
from pytilt.model.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_EQUALS = regex(r"(?<!=)=(?!=)|(?<===)=(?!=)")


class WaitCondition(NamedTuple):
    """One thing to wait for."""

    met: Callable[[Json | None], bool]
    """Is it true of an object, or of one that is not there (None)?"""
    of_missing: bool = False
    """May the object be missing at first?"""


def read_condition(text: str) -> WaitCondition:
    """Read `condition=Ready`, `condition=Ready=false`, `jsonpath={.a.b}=c`, `create` or `delete`.

    Raises:
        UserError: it is none of them.
    """
    kind, _, rest = text.partition("=")
    if text.lower() == "delete":
        return WaitCondition(met=lambda item: item is None, of_missing=True)
    if text.lower() == "create":
        return WaitCondition(met=lambda item: item is not None, of_missing=True)
    if kind == "condition" and rest:
        name, _, value = rest.partition("=")
        return _status(name.casefold(), (value or "True").casefold())
    if kind == "jsonpath" and rest:
        return _json_path(rest)
    raise UserError(
        f'unrecognized condition: "{text}"',
        hint="`--for=condition=Ready`, `--for=jsonpath='{.status.updateStatus}'=ok`, `--for=create` or `--for=delete`",
    )


def _status(name: str, value: str) -> WaitCondition:
    def met(item: Json | None) -> bool:
        conditions = (item or {}).get("status", {}).get("conditions", [])
        return any(each["type"].casefold() == name and each["status"].casefold() == value for each in conditions)

    return WaitCondition(met=met)


def _json_path(text: str) -> WaitCondition:
    from pytilt.cluster.json_path_template import shown, values  # imported here: most wait for a condition

    path, *wanted = _EQUALS.split(text)
    if len(wanted) > 1 or wanted == [""]:
        raise UserError(
            "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 "
            "or --for=jsonpath='{.status.readyReplicas}'"
        )
    braced = path if path.startswith("{") else f"{{.{path.removeprefix('.')}}}"
    values(braced, {})  # one that cannot be read is an error before anything is asked

    def met(item: Json | None) -> bool:
        found = values(braced, item) if item is not None else []
        if len(found) > 1:
            raise UserError("given jsonpath expression matches more than one value")
        if found and wanted and isinstance(found[0], dict | list):
            raise UserError("jsonpath leads to a nested object or list which is not supported")
        return bool(found) and (not wanted or shown(found[0]).strip() == wanted[0].strip("'\"").strip())

    return WaitCondition(met=met)
