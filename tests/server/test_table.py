from pathlib import Path

from msgspec.structs import replace

from pytilt.model.names import ResourceName
from pytilt.model.objects import Resource, ResourceStatus, Runtime, RuntimeState
from pytilt.model.resources import Link
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason
from pytilt.server.table import page
from pytilt.views.api import ui_resources
from tests.loop.declaring import update
from tests.server.sessions import Served


def shown(served: Served) -> str:
    served.logs.close()
    return page(ui_resources(served.store.snapshot()))


def test_every_resource_has_a_row_with_words_beside_the_colours(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    served.store.put(Runtime(name="web", status=RuntimeState(endpoints=(Link(url="http://localhost:8000/"),))))
    text = shown(served)
    assert "<td>web</td>" in text
    assert '<span class="none">○ off</span>' in text
    assert '<a href="http://localhost:8000/">http://localhost:8000/</a>' in text


def test_a_link_that_is_a_script_is_text(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    links = (Link(url="javascript:alert(1)"), Link(url="data:text/html,x", name="data"))
    served.store.put(Runtime(name="web", status=RuntimeState(endpoints=links)))
    text = shown(served)
    assert "<td>javascript:alert(1) data</td>" in text
    assert "href" not in text


def test_why_an_update_failed_is_reported_line_by_line(tmp_path: Path):
    served = Served(tmp_path)
    served.add("web")
    error = "[2/2] RUN make: exit code: 2\nmain.c:12: error: no semicolon"
    status = ResourceStatus(history=(replace(update(outcome=Outcome.FAILED), error=error),))
    served.store.change(Resource, "web", lambda each: replace(each, status=status))
    assert f'<td class="why">{error}</td>' in shown(served)


def test_what_comes_from_outside_is_escaped(tmp_path: Path):
    served = Served(tmp_path)
    served.add("<script>")
    hold = Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("<b>"),))
    status = ResourceStatus(due=Reason.INITIAL_BUILD, hold=hold)
    served.store.change(Resource, "<script>", lambda each: replace(each, status=status))
    text = shown(served)
    assert "<script>" not in text
    assert "waiting-for-dep &lt;b&gt;" in text
