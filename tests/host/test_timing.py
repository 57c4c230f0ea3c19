import asyncio
import time

from pytilt.host.timing import Laps, Recording, about, step
from pytilt.model.updates import StepName


def test_a_step_without_a_recording_is_noted_nowhere():
    with step(StepName.PACK):
        pass


async def test_steps_of_tasks_that_are_started_inside_are_noted_with_what_they_are_about():
    recording = Recording()

    async def bring(container: str) -> None:
        with about(container), step(StepName.SEND):
            pass

    with recording.running():
        async with asyncio.TaskGroup() as group:
            for name in ("a", "b"):
                group.create_task(bring(name), name=name)
    with step(StepName.APPLY):
        pass
    assert [(each.name, each.subject) for each in recording.steps] == [(StepName.SEND, "a"), (StepName.SEND, "b")]


def test_laps_follow_each_other_without_a_gap():
    recording = Recording()
    with recording.running():
        laps = Laps(StepName.ACKNOWLEDGE)
        laps.next(StepName.RUN, "make")
        laps.end()
    first, second = recording.steps
    assert (second.name, second.subject) == (StepName.RUN, "make")
    assert abs(first.begin + first.seconds - second.begin) < 2e-6


def test_a_step_that_fails_is_noted_all_the_same():
    recording = Recording()
    try:
        with recording.running(), step(StepName.BUILD):
            raise OSError
    except OSError:
        pass
    assert [each.name for each in recording.steps] == [StepName.BUILD]


def test_noting_a_step_costs_microseconds():
    recording = Recording()
    began = time.process_time()
    with recording.running():
        for _ in range(2000):
            with step(StepName.SEND):
                pass
    assert (time.process_time() - began) / 2000 < 50e-6
