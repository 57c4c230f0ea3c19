import os
from collections.abc import Iterator

import pytest

from pytilt.cli.ending import last_words, same_place
from pytilt.loop.verdict import Trouble, Verdict
from pytilt.model.names import TILTFILE, ResourceName

LOG = "/home/me/.tilt-dev/sessions/1/log"
BUILD = Verdict(error="[2/2] RUN false: exit code: 1\nhint: mend it", resource=ResourceName("web"))
TILTFILE_ERROR = Verdict(error="/p/Tiltfile:2:1: undefined: foo\nhint: define it", resource=TILTFILE)


def test_the_last_words_name_the_resource_its_error_and_the_log():
    assert last_words(BUILD, told=False, log=LOG).splitlines() == [
        "web: [2/2] RUN false: exit code: 1",
        "hint: mend it",
        f"The log of all resources: {LOG}",
    ]


def test_what_stands_above_already_is_not_told_twice():
    assert last_words(BUILD, told=True, log=LOG).startswith("web: [2/2] RUN false: exit code: 1\nThe log")
    assert last_words(TILTFILE_ERROR, told=True, log=LOG) == "the Tiltfile cannot be evaluated, for the reason above"


def test_the_error_of_the_tiltfile_is_told_where_the_log_does_not_stand_above():
    assert last_words(TILTFILE_ERROR, told=False, log=LOG).startswith("(Tiltfile): /p/Tiltfile:2:1: undefined: foo\n")


def test_the_other_resources_that_are_not_well_are_told_too():
    verdict = Verdict(
        error="it failed",
        resource=ResourceName("web"),
        broken=(Trouble(resource=ResourceName("db"), text="pod db-1: Error\nmore"),),
        unready=(
            Trouble(resource=ResourceName("cart"), text="updating"),
            Trouble(resource=ResourceName("shop"), text="waiting-for-dep"),
        ),
    )
    assert last_words(verdict, told=True, log=LOG).splitlines() == [
        "web: it failed",
        "Failed too: db: pod db-1: Error",
        "Not ready yet: cart (updating), shop (waiting-for-dep)",
        f"The log of all resources: {LOG}",
    ]


def test_a_timeout_is_the_fault_of_no_single_resource():
    assert last_words(Verdict(error="Timeout after 5s: …"), told=True, log=LOG).startswith("Timeout after 5s: …\n")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def test_two_streams_may_lead_to_one_place(pipe: tuple[int, int], tmp_path):
    _, write_end = pipe
    again = os.dup(write_end)
    with os.fdopen(again, "w") as one, open(write_end, "w", closefd=False) as other, (tmp_path / "f").open("w") as file:
        assert same_place(one, other)
        assert not same_place(one, file)
