import json
from io import StringIO
from pathlib import Path

import pytest

from pytilt.model.api.buttons import UIButton
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session

BUTTON = """
apiVersion: tilt.dev/v1alpha1
kind: UIButton
metadata: {name: go, labels: {a: b}}
spec:
  text: Go
  location: {componentType: Resource, componentID: web}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "objects.yaml"
    made.write_text(BUTTON)
    return made


@pytest.mark.usefixtures("served")
def test_an_object_is_made_then_changed_then_left_alone(tilt: Tilt, file: Path):
    assert tilt("apply", "-f", str(file)) == (0, "uibutton.tilt.dev/go created\n", "")
    assert tilt("apply", "-f", str(file)) == (0, "uibutton.tilt.dev/go unchanged\n", "")
    file.write_text(BUTTON.replace("Go", "Stop"))
    assert tilt("apply", "-f", str(file)) == (0, "uibutton.tilt.dev/go configured\n", "")
    assert tilt("get", "uibutton", "go", "-o", "jsonpath={.spec.text}").out == "Stop"
    assert tilt("get", "uibutton", "-l", "a=b", "-o", "name").out == "uibutton.tilt.dev/go\n"


@pytest.mark.usefixtures("served")
def test_objects_are_made_of_files_or_of_words(tilt: Tilt, file: Path):
    assert tilt("create", "-f", str(file)).out == "uibutton.tilt.dev/go created\n"
    assert "already exists" in tilt("create", "-f", str(file)).error
    assert tilt("create", "cmd", "hello", "echo", "a b").out == "cmd.tilt.dev/hello created\n"
    assert tilt("get", "cmd", "hello", "-o", "jsonpath={.spec.args[1]}").out == "a b"
    assert tilt("create", "fw", "src", "x").out == "filewatch.tilt.dev/src created\n"
    assert "cannot be made of words" in tilt("create", "uibutton", "x", "y").error
    assert "say what to make" in tilt("create").error


def test_objects_are_deleted(tilt: Tilt, served: Session, file: Path):
    tilt("apply", "-f", str(file))
    assert tilt("delete", "uibutton", "go") == (0, 'uibutton.tilt.dev "go" deleted\n', "")
    gone = tilt("delete", "uibutton/go")
    assert (gone.status, gone.error) == (1, 'Error from server (NotFound): uibuttons.tilt.dev "go" not found\n')
    assert tilt("delete", "uibutton", "--ignore-not-found", "--", "go") == (0, "", "")
    tilt("apply", "-f", str(file))
    assert "no name was specified" in tilt("delete", "uibutton").error
    assert tilt("delete", "uibutton", "-l", "a=c") == (0, "", "No resources found\n")
    assert tilt("delete", "uibutton", "--all").out == 'uibutton.tilt.dev "go" deleted\n'
    assert served.served.store.get(UIButton, "go") is None


@pytest.mark.usefixtures("served")
def test_an_object_is_described(tilt: Tilt, file: Path):
    tilt("apply", "-f", str(file))
    text = tilt("describe", "uibutton", "go").out
    assert text.startswith("Name:         go\nNamespace:\nLabels:       a=b\n")
    assert (
        "Spec:\n  Location:\n    Component ID:    web\n    Component Type:  Resource\n  Text:              Go\n" in text
    )
    assert tilt("describe", "uibutton", "-l", "a=c") == (0, "", "No resources found\n")
    assert tilt("describe", "uibutton", "g").out == text
    assert tilt("describe", "-f", str(file)).out == text
    assert "not found" in tilt("describe", "uibutton", "x").error
    assert "must specify the type" in tilt("describe").error


@pytest.mark.usefixtures("served")
def test_an_object_is_edited(tilt: Tilt, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tilt("apply", "-f", str(file))
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i 's/text: Go/text: Edited/' \"$1\"\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    assert tilt("edit", "uibutton", "go").out == "uibutton.tilt.dev/go edited\n"
    assert tilt("get", "uibutton", "go", "-o", "jsonpath={.spec.text}").out == "Edited"
    assert tilt("edit", "uibutton/go").out == "Edit cancelled, no changes made.\n"
    assert "no object is named" in tilt("edit", "uibutton").error


@pytest.mark.usefixtures("served")
def test_an_object_is_patched(tilt: Tilt, file: Path):
    tilt("apply", "-f", str(file))
    assert tilt("patch", "uibutton", "-p", "spec: {text: New}", "--", "go").out == "uibutton.tilt.dev/go patched\n"
    assert tilt("patch", "uibutton/go", "-p", '{"spec":{"text":"New"}}').out.endswith("patched (no change)\n")
    click = '{"status": {"lastClickedAt": "2026-01-01T00:00:00Z"}}'
    assert tilt("patch", "uibutton/go", "--subresource", "status", "-p", click).status == 0
    assert tilt("get", "uibutton", "go", "-o", "jsonpath={.status.lastClickedAt}").out == "2026-01-01T00:00:00Z"


def test_the_kinds_are_listed(tilt: Tilt):
    lines = tilt("api-resources").out.splitlines()
    assert lines[0].split() == ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]
    assert ["kubernetesdiscoveries", "kd,kdisco", "tilt.dev/v1alpha1", "false", "KubernetesDiscovery"] in map(
        str.split, lines
    )
    assert "configmaps.tilt.dev" in tilt("api-resources", "-o", "name").out.splitlines()
    assert "create,update,patch,delete" in tilt("api-resources", "-o", "wide", "--no-headers").out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "an object has no kind"),
        ("kind: UIButton", "a UIButton has no metadata.name"),
        ("kind: Foo\nmetadata: {name: x}", 'no matches for kind "Foo" in version ""'),
        ("", "no objects passed"),
        ("{", "not YAML"),
        ("kind: UIButton\nmetadata: {name: x}\nspec: {txt: x}", 'unknown field "spec.txt", did you mean spec.text?'),
        ("kind: UIResource\nmetadata: {name: web}", "uiresources are made by the session: they cannot be changed"),
    ],
)
@pytest.mark.usefixtures("served")
def test_what_cannot_be_applied_says_why(tilt: Tilt, tmp_path: Path, text: str, message: str):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    ended = tilt("apply", "-f", str(file))
    assert ended.status == 1
    assert message in ended.error


@pytest.mark.usefixtures("served")
def test_a_file_that_is_not_there_is_an_error(tilt: Tilt):
    assert "cannot be read" in tilt("apply", "-f", "/nowhere/x.yaml").error
    assert "there is no need to specify a resource type" in tilt("delete", "cmd/a", "b").error


@pytest.mark.usefixtures("served")
def test_what_was_done_is_printed_in_every_form(tilt: Tilt, file: Path):
    assert tilt("create", "-f", str(file), "-o", "name").out == "uibutton.tilt.dev/go\n"
    assert tilt("apply", "-f", str(file), "-o=jsonpath={.spec.text}").out == "Go"
    assert tilt("patch", "uibutton", "go", "-p", "spec: {text: A}", "--template={{.spec.text}}").out == "A"
    assert "\n  text: A\n" in tilt("wait", "--for=create", "uibutton/go", "-o", "yaml").out
    assert '\n  kind: "UIButton",\n' in tilt("get", "uibutton", "go", "-o", "kyaml").out
    assert tilt("delete", "uibutton", "go", "-o", "name").out == "uibutton.tilt.dev/go\n"
    assert "unable to match a printer" in tilt("apply", "-f", str(file), "-o", "wide").error


def test_nothing_is_kept_of_what_is_only_tried(tilt: Tilt, served: Session, file: Path):
    for how, mark in (("client", "dry run"), ("server", "server dry run")):
        assert tilt("create", "-f", str(file), f"--dry-run={how}").out == f"uibutton.tilt.dev/go created ({mark})\n"
        assert tilt("apply", "-f", str(file), f"--dry-run={how}").out == f"uibutton.tilt.dev/go created ({mark})\n"
    assert served.served.store.get(UIButton, "go") is None
    tilt("apply", "-f", str(file))
    patch = ("patch", "uibutton", "go", "-p", "spec: {text: B}", "-o", "jsonpath={.spec.text}")
    assert tilt(*patch, "--dry-run").out == tilt(*patch, "--dry-run=server").out == "B"
    assert (
        tilt("delete", "uibutton", "go", "--dry-run=server").out == 'uibutton.tilt.dev "go" deleted (server dry run)\n'
    )
    assert tilt("get", "uibutton", "go", "-o", "jsonpath={.spec.text}").out == "Go"
    assert "Invalid dry-run value" in tilt("apply", "-f", str(file), "--dry-run=maybe").error
    file.write_text(BUTTON.replace("text: Go", "txt: Go"))
    assert "unknown field" in tilt("apply", "-f", str(file), "--dry-run=server").error


@pytest.mark.usefixtures("served")
def test_objects_are_read_from_folders_and_patterns(tilt: Tilt, tmp_path: Path):
    folder = tmp_path / "objects"
    (folder / "inner").mkdir(parents=True)
    for name, place in (("one", folder / "one.yaml"), ("two", folder / "inner" / "two.json")):
        place.write_text(BUTTON.replace("name: go", f"name: {name}"))
    assert tilt("apply", "-f", str(folder)).out == "uibutton.tilt.dev/one created\n"
    assert tilt("apply", "-R", "-f", str(folder), "-o", "name").out.count("uibutton") == 2
    assert tilt("delete", "-f", f"{folder}/*.yaml").out == 'uibutton.tilt.dev "one" deleted\n'
    assert tilt("create", "-f", str(folder), "-l", "a=c").error.startswith("Error: no objects passed")
    assert "recognized file extensions are [.json .yaml .yml]" in tilt("apply", "-f", str(tmp_path)).error


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(("program", "verb"), [("kustomize", "build"), ("kubectl", "kustomize")])
def test_objects_are_taken_from_what_kustomize_makes_of_a_folder(
    tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, verb: str
):
    (tmp_path / "made.yaml").write_text(BUTTON)
    script = tmp_path / program
    script.write_text(
        f'#!/bin/sh\n[ "$*" = "{verb} dev" ] || {{ echo "Error: no $2" >&2; exit 1; }}\ncat {tmp_path}/made.yaml\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert tilt("apply", "-k", "dev") == (0, "uibutton.tilt.dev/go created\n", "")
    assert tilt("delete", "-k", "dev").out == 'uibutton.tilt.dev "go" deleted\n'
    assert tilt("create", "-k", "prod").error == f"Error: `{program} {verb} prod` failed: no prod\n"
    assert "only one of -f or -k" in tilt("apply", "-k", "dev", "-f", "x").error


@pytest.mark.usefixtures("served")
def test_without_kustomize_it_is_said_what_to_install(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "`-k` needs `kustomize`, or `kubectl`" in tilt("describe", "-k", "dev").error


@pytest.mark.usefixtures("served")
def test_objects_are_made_of_words_with_all_that_they_have(tilt: Tilt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = tilt("create", "cmd", "-e", "A=1", "--filewatch=x,y", "-w", "sub", "-o", "json", "c", "sh", "-v", "-o")
    spec = json.loads(made.out)["spec"]
    assert spec["args"] == ["sh", "-v", "-o"]
    assert (spec["dir"], spec["env"]) == (str(tmp_path / "sub"), ["A=1"])
    assert spec["restartOn"] == {"fileWatches": ["x", "y"]}
    watch = json.loads(tilt("create", "fw", "f", "src", "--ignore=a,b", "-o", "json").out)["spec"]
    assert watch["ignores"] == [{"basePath": str(tmp_path), "patterns": ["a", "b"]}]


@pytest.mark.usefixtures("served")
def test_only_what_is_confirmed_is_deleted(tilt: Tilt, file: Path, monkeypatch: pytest.MonkeyPatch):
    tilt("apply", "-f", str(file))
    monkeypatch.setattr("sys.stdin", StringIO("n\n"))
    assert tilt("delete", "uibutton", "go", "-i").out.endswith("deletion is cancelled\n")
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    assert tilt("delete", "uibutton", "--field-selector=metadata.name=go", "-i").out.endswith('"go" deleted\n')


def test_an_object_of_a_file_is_patched_without_a_session(tilt: Tilt, file: Path):
    patch = ("patch", "--local", "-p", "spec: {text: B}", "-o=jsonpath={.spec.text}")
    assert tilt(*patch, "-f", str(file)) == (0, "B", "")
    assert "name them with `-f`" in tilt(*patch, "uibutton", "go").error


def test_extensions_and_their_repositories_are_added_and_removed(tilt: Tilt, served: Session):
    added = served.served.asked.added
    ended = tilt("create", "ext", "fwd", "--path=./kubefwd", "--", "--namespaces=default")
    assert ended == (0, "extension.tilt.dev/fwd created\n", "")
    spec = {"repoName": "default", "repoPath": "./kubefwd", "args": ["--namespaces=default"]}
    assert added["extensions", "fwd"].spec == spec
    assert tilt("create", "repo", "own", "https://x", "--ref=v2").out == "extensionrepo.tilt.dev/own created\n"
    assert added["extensionrepos", "own"].spec == {"url": "https://x", "ref": "v2"}
    assert 'extensions.tilt.dev "fwd" already exists' in tilt("create", "ext", "fwd").error
    assert tilt("delete", "ext", "fwd").out == 'extension.tilt.dev "fwd" deleted\n'
    assert list(added) == [("extensionrepos", "own")]
    assert tilt("delete", "ext", "fwd").error == (
        "Error from server (MethodNotAllowed): extensions are made by the session: they cannot be changed\n"
    )


@pytest.mark.usefixtures("served")
def test_all_objects_that_can_be_are_made_and_deleted(tilt: Tilt, file: Path):
    tilt("apply", "-f", str(file))
    file.write_text(f"{BUTTON}---{BUTTON.replace('name: go', 'name: two')}")
    ended = tilt("create", "-f", str(file))
    assert (ended.status, ended.out) == (1, "uibutton.tilt.dev/two created\n")
    assert ended.error == 'Error from server (AlreadyExists): uibuttons.tilt.dev "go" already exists\n'
    ended = tilt("delete", "uibutton", "none", "go", "two")
    assert (ended.status, ended.out.count("deleted")) == (1, 2)
    assert ended.error == 'Error from server (NotFound): uibuttons.tilt.dev "none" not found\n'
