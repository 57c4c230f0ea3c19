from msgspec.structs import replace

from pytilt.model.objects import ResourceStatus
from pytilt.model.resources import TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.updates import Reason
from pytilt.views.dots import TONES, Dot, resource_dot
from pytilt.views.statuses import resource_statuses
from tests.samples import running, runtime, service, update

GOOD = (update(1, seconds=1, ended=10),)
BAD = (update(1, seconds=1, ended=10, error="no"),)


def dot(resource, status=RuntimeStatus.OK):
    return resource_dot(resource, resource_statuses(resource, runtime(resource.name, status)))


def test_green_means_updated_and_ready():
    assert dot(service("web", 1, history=GOOD)) is Dot.OK


def test_what_was_deployed_and_is_not_ready_yet_is_pending():
    assert dot(service("web", 1, history=GOOD), RuntimeStatus.PENDING) is Dot.PENDING


def test_a_failed_update_and_a_broken_pod_are_errors():
    assert dot(service("web", 1, history=BAD)) is Dot.ERROR
    assert dot(service("web", 1, history=GOOD), RuntimeStatus.ERROR) is Dot.ERROR


def test_a_running_update_wins_over_an_old_error():
    assert dot(service("web", 1, history=BAD, current=(running(2, seconds=1),))) is Dot.UPDATING


def test_a_change_in_manual_mode_waits_in_grey_until_it_is_asked_for():
    waiting = service("web", 1, history=GOOD, mode=TriggerMode.MANUAL)
    due = replace(waiting, status=replace(waiting.status, due=Reason.CHANGED_FILES))
    assert dot(due) is Dot.IDLE
    auto = replace(service("web", 1, history=GOOD), status=replace(waiting.status, due=Reason.CHANGED_FILES))
    assert dot(auto) is Dot.PENDING


def test_what_was_never_started_is_idle_and_what_is_off_is_disabled():
    never = replace(service("web", 1, mode=TriggerMode.MANUAL_NO_INIT), status=ResourceStatus())
    assert dot(never, RuntimeStatus.NONE) is Dot.IDLE
    assert dot(service("web", 1, enabled=False)) is Dot.DISABLED


def test_every_dot_has_a_tone():
    assert set(TONES) == set(Dot)
