"""How deep imports go inside of a package: what one must read to understand its topmost module."""

import ast
import functools

import pytest

from tests.house_rules.sources import modules

LEVELS = {"engines": 6}
"""How many modules a chain of imports inside of a package may have at most, imports inside of functions too."""


@pytest.mark.parametrize("package", LEVELS)
def test_no_chain_of_imports_is_too_long_to_follow(package):
    graph = imports(f"pytilt.{package}")

    @functools.cache
    def chain(module: str) -> tuple[str, ...]:
        return (module, *max((chain(imported) for imported in graph[module]), key=len, default=()))

    longest = max((chain(module) for module in graph), key=len)
    assert len(longest) > 1
    assert len(longest) <= LEVELS[package], f"a chain of {len(longest)} imports: {' > '.join(longest)}"


def imports(package: str) -> dict[str, set[str]]:
    """Which modules of a package each of its modules imports."""
    found = {
        module.path.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", "."): module
        for module in modules(f"src/{package.replace('.', '/')}/")
    }
    named: dict[str, set[str]] = {}
    for name, module in found.items():
        named[name] = set()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                named[name] |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
            elif isinstance(node, ast.Import):
                named[name] |= {alias.name for alias in node.names}
    return {name: {other for other in others if other in found and other != name} for name, others in named.items()}
