import pytest

from pytilt.host.output import EXCERPT_LINES, KEPT_CHARACTERS, Tail, decoded, excerpt, names_error, plain

COMPILING = [f"compiling file {number} …" for number in range(1, 201)]


def test_the_line_that_names_the_error_comes_first_and_then_the_last_lines_each_once():
    lines = [*COMPILING, "error: syntax error in main.c:12"]
    assert excerpt(lines, 4) == [
        "error: syntax error in main.c:12", "compiling file 198 …", "compiling file 199 …", "compiling file 200 …"
    ]  # fmt: skip


def test_an_error_further_up_is_not_lost_behind_what_came_after_it():
    lines = ["main.c:12:5: error: expected ';'", *COMPILING[:30], "make: *** [Makefile:2: all] Error 2"]
    assert excerpt(lines, 3) == [
        "main.c:12:5: error: expected ';'", "compiling file 30 …", "make: *** [Makefile:2: all] Error 2"
    ]  # fmt: skip


def test_of_many_errors_the_first_ones_and_the_last_one_leave_room_for_the_last_lines():
    errors = [f"app.ts({number},1): error TS2304: no name" for number in range(40)]
    assert excerpt([*errors, *COMPILING], 6) == [*errors[:2], errors[-1], *COMPILING[-3:]]
    assert excerpt([*errors, "gave up"], 6) == [*errors[:4], errors[-1], "gave up"]


def test_what_a_container_says_at_each_of_its_runs_is_shown_once():
    run = ["starting up", "Error: no field port", "bye"]
    assert excerpt([*run, *run, *run]) == ["Error: no field port", "starting up", "bye"]


def test_without_an_error_the_last_lines_are_shown_in_order():
    assert excerpt(COMPILING) == COMPILING[-EXCERPT_LINES:]


def test_what_steers_a_terminal_is_left_out():
    assert plain("\x1b[31mred\x1b[0m \x1b]8;;http://a\x07link\x1b]8;;\x07\ta\x07\r") == "red link    a"


def test_lines_are_shown_as_they_are_read():
    assert excerpt(["\x1b[31mred\x1b[0m", "", "10%\r50%\r100%\r", "\t tab", "x" * 5000]) == [
        "red", "100%", "     tab", "x" * (KEPT_CHARACTERS - 1) + "…"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "error: syntax error in main.c:12",
        "ERROR: No matching distribution found for flaskk==3.0",
        "main.c:12:5: error: expected ';' before '}' token",
        "error[E0308]: mismatched types",
        "src/app.ts(3,5): error TS2304: Cannot find name 'x'.",
        "./main.go:5:2: undefined: foo",
        "ModuleNotFoundError: No module named 'flask'",
        'Exception in thread "main" java.lang.NullPointerException: x',
        "panic: runtime error: index out of range",
        "npm ERR! missing script: build",
        "E: Unable to locate package foo",
        "E   assert 1 == 2",
        "[ERROR] Failed to execute goal",
        "fatal: not a git repository",
        "sh: 1: foo: not found",
        "cp: /x: No such file or directory",
        "--- FAIL: TestSum (0.00s)",
        "Killed",
    ],
)
def test_what_programs_call_an_error_is_found(line):
    assert names_error(line)


@pytest.mark.parametrize(
    "line",
    [
        "compiling errors.c",
        "0 errors, 2 warnings",
        "src/error-handler.js  12 kB",
        "cc -Werror -c main.c",
        "main.c:12:5: warning: unused variable 'x'",
        "fetching pytest-error-for-skips-2.0",
        "no error",
    ],
)
def test_what_only_looks_like_one_is_not(line):
    assert not names_error(line)


def test_a_tail_takes_pieces_of_any_size():
    tail = Tail()
    for piece in ("one\ntw", "o\nth", "ree"):
        tail.feed(piece)
    assert tail.excerpt() == "one\ntwo\nthree"


def test_a_tail_does_not_grow_with_the_output():
    tail = Tail()
    for _ in range(10_000):
        tail.feed("x" * 100)
    tail.feed("\nlast\n")
    assert tail.excerpt().splitlines()[-1] == "last"
    assert len(tail.excerpt()) <= KEPT_CHARACTERS + len("\nlast")


def test_a_character_that_arrives_in_two_pieces_is_one():
    taken: list[str] = []
    take = decoded(taken.append)
    take("日".encode()[:1])
    take("日".encode()[1:] + b"\xff")
    assert "".join(taken) == "日\ufffd"
