"""The words of `docs/glossary.md`: one class per name, and none of the words to avoid."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from tests.house_rules.sources import ROOT, Module, modules, texts
from tests.house_rules.test_house_rules import none_of

GLOSSARY = ROOT / "docs" / "glossary.md"

ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")

CODE_POINTS_AT = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)(?:\.([A-Z]\w+))?`")


def avoided() -> dict[str, str]:
    """The words to avoid, and what to write instead."""
    table = GLOSSARY.read_text().split("## Words to avoid")[1]
    rows = [row for row in ROW.findall(table) if not row[0].startswith(("-", "avoid"))]
    return {word: instead for words, instead in rows for word in words.split(", ")}


def test_no_name_and_no_docstring_has_a_word_to_avoid():
    words = avoided()
    assert {"told", "heard", "doubt"} < words.keys()
    refused = re.compile(rf"\b({'|'.join(words)})\b", re.IGNORECASE)
    in_any_way = re.compile("|".join(words).replace(" ", "[ _]?"), re.IGNORECASE)
    none_of(
        [
            f"{module.path}:{line}: {found[0]!r} in {where}: write {words[found[0].lower()]}"
            for module in (*modules("src/"), *modules("tests/"))
            if in_any_way.search(module.text)
            for line, where, text in (*docstrings(module), *names(module))
            if (found := refused.search(text))
        ]
    )


def test_no_page_has_a_word_to_avoid():
    words = re.compile(rf"\b({'|'.join(avoided())})\b", re.IGNORECASE)
    pages = {path: text for path, text in texts().items() if path.endswith(".md") and ROOT / path != GLOSSARY}
    assert "CHANGELOG.md" in pages
    none_of(
        [
            f"{path}:{number}: {found[0]!r}: write {avoided()[found[0].lower()]}"
            for path, text in pages.items()
            for number, line in enumerate(text.splitlines(), 1)
            if (found := words.search(line))
        ]
    )


def test_no_two_classes_share_a_name_private_ones_neither():
    homes: dict[str, list[str]] = defaultdict(list)
    for module in modules("src/pytilt/"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name.lstrip("_")].append(f"{module.path}:{node.lineno}")
    none_of([f"{name}: {', '.join(places)}" for name, places in sorted(homes.items()) if len(places) > 1])


def test_what_the_glossary_names_exists():
    classes = {name for module in modules("src/pytilt/") for _, name, _ in names(module)}
    paths = {module.path.removeprefix("src/pytilt/").removesuffix(".py") for module in modules("src/pytilt/")}
    paths |= {path.removesuffix("/__init__") for path in paths}
    third = [line.split("|")[3] for line in GLOSSARY.read_text().splitlines() if line.count("|") == 4]
    named = [found for cell in third for found in CODE_POINTS_AT.findall(cell) if "." in found[0] or found[1]]
    assert named
    none_of([f"{path}.{name}" for path, name in named if path.replace(".", "/") not in paths])
    none_of([f"{path}.{name}" for path, name in named if name and name not in classes])


DEFINED = ("src/pytilt/model/", "src/pytilt/store/", "src/pytilt/loop/", "src/pytilt/session/")
"""Where what a session is made of has its names; those of `model/api` are Tilt's."""

BEGINNING = 4
"""So many letters are compared, for `Pruning` is the controller of what is pruned, and `Cmds` that of the Cmds."""


def test_the_noun_of_every_class_is_in_the_glossary():
    text = GLOSSARY.read_text().split("## Words to avoid")[0]
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    words = re.findall(r"[a-z]+", " ".join((*rows, text.split("## Words of the field")[1])).lower())
    known = {word.removesuffix("s")[:BEGINNING] for word in words}
    none_of(
        [
            f"{module.path}:{node.lineno}: {node.name}: say in docs/glossary.md what a {noun!r} is, or use its words"
            for module in modules("src/pytilt/")
            if module.path.startswith(DEFINED) and not module.path.startswith("src/pytilt/model/api/")
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
            if (noun := _as_words(node.name).split()[-1].removesuffix("s"))[:BEGINNING] not in known
        ]
    )


def docstrings(module: Module) -> Iterator[tuple[int, str, str]]:
    """Docstrings of modules, classes and functions, and those below constants and fields."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, "a docstring", node.value.value


def names(module: Module) -> Iterator[tuple[int, str, str]]:
    """Names that the module gives: of classes, functions, arguments and variables, as words."""
    for node in ast.walk(module.tree):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name, _as_words(name)
            case ast.arg(arg=name):
                yield node.lineno, name, _as_words(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name, _as_words(name)


def _as_words(name: str) -> str:
    return " ".join(PARTS.findall(name)).lower()
