from pathlib import Path

from pytilt.images.listing import list_context
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
