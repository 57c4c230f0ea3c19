"""`docs/architecture.md` says what runs, and every file that it names is there."""

import ast
import re
import tomllib
from typing import get_args, get_type_hints

from pytilt.model.resources import ResourceSpec
from tests.house_rules.sources import ROOT, modules
from tests.house_rules.test_house_rules import none_of

PAGE = ROOT / "docs" / "architecture.md"
DEPENDENCIES = ROOT / "docs" / "decisions" / "0002-dependencies.md"
COMPOSITION = "src/pytilt/session/composition.py"

ROW = re.compile(r"^\| `([a-z ]+)` \| ((?:`[a-z_/]+\.py`(?:, )?)+) \| ", re.MULTILINE)
KIND = re.compile(r"^\| `(\w+Deploy)` \| `(loop/kinds/\w+\.py)` \|", re.MULTILINE)
FILE = re.compile(r"`([a-z_]+(?:/[a-z_]+)*\.py)`")
SYMBOL_OF_FILE = re.compile(r"`([A-Za-z_.]+)(?:\([a-z, ]*\))?` of\s+`([a-z_/]+\.py)`")


def tasks() -> set[str]:
    """The names of the tasks that a session runs."""
    [composition] = [module for module in modules("src/pytilt/session/") if module.path == COMPOSITION]
    found: set[str] = set()
    for node in ast.walk(composition.tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="tasks")], value=ast.Dict(keys=keys)):
                found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
            case ast.FunctionDef(name="_objects" | "_in_cluster" | "_live_updates" | "_now_and_then"):
                dicts = [each for each in ast.walk(node) if isinstance(each, ast.Dict)]
                found |= {str(key.value) for each in dicts for key in each.keys if isinstance(key, ast.Constant)}
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="tasks"), slice=ast.Constant(value=key))]):
                found.add(str(key))
    return found


def test_the_page_lists_the_tasks_that_a_session_runs():
    assert {name for name, _ in ROW.findall(PAGE.read_text())} == tasks()


def test_the_modules_of_the_tasks_are_those_that_the_composition_imports():
    [composition] = [module for module in modules("src/pytilt/session/") if module.path == COMPOSITION]
    imported = {
        f"{node.module.removeprefix('pytilt.').replace('.', '/')}.py"
        for node in ast.walk(composition.tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }
    named = {file for _, files in ROW.findall(PAGE.read_text()) for file in FILE.findall(files)}
    none_of(sorted(file for file in named - imported if not file.startswith("cli/")))


def test_every_file_and_every_symbol_of_the_page_exists():
    text = PAGE.read_text()
    texts = {module.path.removeprefix("src/pytilt/"): module.text for module in modules("src/pytilt/")}
    named = set(FILE.findall(text)) - {"main.py"}
    assert len(named) > 30
    none_of(sorted(path for path in named - texts.keys() if not (ROOT / path).is_file()))
    none_of(
        [
            f"{path}: {symbol}"
            for symbol, path in SYMBOL_OF_FILE.findall(text)
            if not re.search(rf"\b(?:def|class) {symbol.rpartition('.')[2]}\b", texts[path])
        ]
    )


SHARED_BY_KINDS = {f"loop/kinds/{name}.py" for name in ("__init__", "protocol", "runtime_status")}


def test_the_page_lists_the_kinds_of_resources_and_a_session_knows_them_all():
    [composition] = [module for module in modules("src/pytilt/session/") if module.path == COMPOSITION]
    [kinds] = [
        call.args[0]
        for call in ast.walk(composition.tree)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ResourceKinds"
    ]
    assert isinstance(kinds, ast.Dict)
    known = {key.id for key in kinds.keys if isinstance(key, ast.Name)}
    declared = get_type_hints(ResourceSpec)["deploy"]
    assert known == {kind.__name__ for kind in get_args(declared)}
    assert known == {name for name, _ in KIND.findall(PAGE.read_text())}
    files = {file for _, file in KIND.findall(PAGE.read_text())}
    present = {
        path.relative_to(ROOT / "src/pytilt").as_posix() for path in (ROOT / "src/pytilt/loop/kinds").glob("*.py")
    }
    assert files == present - SHARED_BY_KINDS


def test_the_picture_of_the_layers_is_the_contract_of_the_imports():
    [contract, *_] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    picture = PAGE.read_text().partition("## Who may import whom")[2]
    assert [line.strip() for line in picture.splitlines() if line.startswith("    ")] == contract["layers"]


def test_the_packages_of_the_loop_are_listed_as_the_contract_has_them():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [contract] = [each for each in contracts if each["containers"] == ["pytilt.loop"]]
    layers = [name for layer in contract["layers"] for name in layer.split(" | ")]
    packages = [name for name in layers if (ROOT / "src/pytilt/loop" / name).is_dir()]
    assert re.findall(r"^\| `loop/([a-z_]+)` \| ", PAGE.read_text(), re.MULTILINE) == packages


def test_the_picture_on_top_names_packages_and_what_decides():
    picture = PAGE.read_text().partition("  ┌")[2].partition("Beside these")[0]
    [outside] = [line for line in picture.splitlines() if "kubernetes" in line]
    [shown] = [line for line in picture.splitlines() if "views" in line]
    packages = {path.name for path in (ROOT / "src" / "pytilt").iterdir() if path.is_dir()}
    none_of(
        sorted({*re.findall(r"[a-z]+", outside), *re.findall(r"[a-z]+", shown.partition("├")[2])} - {"or"} - packages)
    )
    decided = re.search(r"┐ +(\w+), (\w+), (\w+) +├", picture)
    assert decided
    texts = [module.text for module in modules("src/pytilt/loop/")]
    none_of([name for name in decided.groups() if not any(re.search(rf"(class|def) {name}\b", text) for text in texts)])


OWN_CODE = re.compile(r"\(((?:`[a-z_/]+`,\s+)+)([\d,]+) lines")
CLIENTS_OF_OTHERS = {"aiohttp", "http", "httpx", "requests", "urllib3"}
FETCHES_DOCUMENTS = "src/pytilt/http/fetching.py"
"""What a command is given by its URL comes by the standard library's client, which follows redirects."""


def test_the_lines_of_our_own_code_are_those_that_the_decision_names():
    sizes = {module.path: module.text.count("\n") for module in modules("src/pytilt/")}
    wrong = []
    for names, number in OWN_CODE.findall(DEPENDENCIES.read_text()):
        named = re.findall(r"`([a-z_/]+)`", names)
        prefixes = tuple(f"src/pytilt/{name}{end}" for name in named for end in (".py", "/"))
        lines = sum(size for path, size in sizes.items() if path.startswith(prefixes))
        said = int(number.replace(",", ""))
        if not 0.85 * said <= lines <= 1.15 * said:
            wrong.append(f"{', '.join(named)}: {lines} lines, not {said}")
    none_of(wrong)


def test_only_the_package_http_speaks_http():
    found = []
    for module in modules("src/pytilt/"):
        for node in ast.walk(module.tree):
            match node:
                case ast.Import(names=names):
                    imported = {alias.name for alias in names}
                case ast.ImportFrom(module=str(name)):
                    imported = {name}
                case _:
                    continue
            tops = {name.partition(".")[0] for name in imported}
            own = module.path.startswith("src/pytilt/http/")
            foreign = tops & CLIENTS_OF_OTHERS or "urllib.request" in imported
            if (foreign and module.path != FETCHES_DOCUMENTS) or ("h11" in tops and not own):
                found.append(f"{module.path}:{node.lineno}: {', '.join(imported)}")
    none_of(found)


MOST_QUESTIONS = 8
"""How often code may ask of which kind a resource is. Elsewhere a `Deploy` answers, or the file of its kind acts."""


def test_few_places_ask_of_which_kind_a_resource_is():
    kinds = {kind.__name__ for kind in get_args(get_type_hints(ResourceSpec)["deploy"])}
    found = [f"{module.path}:{line}" for module in modules("src/pytilt/") for line in questions(module.tree, kinds)]
    assert found
    assert len(found) <= MOST_QUESTIONS, "\n".join(found)


def questions(tree, kinds):
    """The lines on which a tree asks for the class of a value that is one of these kinds."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, classes]):
                asked: list[ast.AST] = [classes]
            case ast.Call(func=ast.Name(id="deployed_as"), args=[classes, *_]):
                asked = [classes]
            case ast.MatchClass(cls=cls):
                asked = [cls]
            case ast.Compare(left=left, comparators=others):
                asked = [left, *others]
            case _:
                continue
        if any(isinstance(each, ast.Name) and each.id in kinds for one in asked for each in ast.walk(one)):
            yield node.lineno
