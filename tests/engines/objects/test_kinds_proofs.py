"""Every proof in memory fails when its field is ignored; `scripts/prove_fields.py` does the same on engines."""

import importlib
import inspect
from pathlib import Path

import pytest

from tests.engines.mutation import Field, ignoring

ENGINES = Path(__file__).parents[1]


def proofs():
    """The fields that are proven without an engine, each with its proofs."""
    for file in sorted(ENGINES.rglob("test_*.py")):
        module = importlib.import_module(".".join(file.relative_to(ENGINES.parents[1]).with_suffix("").parts))
        for name, test in inspect.getmembers(module, inspect.isfunction):
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "proves" and not inspect.signature(test).parameters:
                    kind, *paths = mark.args
                    yield from ((Field(kind=kind, path=path), name, test) for path in paths)


PROOFS = list(proofs())


@pytest.mark.parametrize(
    ("field", "proof"),
    [pytest.param(field, proof, id=f"{field} {name}") for field, name, proof in PROOFS],
)
def test_a_proof_fails_when_its_field_is_ignored(field, proof):
    with ignoring(field), pytest.raises(Exception):  # noqa: B017, PT011 - whatever it asserts or waits for
        proof()
