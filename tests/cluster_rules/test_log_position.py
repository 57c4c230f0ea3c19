from pytilt.cluster.log_position import LogPosition


def at(nanoseconds: int) -> str:
    return f"2026-01-01T00:00:01.{nanoseconds:09}Z"


def test_after_a_reconnect_nothing_is_reported_twice_and_twins_are_counted():
    position = LogPosition()
    assert [position.is_new(at(n)) for n in (1, 2, 2)] == [True, True, True]
    position.connect()
    assert position.second == "2026-01-01T00:00:01Z"
    assert [position.is_new(at(n)) for n in (1, 2, 2, 2, 3, 3)] == [False, False, False, True, True, True]


def test_lines_before_the_wanted_time_are_left_out():
    position = LogPosition(at(5))
    assert [position.is_new(at(n)) for n in (4, 5, 6)] == [False, True, True]


def test_two_streams_may_be_mixed_a_little_out_of_order():
    position = LogPosition()
    assert [position.is_new(at(n)) for n in (1, 3, 2, 4)] == [True] * 4
    position.connect()
    assert [position.is_new(at(n)) for n in (1, 3, 2, 4, 5)] == [False] * 4 + [True]


def test_another_run_repeats_what_the_last_one_wrote_only_where_times_are_exact():
    for time, new in ((at(1), False), ("2026-01-01T00:00:01Z", True)):
        position = LogPosition()
        position.connect("a")
        assert position.is_new(time)
        position.connect("b")
        assert position.is_new(time) is new
