from msgspec.structs import replace

from pytilt.hud.details import ERROR_LINES, details
from pytilt.hud.pieces import length
from pytilt.store.objects import Store
from pytilt.testing import samples
from pytilt.views.rows import rows


def shown(name, objects, last_words=(), width=100, **changes):
    store = Store()
    for each in objects:
        store.put(each)
    row = next(row for row in rows(store.snapshot()) if row.name == name)
    lines = details(replace(row, **changes), last_words, samples.NOON, width)
    assert all(length(line) <= width for line in lines)
    return ["".join(piece.text for piece in line).rstrip() for line in lines]


def test_a_crash_is_explained_before_anything_else():
    lines = shown("catalog", samples.crashing(), ["Traceback", "FileNotFoundError: frut.txt"])
    assert lines[0] == "    error    back-off 10s restarting failed container catalog"
    assert lines[1:3] == ["    log      Traceback", "             FileNotFoundError: frut.txt"]
    assert any("└ catalog  CrashLoopBackOff" in line for line in lines)


def test_a_long_error_is_cut_and_says_where_the_rest_is():
    lines = shown("catalog", samples.crashing(), error="\n".join(map(str, range(40))))
    assert lines[ERROR_LINES - 1].strip() == "… 36 more lines in the log (enter)"


def test_a_row_that_is_well_tells_history_pods_links_and_needs():
    assert [" ".join(line.split()) for line in shown("web", samples.shop())] == [
        "history ✔ web/style.css live 8 ms <5s ago",
        "✔ web/style.css live 9 ms <15s ago",
        "✔ web/index.html web/style.css live 11 ms <30s ago",
        "pods web-7c9d4f55bd-tq8zn Running 1m old",
        "links http://localhost:8200 style http://localhost:8200/style.css",
        "needs catalog, cart",
    ]


def test_a_running_update_stands_first_and_counts():
    assert shown("db", samples.building())[0].split() == [
        "history", "⠋", "Initial", "Build", "build", "3.4", "s", "…", "now"
    ]  # fmt: skip


def test_in_a_narrow_terminal_nothing_is_wider_than_the_table():
    shown("catalog", samples.crashing(), ["a long line of the log " * 9], width=79)


def test_a_row_without_anything_says_so():
    assert shown("new", (*samples.frame(), samples.local("new", 1))) == ["             nothing has happened here yet"]
