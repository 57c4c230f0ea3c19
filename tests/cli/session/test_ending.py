import os
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from pytilt.cli.session.ending import crash_words, farewell, last_words, same_place
from pytilt.loop.planning.verdict import Trouble, Verdict
from pytilt.model.clusters import ObjectRef
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus
from pytilt.model.stored import Object
from pytilt.model.updates import Outcome
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from tests import samples
from tests.loop.declaring import kubernetes, local, update

NONE: dict[ResourceName, list[str]] = {}
LOG = "/home/me/.tilt-dev/sessions/1/log"
BUILD = Verdict(error="[2/2] RUN false: exit code: 1\nhint: mend it", resource=ResourceName("web"))
TILTFILE_ERROR = Verdict(error="/p/Tiltfile:2:1: undefined: foo\nhint: define it", resource=TILTFILE)


def test_the_last_words_name_the_resource_its_error_and_the_log():
    assert last_words(BUILD, NONE, shown=False, log=LOG).splitlines() == [
        "web: [2/2] RUN false: exit code: 1",
        "hint: mend it",
        f"The log of all resources: {LOG}",
    ]


def test_what_is_above_already_is_not_reported_twice():
    assert last_words(BUILD, NONE, shown=True, log=LOG).startswith("web: [2/2] RUN false: exit code: 1\nThe log")
    assert (
        last_words(TILTFILE_ERROR, NONE, shown=True, log=LOG)
        == "the Tiltfile cannot be evaluated, for the reason above"
    )


def test_a_long_error_that_is_above_is_cut():
    long = Verdict(
        error="Pod/p: several fields are not valid:\n  a\n  b\n  c\nhint: mend them", resource=ResourceName("p")
    )
    words = last_words(long, NONE, shown=True, log=LOG).splitlines()
    assert words[:-1] == ["p: Pod/p: several fields are not valid:", "…", "  b", "  c"]


def test_of_a_long_error_that_is_above_the_lines_are_reported_that_name_what_is_wrong():
    printed = "[2/2] RUN make: exit code: 2\nmain.c:12: error: no semicolon\ncompiling a\ncompiling b\nhint: mend it"
    words = last_words(Verdict(error=printed, resource=ResourceName("web")), NONE, shown=True, log=LOG).splitlines()
    assert words[:-1] == ["web: [2/2] RUN make: exit code: 2", "main.c:12: error: no semicolon"]


def test_the_error_of_the_tiltfile_is_reported_where_the_log_is_not_above():
    assert last_words(TILTFILE_ERROR, NONE, shown=False, log=LOG).startswith(
        "(Tiltfile): /p/Tiltfile:2:1: undefined: foo\n"
    )


def test_the_other_resources_that_are_not_well_are_reported_too():
    verdict = Verdict(
        error="it failed",
        resource=ResourceName("web"),
        broken=(Trouble(resource=ResourceName("db"), text="pod db-1: Error\nhint: more"),),
        unready=(
            Trouble(resource=ResourceName("cart"), text="updating"),
            Trouble(resource=ResourceName("shop"), text="waiting-for-dep"),
        ),
    )
    assert last_words(verdict, NONE, shown=True, log=LOG).splitlines() == [
        "web: it failed",
        "Failed too: db: pod db-1: Error",
        "Not ready yet: cart: updating",
        "Not ready yet: shop: waiting-for-dep",
        f"The log of all resources: {LOG}",
    ]


def test_a_timeout_is_the_fault_of_no_single_resource():
    assert last_words(Verdict(error="Timeout after 5s: …"), NONE, shown=True, log=LOG).startswith(
        "Timeout after 5s: …\n"
    )


def crashed_log(tmp_path) -> LogStore:
    logs = LogStore(tmp_path / "log")
    span = logs.span(ResourceName("catalog"), SpanId("pod:catalog:catalog-1"))
    span("starting up\nError: no field port\nbye\n")
    logs.span(ResourceName("catalog"), SpanId("monitor:catalog:catalog-1"))("     ┃ Not Ready - (Error)\n")
    return logs


def test_the_last_words_of_what_crashed_are_reported(tmp_path):
    logs = crashed_log(tmp_path)
    crashes = crash_words(state(*samples.crashing()), logs)
    logs.close()
    assert crashes == {"catalog": ["Error: no field port", "starting up", "bye"]}
    verdict = Verdict(error="pod catalog-1: Error", resource=ResourceName("catalog"))
    assert last_words(verdict, crashes, shown=False, log=LOG).splitlines()[:-1] == [
        "catalog: pod catalog-1: Error", "Error: no field port", "starting up", "bye"
    ]  # fmt: skip
    assert last_words(verdict, crashes, shown=True, log=LOG).splitlines()[:-1] == [
        "catalog: pod catalog-1: Error", "Error: no field port"
    ]  # fmt: skip


def state(*objects: Object) -> Snapshot:
    store = Store()
    for each in objects:
        store.put(each)
    return store.snapshot()


def test_who_leaves_sees_what_is_broken():
    words = farewell(state(*samples.crashing()))
    assert words.splitlines()[0] == "catalog is broken: back-off 10s restarting failed container catalog"


def test_who_leaves_while_something_is_updated_notices_nothing_broken():
    left = replace(update(), outcome=Outcome.CANCELED, error="build canceled")
    assert farewell(state(Resource(name="web", spec=local("web"), status=ResourceStatus(history=(left,))))) == ""


def test_who_leaves_is_reminded_that_what_was_deployed_stays():
    applied = (ObjectRef(api_version="v1", kind="Service", name="web"),)
    spec = kubernetes("web")
    well = Resource(name="web", spec=spec, status=ResourceStatus(applied=applied, history=(update(),)))
    assert farewell(state(well)) == "What was deployed stays; `tilt down` removes it."


def test_who_leaves_nothing_reads_nothing():
    assert farewell(state(Resource(name="tool", spec=local("tool")))) == ""


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
