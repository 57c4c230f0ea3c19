"""Objects of the YAML that a Tiltfile deploys, refused where a field cannot hold what it holds."""

from pytilt.cluster import objects, yaml
from pytilt.cluster.field_types import WrongType, wrong_type
from pytilt.cluster.secrets import is_secret
from pytilt.errors import UserError
from pytilt.model.resources import KubeObject


def decoded(text: str, origin: str) -> tuple[KubeObject, ...]:
    """The objects of a text.

    Args:
        text: YAML or JSON.
        origin: where it came from, for messages.

    Raises:
        UserError: it is not YAML of objects, or a field of one is of the wrong type.
    """
    found = yaml.parse(text, origin)
    for o in found:
        wrong = wrong_type(o)
        if wrong is not None:
            raise UserError(
                f'{origin}: decoding {objects.kind(o)} "{objects.name(o)}": {wrong.path}: '
                f"got {wrong.found}, want {wrong.wanted}",
                hint=_hint(wrong, is_hidden=is_secret(o)),
            )
    return found


def _hint(wrong: WrongType, *, is_hidden: bool) -> str:
    """What to write instead; a value of a Secret is not shown."""
    if wrong.wanted == "string" and not isinstance(wrong.value, dict | list):
        shown = str(wrong.value).lower() if isinstance(wrong.value, bool) else str(wrong.value)
        return "put it in quotes" if is_hidden else f'put it in quotes: `"{shown}"`'
    if wrong.wanted in ("int", "bool") and wrong.found == "string":
        return "write it without quotes"
    if is_hidden:
        return "encode the value, or write it as it is in `stringData`"
    return "`kubectl explain` shows what the field holds"
