"""Rules that no linter knows. Each test lists every place that breaks its rule."""

import ast
import re
from collections import Counter
from pathlib import PurePosixPath

import pytest

from tests.house_rules.sources import ROOT, Module, modules, texts

MODULE_LINES = 600
FUNCTION_LINES = 60
FOLDER_MODULES = 35

BANNED_NAMES = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}
"""Names that say nothing about what a module holds."""
NAMED_SO_ALL_THE_SAME = {"src/pytilt/model/base.py"}

FOLDERS_OF_TESTS = {"cluster", "end_to_end", "house_rules", "packaging"}
"""Below tests, beside the mirror of src: the test cluster, whole commands, these rules, and how pytilt is built."""
MIRRORS = {"cluster_rules": "cluster"}
"""Where the tests of a package are not in a folder of its name: `tests/cluster` is the test cluster."""

PRIVATE_WORDS = {
    "a path of one developer's machine": re.compile(r"(?<![\w.~}\]-])/(?:work|root)/"),
    "a word of one workplace": re.compile(r"\bC[E]O\b|\bfarm[-]|/opt/[w]heels"),
    "a package index of one's own": re.compile(
        r"(?:--|^)(?:extra-)?[i]ndex-url|--find[-]links|GOPROXY[=]", re.MULTILINE
    ),
}

SUPPRESSION = re.compile(r"#\s*(?:ruff:\s*)?(noqa|type:\s*ignore)\b")
EXPLAINED = re.compile(
    r"#\s*(?:noqa: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|type: ignore\[[a-z-]+(?:, ?[a-z-]+)*\])\s*(?:#|-) ?\S"
)

PATCHES = re.compile(
    r"\bmock\.patch|\bMagicMock\b|\bpatch\(\s*[\"']pytilt|\bmonkeypatch\.setattr\(\s*(?:[\"']pytilt\b|(?!os\b|sys\b)[a-z_]+,)"
)


def none_of(broken: list[str]) -> None:
    """Fail with the places that break a rule, one a line."""
    if broken:
        pytest.fail("\n".join(broken), pytrace=False)


def own_modules() -> tuple[Module, ...]:
    """Modules of the program and of its tests."""
    return modules("src/") + modules("tests/")


def test_no_module_is_too_long_to_be_read_at_once():
    lengths = {module.path: module.text.count("\n") for module in own_modules()}
    none_of([f"{path}: {lines} lines" for path, lines in lengths.items() if lines > MODULE_LINES])


def test_no_folder_has_more_modules_than_can_be_kept_in_view():
    folders = Counter(PurePosixPath(module.path).parent for module in modules("src/"))
    none_of([f"{folder}: {number} modules" for folder, number in folders.items() if number > FOLDER_MODULES])


def test_no_function_is_longer_than_a_screen():
    none_of(
        [
            f"{module.path}:{function.lineno}: {function.name}, {_lines(function)} lines"
            for module in own_modules()
            for function in module.functions()
            if _lines(function) > FUNCTION_LINES
        ]
    )


def test_every_module_is_named_for_what_it_holds():
    none_of(
        [
            module.path
            for module in own_modules()
            if BANNED_NAMES & set(PurePosixPath(module.path).with_suffix("").parts)
            and module.path not in NAMED_SO_ALL_THE_SAME
        ]
    )


def test_every_module_says_what_it_is():
    said = [module for module in own_modules() if _needs_docstring(module)]
    none_of([module.path for module in said if not ast.get_docstring(module.tree)])


def test_every_package_of_the_program_has_a_docstring_of_its_own():
    packages = {PurePosixPath(module.path).parent for module in modules("src/")}
    documented = {
        PurePosixPath(module.path).parent for module in modules("src/") if module.path.endswith("__init__.py")
    }
    none_of(sorted(map(str, packages - documented)))


@pytest.mark.parametrize("what", PRIVATE_WORDS)
def test_no_file_speaks_of_one_machine_or_workplace(what):
    none_of(
        [
            f"{path}:{number}: {line.strip()}"
            for path, text in texts().items()
            if PRIVATE_WORDS[what].search(text)
            for number, line in enumerate(text.splitlines(), 1)
            if PRIVATE_WORDS[what].search(line)
        ]
    )


def test_every_suppression_names_its_rule_and_its_reason():
    none_of(
        [
            f"{module.path}:{number}: {line.strip()}"
            for module in own_modules()
            for number, line in enumerate(module.text.splitlines(), 1)
            if SUPPRESSION.search(line) and not EXPLAINED.search(line) and not _is_about_rules(module)
        ]
    )


def test_no_test_patches_the_program():
    none_of(
        [
            f"{module.path}:{number}: {line.strip()}"
            for module in modules("tests/")
            for number, line in enumerate(module.text.splitlines(), 1)
            if PATCHES.search(line) and not _is_about_rules(module)
        ]
    )


def test_no_module_reaches_for_the_private_parts_of_another():
    none_of(
        [
            f"{module.path}:{node.lineno}: {alias.name}"
            for module in own_modules()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
            if alias.name.startswith("_")
            and not alias.name.startswith("__")
            and (node.module or "").startswith("pytilt")
        ]
    )


def test_every_package_is_in_the_architecture():
    page = (ROOT / "docs" / "architecture.md").read_text()
    packages = {PurePosixPath(module.path).parts[2] for module in modules("src/pytilt/") if module.path.count("/") > 2}
    none_of(sorted(package for package in packages if f"`{package}`" not in page))


def test_the_tests_mirror_the_program():
    program = {PurePosixPath(module.path).with_suffix("") for module in modules("src/")}
    program |= {module.parent for module in program if module.name == "__init__"}
    tests = [PurePosixPath(module.path) for module in modules("tests/") if "/test_" in module.path]
    none_of([f"{path} is about no module of that name" for path in tests if not _is_about_one_of(program, path)])


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _needs_docstring(module: Module) -> bool:
    """Test modules say what they are by their name and place; an empty file of tests has nothing to say."""
    return module.path.startswith("src/") or "/test_" not in f"/{module.path}"


def _is_about_rules(module: Module) -> bool:
    return module.path.startswith("tests/house_rules/")


def _is_about_one_of(program: set[PurePosixPath], test: PurePosixPath) -> bool:
    """`tests/a/test_b.py` and `tests/a/test_b_when_empty.py` are about the module or package `pytilt.a.b`."""
    folders, name = test.parts[1:-1], test.stem.removeprefix("test_")
    if folders and folders[0] in FOLDERS_OF_TESTS:
        return True
    home = PurePosixPath("src/pytilt", *(MIRRORS.get(folder, folder) for folder in folders))
    return any(home == module.parent and f"{name}_".startswith(f"{module.name}_") for module in program)
