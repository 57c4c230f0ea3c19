"""The base of every value: frozen, keyword-only, camelCase on the wire."""

import msgspec


class Value(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A frozen value. Two values with equal fields are equal; `msgspec.structs.replace` makes a changed copy."""
