import asyncio
import re
import signal

import pytest

from pytilt.host.processor_limit import ProcessorTimeUsedUpError, limited


def test_what_stays_within_its_time_returns_what_it_returns():
    assert limited(60, lambda: 7) == 7
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


def test_a_search_that_would_take_years_is_interrupted_and_the_next_one_is_not():
    with pytest.raises(ProcessorTimeUsedUpError):
        limited(0.01, lambda: re.search("(a+)+$", "a" * 40 + "b"))
    assert limited(60, lambda: re.search("b", "ab")) is not None


def test_an_error_of_the_call_goes_on_and_the_limit_ends():
    with pytest.raises(KeyError):
        limited(60, lambda: dict[str, int]()["a"])
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)


async def test_in_another_thread_there_is_no_limit_as_signals_do_not_arrive():
    assert await asyncio.to_thread(limited, 0.001, lambda: sum(range(300_000))) == sum(range(300_000))
