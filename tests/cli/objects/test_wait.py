import sys
import threading

import pytest
from msgspec.structs import replace

from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.model.names import SpanId
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Outcome, Reason, Strategy, Update
from pytilt.settings import Settings
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.server.sessions import Served

FOREVER = ("--timeout", "-1s")


def ready(name: str):
    def make(served: Served) -> None:
        done = Update(
            id=1,
            span=SpanId("build:1"),
            reason=Reason.INITIAL_BUILD,
            strategy=Strategy.COMMAND,
            started_at="",
            outcome=Outcome.OK,
        )
        served.store.change(Resource, name, lambda each: replace(each, status=ResourceStatus(history=(done,))))
        served.store.put(Runtime(name=name, status=RuntimeState(status=RuntimeStatus.OK)))

    return make


def test_what_is_met_already_is_not_waited_for(tilt: Tilt, served: Session):
    served.do(ready("web"))
    ended = tilt("wait", "--for=condition=Ready", "uiresource/web")
    assert ended == (0, "uiresource.tilt.dev/web condition met\n", "")


@pytest.mark.parametrize("words", [["uiresource/web", "uiresource/db"], ["uiresource", "web", "db"]])
def test_all_that_are_named_are_waited_for(tilt: Tilt, served: Session, words: list[str]):
    served.do(ready("web"))
    timer = threading.Timer(0.1, lambda: served.do(ready("db")))
    timer.start()
    ended = tilt("wait", "--for=condition=UpToDate", *words, *FOREVER)
    timer.join()
    assert ended.status == 0
    assert ended.out.splitlines() == ["uiresource.tilt.dev/web condition met", "uiresource.tilt.dev/db condition met"]


@pytest.mark.usefixtures("served")
def test_a_condition_may_be_wanted_to_be_false(tilt: Tilt):
    assert tilt("wait", "--for=condition=ready=false", "uiresource/web").status == 0


def test_a_session_that_ends_before_is_an_error(tilt: Tilt, served: Session):
    timer = threading.Timer(0.1, served.end)
    timer.start()
    ended = tilt("wait", "--for=condition=Ready", "uiresource/web", *FOREVER)
    timer.join()
    assert (ended.status, ended.out) == (3, "")
    assert ended.error.startswith("Error: ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--for=condition=Ready", "pods/x"], 'the server doesn\'t have a resource type "pods"'),
        (["--for=deleted", "uiresource/web"], 'unrecognized condition: "deleted"'),
        (["--for=delete", "uiresource", "-l", "no=label"], "no matching resources found"),
        (["--for=condition=Ready", "uiresource"], "no object is named"),
        (["--for=condition=Ready", "uiresource/x"], 'uiresources.tilt.dev "x" not found'),
        (["--for=condition=Ready", "uiresource/web", "--timeout", "soon"], "`--timeout soon` is not a duration"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_cannot_be_waited_for_is_an_error(tilt: Tilt, words: list[str], text: str):
    ended = tilt("wait", *words)
    assert ended.status == 1
    assert text in ended.error


def test_where_no_session_answers_the_exit_code_is_3(tilt: Tilt):
    ended = tilt("wait", "--for=condition=Ready", "uiresource/web", "--port", "1")
    assert ended.status == 3
    assert ended.error.startswith("Error: No tilt apiserver found")


def test_without_time_it_is_checked_once(tilt: Tilt, served: Session):
    served.do(ready("web"))
    ended = tilt("wait", "--for=condition=Ready", "uiresource", "web", "db", "--timeout", "0")
    assert ended == (1, "uiresource.tilt.dev/web condition met\n", "error: condition not met for uiresources/db\n")
    assert tilt("wait", "--for=condition=Ready", "uiresource/web", "--timeout=0s").status == 0


def test_those_with_a_label_are_waited_for(tilt: Tilt, served: Session):
    served.do(ready("web"))
    ended = tilt("wait", "--for=condition=Ready", "uiresource", "-l", "backend=backend", *FOREVER)
    assert ended == (0, "uiresource.tilt.dev/web condition met\n", "")


def test_what_a_json_path_leads_to_is_waited_for(tilt: Tilt, served: Session):
    timer = threading.Timer(0.1, lambda: served.do(ready("db")))
    timer.start()
    ended = tilt("wait", "--for=jsonpath={.status.runtimeStatus}=ok", "uiresource/db", *FOREVER)
    timer.join()
    assert ended == (0, "uiresource.tilt.dev/db condition met\n", "")


def test_several_conditions_are_waited_for_one_after_the_other(tilt: Tilt, served: Session):
    def make(made: Served) -> None:
        made.add("new")
        ready("new")(made)

    timer = threading.Timer(0.1, lambda: served.do(make))
    timer.start()
    ended = tilt("wait", "--for=condition=Ready", "--for=create", "uiresource/new", *FOREVER)
    timer.join()
    assert ended == (0, "uiresource.tilt.dev/new condition met\n", "")


def test_that_something_is_deleted_is_waited_for(tilt: Tilt, served: Session):
    timer = threading.Timer(0.1, lambda: served.do(lambda made: made.store.delete(Resource, "web")))
    timer.start()
    ended = tilt("wait", "--for=delete", "uiresource/web", "uiresource/never", *FOREVER)
    timer.join()
    assert ended.status == 0
    assert ended.out.splitlines() == [
        "uiresource.tilt.dev/never condition met",
        "uiresource.tilt.dev/web condition met",
    ]


@pytest.mark.usefixtures("served")
async def test_it_gives_up_in_time():
    words = ("wait", "--for=condition=Ready", "uiresource/web", "uiresource/db", "--timeout", "100ms")
    environ = tuple(sorted(Settings.from_environment().environ.items()))
    request = ProcessRequest(argv=(sys.executable, "-m", "pytilt", *words), dir="/", env=environ)
    said: list[bytes] = []
    async with HostRunner() as runner:
        outcome = await runner.run(request, said.append)
    assert outcome.exit_status == 124
    assert b"".join(said).decode().splitlines() == [
        "error: timed out waiting for the condition on uiresources/db",
        "error: timed out waiting for the condition on uiresources/web",
    ]
