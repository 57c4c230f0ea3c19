"""The stubs of the wheel."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytilt.tiltfile
from pytilt.tiltfile.stubs import stubs
from pytilt.tiltfile.universe import known_names
from tests.tiltfile.test_universe import names

STUBS = Path(pytilt.tiltfile.__file__).parent / "tiltfile.pyi"


def described(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for statement in body:
        if isinstance(statement, ast.ClassDef) and not statement.name.endswith("_value"):
            yield from described(statement.body, f"{prefix}{statement.name}.")
        elif isinstance(statement, ast.FunctionDef):
            yield f"{prefix}{statement.name}"
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield f"{prefix}{statement.target.id}"


def test_the_stubs_have_every_function_and_are_those_of_the_program():
    text = STUBS.read_text()
    assert set(names()) - set(described(ast.parse(text).body)) == set()
    assert text == stubs(known_names()), "run `python scripts/tiltfile_stubs.py`"


def test_a_stub_has_the_types_of_its_parameters_and_says_what_the_function_does():
    assert "def k8s_context() -> str:" in STUBS.read_text()
    assert "def watch_file(paths: str) -> None:" in STUBS.read_text()
    assert "    def forward(local_port: int | None = None," in STUBS.read_text()
    assert '    """Build an image from a Dockerfile."""' in STUBS.read_text()
