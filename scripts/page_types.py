#!/usr/bin/env python3
"""Write the types of everything that the web page gets and sends, in TypeScript, from the models of pytilt.

    .venv/bin/python scripts/page_types.py [--check]

The result is `web/src/wire.ts`. With `--check` nothing is written, and the exit code is 1 where it is out of date.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytilt.model.api.buttons import UIButtonStatus
from pytilt.model.lines import Block, Line
from pytilt.model.updates import Reason
from pytilt.views.definitions import Detail, Lane
from pytilt.views.page import ClientMessage, ServerMessage

TARGET = Path(__file__).resolve().parent.parent / "web" / "src" / "wire.ts"

Schema = Mapping[str, Any]

HEAD = """\
// Made by scripts/page_types.py from the models of pytilt. Do not edit: change the models, run the script.
// A field with `?` that is missing has the value that its comment in the models names: empty, false or 0.
"""


def main() -> int:
    """Write the file, or compare it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    wanted = types()
    if not parser.parse_args().check:
        TARGET.write_text(wanted)
        return 0
    if TARGET.read_text() == wanted:
        return 0
    print(f"{TARGET} is out of date: run scripts/page_types.py", file=sys.stderr)
    return 1


def types() -> str:
    """The text of the file."""
    roots, parts = msgspec.json.schema_components(
        [ServerMessage, ClientMessage, Detail, Lane, Block, Line, UIButtonStatus], ref_template="{name}"
    )
    declared = [_declaration(name, part) for name, part in sorted(parts.items())]
    unions = zip(("ServerMessage", "ClientMessage"), roots, strict=False)
    made = (f"export type {name} = {_type(root)};\n" for name, root in unions)
    return "\n".join([HEAD, *declared, *made, _reasons()])


def _reasons() -> str:
    """The texts of the reasons for updates, as they are flags."""
    rows = [
        f"  [{int(each)}, {msgspec.json.encode(each.shown).decode()}, "
        f"{str(each.triggered or each is Reason.INITIAL_BUILD).lower()}],"
        for each in Reason
        if each
    ]
    head = "/** The reasons for an update: flag, text, and whether it stands alone. */"
    return "\n".join([head, "export const REASONS: readonly [number, string, boolean][] = [", *rows, "];", ""])


def _declaration(name: str, schema: Schema) -> str:
    if "enum" in schema:
        return f"export type {name} = {_type(schema)};\n"
    required = set(schema.get("required", ()))
    fields = [
        f"  {field}{'' if field in required else '?'}: {_type(part)};"
        for field, part in schema.get("properties", {}).items()
    ]
    return "\n".join([f"export interface {name} {{", *fields, "}", ""])


def _type(schema: Schema) -> str:
    """The type of a value."""
    if "$ref" in schema:
        return str(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    if "enum" in schema:
        texts = [each for each in schema["enum"] if isinstance(each, str)]
        return " | ".join(f'"{each}"' for each in texts) or "number"  # numbers are flags, which come in any sum
    kind = schema.get("type")
    if kind == "array":
        return _array(schema)
    if kind == "object":
        return f"Record<string, {_type(schema.get('additionalProperties') or {})}>"
    names = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}
    return names.get(str(kind), "unknown")


def _array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(_type(each) for each in schema['prefixItems'])}]"
    item = _type(schema.get("items") or {})
    return f"({item})[]" if " | " in item else f"{item}[]"


if __name__ == "__main__":
    sys.exit(main())
