"""The root of every value: frozen, keyword-only, camelCase on the wire."""

from typing import Any, dataclass_transform

import msgspec


class _ValueMeta(msgspec.StructMeta):
    """Makes every subclass keyword-only: msgspec hands down all options of a struct but that one."""

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> type:  # noqa: ANN401 - a metaclass passes on what it is given
        return super().__new__(mcls, name, bases, namespace, **{"kw_only": True, **options})


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Value(msgspec.Struct, metaclass=_ValueMeta, frozen=True, rename="camel", omit_defaults=True):
    """A frozen value. Two values with equal fields are equal; `msgspec.structs.replace` makes a changed copy."""
