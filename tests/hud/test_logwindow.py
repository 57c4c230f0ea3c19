from msgspec.structs import replace

from pytilt.hud.logwindow import LogWindow
from pytilt.model.logs import Level
from tests.samples import line


def lines(*numbers):
    return [line(number, "web", f"line {number}") for number in numbers]


def numbers(window):
    return [shown.line.number for shown in window.lines]


def test_the_oldest_lines_are_let_go_when_it_is_full():
    window = LogWindow(3)
    assert window.append(lines(0, 1), reading=False) == 0
    assert window.append(lines(2, 3), reading=False) == 1
    assert numbers(window) == [1, 2, 3]
    assert window.at_end


def test_lines_that_are_read_stay_and_new_ones_wait_with_the_session():
    window = LogWindow(3)
    window.append(lines(0, 1, 2), reading=False)
    window.append(lines(3, 4), reading=True)
    assert numbers(window) == [0, 1, 2]
    assert not window.at_end
    assert window.append(lines(5), reading=True) == 0
    assert numbers(window) == [0, 1, 2]


def test_it_slides_back_over_older_lines_until_there_are_none():
    window = LogWindow(3)
    window.append(lines(5, 6, 7), reading=False)
    assert window.prepend(lines(3, 4)) == 2
    assert numbers(window) == [3, 4, 5]
    assert not window.at_end
    assert window.prepend([]) == 0
    assert window.at_start


def test_it_slides_forward_to_the_end_again():
    window = LogWindow(3)
    window.append(lines(5, 6, 7), reading=False)
    window.prepend(lines(3, 4))
    assert window.extend(lines(6, 7), more=False) == 2
    assert numbers(window) == [5, 6, 7]
    assert window.at_end


def test_progress_takes_the_place_of_the_line_before():
    window = LogWindow()
    (first, second) = lines(0, 1)
    window.append([replace(first, progress="pull"), replace(second, progress="pull")], reading=False)
    assert numbers(window) == [1]


def test_a_line_is_made_readable_once():
    window = LogWindow()
    window.append([line(0, "web", '\x1b[32m{"level":"error","msg":"no"}\x1b[0m')], reading=False)
    assert (window.lines[0].text, window.lines[0].level) == ("error no", Level.ERROR)
