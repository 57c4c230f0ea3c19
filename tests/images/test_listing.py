from pathlib import Path

from pytilt.images.listing import explain, list_context
from pytilt.model.files import Ignore


def test_every_file_is_listed_with_the_rule_that_leaves_it_out(tmp_path: Path):
    for name in ("a.py", "tmp/x", "node_modules/y/z", "docs/a.md", "docs/b.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    root = str(tmp_path)
    ignores = (
        Ignore(base=f"{root}/tmp"),
        Ignore(base=root, patterns=("node_modules", "docs", "!docs/b.md")),
    )
    found = [(each.name, each.ignored_by) for each in list_context(root, ignores)]
    assert found == [
        ("a.py", None),
        ("docs/", ignores[1]),
        ("docs/a.md", ignores[1]),
        ("docs/b.md", None),
        ("node_modules/", ignores[1]),
        ("tmp/", ignores[0]),
    ]


def test_the_rule_is_named_with_file_and_line(tmp_path: Path):
    root = str(tmp_path)
    (tmp_path / ".dockerignore").write_text("# what is built\n\nnode_modules\ndocs\n!docs/b.md\n")
    ignore = Ignore(base=root, patterns=("node_modules", "docs", "!docs/b.md"))
    files = [f"{root}/.dockerignore"]
    assert explain(f"{root}/node_modules", ignore, files).shown(root) == ".dockerignore:3: node_modules"
    assert explain(f"{root}/docs/a.md", ignore, files).shown(root) == ".dockerignore:4: docs"
    assert explain(f"{root}/docs", ignore, []).shown(root) == "ignore=: docs"
    only = Ignore(base=root, patterns=("**", "!src", "!lib"))
    assert explain(f"{root}/x", only, files).shown(root) == "only=: src, lib"
    assert explain(f"{root}/.git/x", Ignore(base=f"{root}/.git"), files).shown(root) == "never part of it: .git"
