import json
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from pytilt.cli.main import run
from pytilt.model.objects import Resource
from pytilt.model.updates import Reason
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session
from tests.server.sessions import Served

pytestmark = pytest.mark.usefixtures("served")


def names(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines()]


def test_objects_are_a_table(tilt: Tilt):
    ended = tilt("get", "uiresources")
    assert (ended.status, ended.error) == (0, "")
    assert ended.out.splitlines()[0] == "NAME         CREATED AT"
    assert names(ended.out) == ["NAME", "(Tiltfile)", "web", "db"]


def test_wide_shows_the_two_words(tilt: Tilt):
    header, *_, db = tilt("get", "uiresource", "-o", "wide").out.splitlines()
    assert header.split() == ["NAME", "CREATED", "AT", "UPDATE", "RUNTIME"]
    assert db.split()[2:] == ["none", "none"]


@pytest.mark.parametrize("words", [["uiresource", "web"], ["uiresource/web"]])
def test_one_object_is_printed_as_it_is(tilt: Tilt, words: list[str]):
    found = json.loads(tilt("get", *words, "-o", "json").out)
    assert (found["kind"], found["metadata"]["name"]) == ("UIResource", "web")
    assert yaml.safe_load(tilt("get", *words, "-o", "yaml").out) == found


def test_several_objects_are_a_list(tilt: Tilt):
    found = json.loads(tilt("get", "uiresources", "-o", "json").out)
    assert (found["apiVersion"], found["kind"], len(found["items"])) == ("v1", "List", 3)
    found = json.loads(tilt("get", "uiresource", "web", "db", "-o", "json").out)
    assert [each["metadata"]["name"] for each in found["items"]] == ["web", "db"]


def test_names_are_printed_for_scripts(tilt: Tilt):
    assert tilt("get", "session", "-o", "name") == (0, "", "")
    out = tilt("get", "uiresources", "-o", "name").out
    assert out == "uiresource.tilt.dev/(Tiltfile)\nuiresource.tilt.dev/web\nuiresource.tilt.dev/db\n"


@pytest.mark.parametrize(("selector", "expected"), [("backend=backend", ["web"]), ("backend=other", [])])
def test_objects_are_selected_by_label(tilt: Tilt, selector: str, expected: list[str]):
    out = tilt("get", "uiresources", "-l", selector, "-o", "name").out
    assert [line.rpartition("/")[2] for line in out.splitlines()] == expected


def test_where_there_is_none_it_says_so(tilt: Tilt):
    assert tilt("get", "portforwards") == (0, "", "No resources found\n")


def test_an_object_that_is_not_there_is_an_error(tilt: Tilt):
    ended = tilt("get", "uiresource", "x")
    assert ended.status == 1
    assert ended.error == 'Error from server (NotFound): uiresources.tilt.dev "x" not found\n'


def test_an_unknown_kind_is_an_error_that_names_those_there_are(tilt: Tilt):
    ended = tilt("get", "pods")
    assert ended.status == 1
    assert ended.error.startswith(
        'Error: the server doesn\'t have a resource type "pods"\nhint: there are: uiresources'
    )


class Screen(StringIO):
    """Where a command prints; what is to happen next happens as soon as something was printed."""

    def __init__(self, *steps: Callable[[], None]) -> None:
        super().__init__()
        self._steps = list(steps)

    def flush(self) -> None:
        super().flush()
        if self._steps:
            self._steps.pop(0)()


def watched(served: Session, *words: str, steps: list[Callable[[Served], None]]) -> list[str]:
    """What `tilt get -w` prints while these steps are taken, each after the line before."""
    screen = Screen(*(lambda step=step: served.do(step) for step in steps), served.end)
    with redirect_stdout(screen):
        assert run(["get", *words, "-w"]) == 0
    return screen.getvalue().splitlines()


def due(name: str) -> Callable[[Served], None]:
    def change(made: Served) -> None:
        made.store.change(
            Resource, name, lambda each: replace(each, status=replace(each.status, due=Reason.CONFIG_CHANGED))
        )

    return change


def test_changes_are_printed_in_the_columns_of_the_table_before(served: Session):
    lines = watched(served, "uiresources", steps=[lambda made: made.add("a-longer-name"), due("db")])
    times = [line.rpartition("   ")[2] for line in lines]
    assert [line.removesuffix(time) for line, time in zip(lines, times, strict=True)] == [
        "NAME         ",
        "(Tiltfile)   ",
        "web          ",
        "db           ",
        "a-longer-name   ",
        "db              ",
    ]


def test_only_changes_of_selected_objects_are_printed(served: Session):
    def both(made: Served) -> None:
        due("db")(made)
        due("web")(made)

    lines = watched(served, "uiresources", "-l", "backend=backend", "-o", "name", steps=[both])
    assert lines == ["uiresource.tilt.dev/web", "uiresource.tilt.dev/web"]


def test_an_object_to_watch_that_is_not_there_is_an_error(tilt: Tilt):
    ended = tilt("get", "uiresource", "x", "-w")
    assert (ended.status, ended.out) == (1, "")
    assert ended.error == 'Error from server (NotFound): uiresources.tilt.dev "x" not found\n'


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["uiresource", "web", "-o=jsonpath={.metadata.name}"], "web"),
        (["uiresources", "-o", "jsonpath={.items[*].metadata.name}"], "(Tiltfile) web db"),
        (["uiresources", "-o=custom-columns=N:.metadata.name", "--sort-by=.metadata.name"], "N\n(Tiltfile)\ndb\nweb\n"),
        (["uiresources", "-o=custom-columns=N:.metadata.name", "--no-headers=true", "-l=backend"], "web\n"),
        (["uiresources", "-o", "name", "--field-selector=metadata.name=db"], "uiresource.tilt.dev/db\n"),
        (["uiresource", "none", "--ignore-not-found"], ""),
        (["uiresource", "none", "db", "-o", "name", "--ignore-not-found"], "uiresource.tilt.dev/db\n"),
        (["uiresources", "-l", "no=label", "--ignore-not-found"], ""),
    ],
)
@pytest.mark.usefixtures("served")
def test_objects_are_chosen_sorted_and_shown_as_by_kubectl(tilt: Tilt, words: list[str], out: str):
    assert tilt("get", *words) == (0, out, "")


@pytest.mark.usefixtures("served")
def test_a_form_that_is_none_is_an_error(tilt: Tilt):
    ended = tilt("get", "uiresources", "-o", "xml")
    assert (ended.status, ended.out) == (1, "")
    assert 'unable to match a printer suitable for the output format "xml"' in ended.error


def test_several_kinds_are_a_table_each_and_one_list(tilt: Tilt):
    first, second = tilt("get", "uiresources,tiltfiles").out.split("\n\n")
    assert names(first) == ["NAME", *(f"uiresource.tilt.dev/{name}" for name in ("(Tiltfile)", "web", "db"))]
    assert names(second) == ["NAME", "tiltfile.tilt.dev/(Tiltfile)"]
    found = json.loads(tilt("get", "uiresources,tiltfiles", "-o", "json").out)
    assert [each["kind"] for each in found["items"]] == ["UIResource", "UIResource", "UIResource", "Tiltfile"]
    assert "only specify a single resource type" in tilt("get", "uiresources,tiltfiles", "-w").error


def test_a_go_template_is_filled_in(tilt: Tilt, tmp_path: Path):
    template = '{{range .items}}{{.kind}} {{.metadata.name}}{{"\\n"}}{{end}}'
    (tmp_path / "t").write_text(template)
    for form in (f"go-template={template}", f"go-template-file={tmp_path / 't'}"):
        assert tilt("get", "tiltfiles", "-o", form).out == "Tiltfile (Tiltfile)\n"
    assert tilt("get", "uiresource", "web", "-o", "go-template={{.kind}}").out == "UIResource"
    assert "is not there in templates of `tilt get`" in tilt("get", "cmds", "-o", "go-template={{$x = .a}}").error
    assert "the template cannot be read" in tilt("get", "cmds", "-o", "go-template-file=/none").error


def test_labels_are_columns(tilt: Tilt):
    rows = [
        line.split() for line in tilt("get", "uiresources", "-L", "backend,x/team", "--show-labels").out.splitlines()
    ]
    assert rows[0] == ["NAME", "CREATED", "AT", "BACKEND", "TEAM", "LABELS"]
    assert (rows[2][2:], rows[3][2:]) == (["backend", "backend=backend"], ["<none>"])
    assert tilt("get", "uiresource", "web", "--show-kind", "--no-headers").out.startswith("uiresource.tilt.dev/web ")


def test_templates_may_be_in_files(tilt: Tilt, tmp_path: Path):
    (tmp_path / "t").write_text("NAME RUNS\n.metadata.name .status.runtimeStatus\n")
    out = tilt("get", "uiresource", "web", "-o", f"custom-columns-file={tmp_path}/t").out
    assert out.splitlines()[0].split() == ["NAME", "RUNS"]
    (tmp_path / "t").write_text("{.metadata.name}")
    assert tilt("get", "uiresource", "web", "-o", f"jsonpath-file={tmp_path}/t").out == "web"
    assert tilt("get", "uiresource", "web", "-o", "template", "--template={{.metadata.name}}").out == "web"
    assert "is no template for columns" in tilt("get", "cm", "-o", f"custom-columns-file={tmp_path}/t").error


@pytest.mark.parametrize("template", ["jsonpath={.nix}", "go-template={{.nix}}"])
def test_what_is_missing_is_an_error_where_that_is_asked_for(tilt: Tilt, template: str):
    assert tilt("get", "uiresource", "web", "-o", template).status == 0
    ended = tilt("get", "uiresource", "web", "-o", template, "--allow-missing-template-keys=false")
    assert ended.status == 1
    assert "nix" in ended.error


def test_only_changes_are_printed_where_that_is_asked_for(served: Session):
    assert watched(served, "uiresources", "--watch-only", "-o", "name", steps=[due("db")]) == ["uiresource.tilt.dev/db"]
