from msgspec.structs import replace

from pytilt.model.live_updates import LiveContainer, LiveUpdateState, LiveUpdateStatus, Way
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import PortForward
from pytilt.model.pods import Container, ContainerState
from pytilt.model.resources import Link, TriggerMode
from pytilt.model.resources import PortForwardSpec as PortSpec
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import Object
from pytilt.model.updates import Hold, HoldReason
from pytilt.store.objects import Store
from pytilt.views.dots import Dot, Tone
from pytilt.views.rows import Row, Rows, rows
from pytilt.views.updates import Cell
from tests import samples
from tests.samples import changed, local, pod, runtime, service, update


def state(*objects: Object):
    store = Store()
    for each in objects:
        store.put(each)
    return store.snapshot()


def row(name, *objects) -> Row:
    return next(row for row in rows(state(*(objects or samples.shop()))) if row.name == name)


def test_rows_are_in_the_order_of_the_tiltfile_and_the_tiltfile_itself_is_last():
    assert [row.name for row in rows(state(*samples.shop()))] == [
        "db", "catalog", "cart", "web", "lint", "docs", TILTFILE
    ]  # fmt: skip


def test_a_row_shows_what_runs_and_what_the_last_update_was():
    web = row("web")
    assert (web.dot, web.status.text, web.update.text, web.pod) == (
        Dot.OK,
        "Running",
        "live 8 ms",
        "web-7c9d4f55bd-tq8zn",
    )
    assert [line.how for line in web.history] == ["live", "live", "live", "rebuild", "build"]


def test_a_crash_is_reported_by_the_status_and_explained_by_the_error():
    catalog = row("catalog", *samples.crashing())
    assert (catalog.dot, catalog.status.text, catalog.restarts) == (Dot.ERROR, "CrashLoopBackOff", 2)
    assert catalog.error == "back-off 10s restarting failed container catalog"
    assert catalog.crashed
    assert catalog.trouble


def test_a_failed_build_is_explained_by_its_own_error():
    cart = row("cart", *samples.building())
    assert cart.update.text == "build failed 2.7 s"
    assert "No matching distribution" in cart.error
    assert not cart.crashed


def test_a_row_that_waits_says_for_what():
    hold = Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),))
    web = row("web", *changed(samples.shop(), service("web", 4, hold=hold)))
    assert (web.status.text, web.waits, web.update.text) == ("waits for db", "waits for db", "not built yet")


def test_a_change_in_manual_mode_is_reported_and_is_not_green():
    web = service("web", 4, mode=TriggerMode.MANUAL, history=(update(1, seconds=1, ended=9),))
    pending_manual = replace(web, status=replace(web.status, pending_manual=True))
    found = row("web", *changed(samples.shop(), pending_manual))
    assert (found.dot, found.status.text, found.mode) == (Dot.IDLE, "changed, not updated", "manual")


def test_a_running_pod_that_is_not_ready_is_not_shown_as_running():
    unready = runtime("web", RuntimeStatus.PENDING, pods=(pod("web-1", age=2),))
    assert row("web", *changed(samples.shop(), unready)).status.text == "not ready"


def test_a_row_of_which_the_cluster_says_nothing_any_more_is_not_green():
    found = runtime("web", RuntimeStatus.OK, pods=(pod("web-1", age=2),))
    stale = replace(found, status=replace(found.status, stale="connection refused\nhint: start it"))
    web = row("web", *changed(samples.shop(), stale))
    assert (web.dot, web.status) == (Dot.PENDING, Cell(text="unknown", tone=Tone.WARN))
    assert web.waits == "its state is unknown: connection refused"


def test_a_pod_that_crashes_again_and_again_stays_red_between_its_exits():
    crashing = Container(name="a", image="x", state=ContainerState.RUNNING, restarts=4, last_exit_code=1)
    found = runtime("web", RuntimeStatus.ERROR, pods=(replace(pod("web-1", age=2), containers=(crashing,)),))
    assert row("web", *changed(samples.shop(), found)).status == Cell(text="crashing", tone=Tone.ERROR)


def test_a_served_process_says_how_it_ended():
    broken = runtime("docs", RuntimeStatus.ERROR, reason="Server exited with exit code 3")
    docs = row("docs", *changed(samples.shop(), broken))
    assert (docs.status.text, docs.status.tone) == ("exited with 3", Tone.ERROR)
    assert docs.error == "Server exited with exit code 3"


def test_a_disabled_row_says_nothing_else():
    web = row("web", *changed(samples.shop(), service("web", 4, enabled=False)))
    assert (web.dot, web.status.text, web.enabled) == (Dot.DISABLED, "disabled", False)


def test_ports_are_endpoints_as_soon_as_they_are_declared():
    forward = PortForward(name="db:5432", resource=ResourceName("db"), spec=PortSpec(local_port=5432))
    assert row("db", *samples.shop(), forward).endpoints == (Link(url="http://localhost:5432/"),)


def test_a_broken_tiltfile_is_a_broken_row():
    tiltfile = row(TILTFILE, *samples.frame(error="Tiltfile:3:1: undefined: x"))
    assert (tiltfile.dot, tiltfile.status.text, tiltfile.error) == (Dot.ERROR, "broken", "Tiltfile:3:1: undefined: x")


def test_warnings_of_the_tiltfile_are_in_its_row():
    assert row(TILTFILE, *samples.frame(warnings=("unused image",))).warnings == ("unused image",)


def test_a_resource_without_history_has_a_row_all_the_same():
    assert row("new", *samples.frame(), local("new", 1)).update.text == "not started"


def test_rows_are_only_made_anew_when_what_they_show_has_changed():
    store, cache = Store(), Rows()
    for each in samples.shop():
        store.put(each)
    first = {str(row.name): row for row in cache.of(store.snapshot())}
    store.put(runtime("web", RuntimeStatus.ERROR))
    second = {str(row.name): row for row in cache.of(store.snapshot())}
    assert second["db"] is first["db"]
    assert second["web"].dot is Dot.ERROR
    assert cache.of(store.snapshot()) == rows(store.snapshot())


def test_a_row_says_how_its_containers_are_updated_in_place():
    found = LiveUpdateState(
        name="web",
        status=LiveUpdateStatus(
            containers=(
                LiveContainer(pod="web-1", name="app", id="1", way=Way.LAYER),
                LiveContainer(pod="web-2", name="app", id="2", way=Way.LAYER),
                LiveContainer(pod="web-2", name="side", id="3", error="no way in"),
            )
        ),
    )
    assert row("web", *samples.shop(), found).live == ("app: synclet in the image (in 2 pods)", "side: no way in")
