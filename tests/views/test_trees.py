from pytilt.model.names import ResourceName
from pytilt.views.dots import Dot
from pytilt.views.rows import Row
from pytilt.views.trees import dependency_tree
from pytilt.views.updates import Cell


def tree(**needs):
    rows = tuple(
        Row(
            name=ResourceName(name),
            dot=Dot.OK,
            status=Cell(text=""),
            update=Cell(text=""),
            dependencies=tuple(map(ResourceName, below.split())),
        )
        for name, below in needs.items()
    )
    return [branch.lines + branch.name + (" …" if branch.again else "") for branch in dependency_tree(rows)]


def test_what_waits_is_below_what_it_waits_for():
    assert tree(db="", api="db", web="api", docs="") == ["db", "└─ api", "   └─ web", "docs"]


def test_what_waits_for_two_is_below_both_with_its_own_part_once():
    assert tree(db="", queue="", api="db queue", web="api") == [
        "db", "└─ api", "   └─ web", "queue", "└─ api …",
    ]  # fmt: skip


def test_lines_go_on_past_what_is_deeper():
    assert tree(db="", api="db", cart="db", web="api") == ["db", "├─ api", "│  └─ web", "└─ cart"]


def test_a_circle_is_listed_rather_than_left_out():
    assert tree(a="b", b="a", c="") == ["c", "a", "b"]


def test_a_dependency_that_is_no_row_does_not_hide_what_needs_it():
    assert tree(web="gone") == ["web"]
