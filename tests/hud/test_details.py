from msgspec.structs import replace

from pytilt.hud.details import ERROR_LINES, details
from pytilt.hud.pieces import length
from pytilt.model.updates import StepName, UpdateStep
from pytilt.store.objects import Store
from pytilt.views.rows import rows
from tests import samples


def shown(name, objects, last_words=(), width=100, spare=0, **changes):
    store = Store()
    for each in objects:
        store.put(each)
    row = next(row for row in rows(store.snapshot()) if row.name == name)
    lines = details(replace(row, **changes), last_words, samples.NOON, width, spare=spare)
    assert all(length(line) <= width for line in lines)
    return ["".join(piece.text for piece in line).rstrip() for line in lines]


def test_a_crash_is_explained_before_anything_else():
    lines = shown("catalog", samples.crashing(), ["FileNotFoundError: frut.txt", "Traceback"])
    assert lines[:2] == ["    log      FileNotFoundError: frut.txt", "             Traceback"]
    assert lines[2] == "    error    back-off 10s restarting failed container catalog"
    assert any("└ catalog  CrashLoopBackOff" in line for line in lines)


def test_a_long_error_is_cut_and_says_where_the_rest_is():
    lines = shown("catalog", samples.crashing(), error="\n".join(map(str, range(40))))
    assert lines[ERROR_LINES - 1].strip() == "… 33 more lines in the log (enter)"


def test_a_long_line_of_an_error_is_wrapped_and_its_end_is_there():
    error = f"{'word ' * 60}the end"
    lines = shown("cart", samples.building(), error=error)
    assert " ".join(" ".join(lines[:4]).split()) == f"error {error}"


def test_where_long_lines_are_too_many_each_keeps_its_beginning_and_its_end():
    command = f'Command "{"echo one two three; " * 40}" failed: exit status 3'
    lines = shown("cart", samples.building(), error="\n".join([command, *"123456"]))
    assert lines[0].startswith('    error    Command "echo one')
    assert lines[1].startswith("               … ")
    assert lines[1].endswith("failed: exit status 3")
    assert [line.strip() for line in lines[2:8]] == list("123456")


def test_an_error_takes_the_lines_that_the_screen_has_to_spare():
    error = "\n".join(map(str, range(40)))
    assert "39" in [line.strip() for line in shown("cart", samples.building(), error=error, spare=40)]


def test_a_row_that_is_well_shows_history_pods_links_and_needs():
    assert [" ".join(line.split()) for line in shown("web", samples.shop())] == [
        "history ✔ web/style.css live 8 ms <5s ago",
        "✔ web/style.css live 9 ms <15s ago",
        "✔ web/index.html web/style.css live 11 ms <30s ago",
        "pods web-7c9d4f55bd-tq8zn Running 1m old",
        "links http://localhost:8200 style http://localhost:8200/style.css",
        "needs catalog, cart",
    ]


def test_where_the_time_of_the_last_update_went_is_shown_as_bars():
    steps = (UpdateStep(name=StepName.PACK, seconds=0.001), UpdateStep(name=StepName.SEND, begin=0.001, seconds=0.003))
    timed = replace(samples.update(1, seconds=0.004, ended=1), steps=steps)
    lines = shown("web", samples.shop(), width=60, timed=timed)
    begin = next(number for number, line in enumerate(lines) if line.startswith("    timing"))
    assert lines[begin : begin + 2] == [
        "    timing   pack    1.0 ms  ███████▊",
        "             send    3.0 ms         ▐███████████████████████",
    ]


def test_a_running_update_is_first_and_counts():
    assert shown("db", samples.building())[0].split() == [
        "history", "⠋", "Initial", "Build", "build", "3.4", "s", "…", "now"
    ]  # fmt: skip


def test_in_a_narrow_terminal_nothing_is_wider_than_the_table():
    shown("catalog", samples.crashing(), ["a long line of the log " * 9], width=79)


def test_a_row_without_anything_says_so():
    assert shown("new", (*samples.frame(), samples.local("new", 1))) == ["             nothing has happened here yet"]
