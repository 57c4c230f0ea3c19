import ast
import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "engine.md"
ROW = re.compile(r"\| `([^`]+)` \| (\w+) \|")


def rows():
    kind = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("### "):
            kind = line.removeprefix("### ")
        elif match := ROW.match(line):
            yield kind, match.group(1), match.group(2)


def proofs():
    for file in Path(__file__).parents[1].rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "proves":
                kind, *fields = (ast.literal_eval(word) for word in node.args)
                yield from ((kind, field) for field in fields)


def test_every_field_that_works_is_proven_and_nothing_else_is():
    seen = {(kind, field) for kind, field, state in rows() if state == "works"}
    assert set(proofs()) == seen


def test_every_row_says_one_of_three_words():
    assert {state for _, _, state in rows()} == {"works", "ignored", "refused"}
