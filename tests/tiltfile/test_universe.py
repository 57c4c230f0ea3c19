import re
from pathlib import Path

from pytilt.dialect import ModuleValue
from pytilt.tiltfile.universe import known_names

PAGE = Path(__file__).parents[2] / "docs" / "tiltfile.md"


def members():
    """Every name of the universe with its value, with the names inside its modules."""
    found: list[tuple[str, object]] = []

    def collect(those, prefix):
        for name, value in those.items():
            if isinstance(value, ModuleValue):
                collect(value.starlark_attrs(), f"{prefix}{name}.")
            else:
                found.append((f"{prefix}{name}", value))

    collect(known_names(), "")
    return found


def names():
    """Every name."""
    return [name for name, _ in members()]


def test_every_function_is_in_the_docs():
    documented = set(re.findall(r"^\| `([\w.]+)", PAGE.read_text(), re.MULTILINE))
    assert sorted(set(names()) - documented) == []


def test_the_docs_name_only_what_is_there():
    documented = set(re.findall(r"^\| `([\w.]+)", PAGE.read_text(), re.MULTILINE))
    assert sorted(documented - set(names()) - {"load"}) == []
