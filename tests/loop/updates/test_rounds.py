from collections.abc import Mapping

import pytest

from pytilt.host.files import ABSENT
from pytilt.loop.updates.rounds import EDITED_ROUNDS, ROUNDS, Rounds, command_watches
from pytilt.model.commands import Command
from pytilt.model.images import CustomBuild
from pytilt.model.objects import Resource
from tests.loop.declaring import custom_deploy, image, kubernetes, local


class Runs:
    """A command whose runs the test reports."""

    def __init__(self) -> None:
        self.rounds = Rounds()
        self.sequence = 0

    def run(
        self,
        changes: Mapping[str, tuple[bytes | None, bytes]],
        due: Mapping[str, int] | None = None,
        *,
        only_changes: bool = True,
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """One run that changes files from one content to another: what is restored, what pauses it."""
        self.rounds.begin("a", due or {}, only_changes=only_changes)
        self.sequence += len(changes)
        before = {path: was for path, (was, _) in changes.items()}
        contents = {path: now for path, (_, now) in changes.items()}
        found = self.rounds.end("a", before, contents.get, self.sequence)
        return found.restored, found.pauses


def test_a_command_that_changes_a_dependency_each_time_is_paused_after_some_rounds():
    command = Runs()
    assert [command.run({"out": (b"x", bytes([n]))}, {"out": n})[1] for n in range(ROUNDS)] == [
        *[()] * (ROUNDS - 1),
        ("out",),
    ]


def test_once_paused_it_runs_once_for_each_change_from_elsewhere():
    command = Runs()
    for n in range(ROUNDS):
        command.run({"out": (b"x", bytes([n]))}, {"out": n})
    due = {"out": command.sequence, "main.c": command.sequence + 1}
    assert command.run({"out": (b"x", b"y")}, due) == ((), ("out",))


@pytest.mark.parametrize("only_changes", [True, False])
def test_a_change_from_elsewhere_or_a_trigger_begins_the_count_anew(only_changes: bool):
    command = Runs()
    for n in range(ROUNDS - 1):
        command.run({"out": (b"x", bytes([n]))}, {"out": n})
    due = {"main.c": command.sequence + 1} if only_changes else {"out": command.sequence}
    assert command.run({"out": (b"x", b"y")}, due, only_changes=only_changes) == ((), ())


def test_a_file_that_somebody_saves_again_and_again_is_not_taken_for_the_commands_own():
    command = Runs()
    pauses = [command.run({"main.c": (b"x", bytes([n]))}, {"main.c": n + 1})[1] for n in range(EDITED_ROUNDS)]
    assert pauses[: EDITED_ROUNDS - 1] == [()] * (EDITED_ROUNDS - 1)


def test_what_was_there_before_the_run_and_is_there_again_counts_once_then_no_more():
    command = Runs()
    assert command.run({"obj": (b"dir", b"dir")}) == ((), ())
    assert command.run({"obj": (b"dir", b"dir")}, {"obj": 1}) == (("obj",), ())


def test_a_temporary_file_is_no_change():
    assert Runs().run({"tmp": (ABSENT, ABSENT)}) == (("tmp",), ())


def test_what_was_not_known_before_is_a_change():
    assert Runs().run({"new": (None, b"x"), "gone": (None, ABSENT)}) == ((), ())


def test_the_commands_of_a_resource_depend_on_its_own_files_and_those_of_its_custom_builds():
    custom = CustomBuild(command=Command(argv=("make",), dir="/p"))
    deployed = kubernetes("web", images=[image("built"), image("made", build=custom)])
    assert command_watches(Resource(name="web", spec=deployed)) == ("image:made",)
    assert command_watches(Resource(name="a", spec=local("a"))) == ("a",)
    assert command_watches(Resource(name="c", spec=custom_deploy("c"))) == ("c",)
