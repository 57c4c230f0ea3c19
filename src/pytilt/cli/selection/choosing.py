"""Which objects `tilt get` and `tilt wait` are about, and in which order: selectors and sorting, as in kubectl."""

from __future__ import annotations

from pytilt.errors import UserError
from pytilt.model.json_text import Json
from pytilt.model.numbers import whole
from pytilt.model.regex import regex

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Sequence
    from typing import Any

    Chooses = Callable[[Json], bool]


_REQUIREMENT = regex(
    r"""(?x)\s*(?:
        (?P<absent>!)\s*(?P<missing>[^\s=!,()]+)
      | (?P<key>[^\s=!,()]+)\s+(?P<set>in|notin)\s*\((?P<values>[^)]*)\)
      | (?P<name>[^\s=!,()]+)(?:\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!,()]*))?
    )\s*(?:,|$)""",
)
_NUMBERS = regex(r"(\d+)")


def labelled(selector: str) -> Chooses:
    """Read a label selector: `a=b`, `a!=b`, `a in (b, c)`, `a notin (b)`, `a`, `!a`, with commas between.

    Raises:
        UserError: it cannot be read.
    """
    wanted = [_requirement(each) for each in _requirements(selector)]
    return lambda item: all(each(item["metadata"].get("labels", {})) for each in wanted)


def with_fields(selector: str) -> Chooses:
    """Read a field selector; as in Tilt, an object has one field that it can be chosen by, its name.

    Raises:
        UserError: it cannot be read, or is about another field.
    """
    found = _requirements(selector)
    for each in found:
        if each["absent"] or each["set"] or not each["operator"]:
            raise UserError(f'invalid field selector "{selector}"', hint="for example `metadata.name=web`")
        if each["name"] != "metadata.name":
            raise UserError(f"field label not supported: {each['name']}", hint="there is `metadata.name`")
    return lambda item: all((item["metadata"]["name"] == each["value"]) is (each["operator"] != "!=") for each in found)


def ordered(items: Sequence[Json], path: str) -> list[Json]:
    """Sort by what a JSON path leads to; objects without it come first.

    Raises:
        UserError: the path cannot be read, or leads nowhere in all of them.
    """
    from pytilt.cluster.json_path_template import values  # imported here: few are sorted

    braced = path if path.startswith("{") else f"{{.{path.removeprefix('.')}}}"
    keys = [values(braced, item)[:1] for item in items]
    if items and not any(keys):
        raise UserError(f'couldn\'t find any field with path "{braced}" in the list of objects')
    order = sorted(range(len(items)), key=lambda index: [_key(key) for key in keys[index]])
    return [items[index] for index in order]


def _key(value: object) -> tuple[int, Any]:
    """Numbers by their size, texts with the numbers in them by theirs."""
    if isinstance(value, (int, float)):
        return 0, value
    found = ((whole(part), part) for part in _NUMBERS.split(str(value)) if part)
    return 1, [(False, part) if number is None else (True, number) for number, part in found]


def _requirements(selector: str) -> list[re.Match[str]]:
    found, end = [], 0
    while end < len(selector):
        part = _REQUIREMENT.match(selector, end)
        if part is None:
            raise UserError(f'unable to parse the selector "{selector}"', hint="for example `key=value,other`")
        found.append(part)
        end = part.end()
    return found


def _requirement(part: re.Match[str]) -> Callable[[dict[str, str]], bool]:
    if part["absent"]:
        return lambda labels: part["missing"] not in labels
    if part["set"]:
        among = {value.strip() for value in part["values"].split(",")}
        # As in Kubernetes, `notin` and `!=` choose what has no such label too.
        return lambda labels: (labels.get(part["key"]) in among) is (part["set"] == "in")
    if not part["operator"]:
        return lambda labels: part["name"] in labels
    return lambda labels: (labels.get(part["name"]) == part["value"]) is (part["operator"] != "!=")
