import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pytilt.cluster import yaml
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session

EVERY_KIND = Path(__file__).parent / "every_kind"
"""A project with something of every kind, and what Tilt 0.37 prints of it (`result.json`)."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def without_defaults(value: Any) -> Any:
    """An object without what Go adds when it reads it into a type of its own and writes it again."""
    if isinstance(value, dict):
        kept = {key: without_defaults(held) for key, held in value.items()}
        return {key: held for key, held in kept.items() if held not in ({}, [], "", 0, None)}
    return [without_defaults(each) for each in value] if isinstance(value, list) else value


def split(found: Any) -> list[Any]:
    """Take the YAML out of the resources, and read it."""
    texts = [each["DeployTarget"].pop("yaml", "") for each in found["Manifests"]]
    return [[without_defaults(o) for o in yaml.parse(text, "yaml")] for text in texts]


def test_the_result_is_that_of_tilt(tilt: Tilt, folder: Path):
    shutil.copytree(EVERY_KIND, folder, dirs_exist_ok=True)
    status, out, _ = tilt("alpha", "tiltfile-result")
    out = re.sub(r'"sinceTime": "[^"]*"', '"sinceTime": "NOW"', out.replace(str(folder.resolve()), "DIR"))
    found, wanted = json.loads(out), json.loads((EVERY_KIND / "result.json").read_text())
    found_yaml, wanted_yaml = split(found), split(wanted)
    digests = found.pop("Hashes"), wanted.pop("Hashes")
    assert status == 0
    assert found == wanted
    assert list(found) == list(wanted)
    assert found_yaml == wanted_yaml
    assert digests[0].keys() == digests[1].keys()


def test_the_digests_are_of_the_tiltfile_and_of_all_files_that_were_executed(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("load('lib.star', 'x')\nprint('hi')\n")
    (folder / "lib.star").write_text("x = 1\n")
    assert json.loads(tilt("alpha", "tiltfile-result").out)["Hashes"] == {
        "TiltfileSHA256": "34ff5d878854d8d7377cc538acf4b79ca31683bb6d832442ede3b989e6a891c1",
        "AllFilesSHA256": "50493719ec4c4d8470d860e5fd7e06960961a32fbef2f4c66086247f103d4f77",
    }


def test_a_tiltfile_that_fails_has_exit_code_5_and_its_log(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("print('before')\nlocal_resource()\n")
    status, out, error = tilt("alpha", "tiltfile-result")
    assert (status, out) == (5, "")
    assert "before\n" in error
    assert error.endswith("Error in local_resource: local_resource: missing argument for name\n")


def test_the_log_is_shown_where_it_is_asked_for(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("print('said')\n")
    assert tilt("alpha", "tiltfile-result").error == ""
    assert "said\n" in tilt("alpha", "tiltfile-result", "-v").error


def test_a_missing_tiltfile_is_named(tilt: Tilt, folder: Path):  # noqa: ARG001 - the folder is entered
    status, _, error = tilt("alpha", "tiltfile-result", "-f", "none")
    assert status == 1
    assert "No Tiltfile found at paths" in error


def test_calls_are_timed(tilt: Tilt, folder: Path):
    (folder / "Tiltfile").write_text("local('sleep 0.05')\nlocal_resource('a', 'true', deps=['x'])\n")
    lines = tilt("alpha", "tiltfile-result", "-b").out.splitlines()
    shapes = [re.sub(r"[0-9.]+", "N", line) for line in lines]
    assert shapes[0] == '- local("sleep N") took Nms'
    assert shapes[1].startswith('- local_resource("a", "true") took N')
    assert shapes[2].startswith("Tiltfile execution took N")
    slow = tilt("alpha", "tiltfile-result", "-b", "--dur-threshold", "40ms").out.splitlines()
    assert [line.partition(" took")[0] for line in slow] == ['- local("sleep 0.05")', "Tiltfile execution"]


def test_objects_of_the_api_are_listed_by_kind(tilt: Tilt, folder: Path):
    (folder / "ext" / "hello").mkdir(parents=True)
    (folder / "ext" / "hello" / "Tiltfile").write_text("x = 1\n")
    (folder / "Tiltfile").write_text(
        f"v1alpha1.extension_repo(name='mine', url='file://{folder}/ext', load_host='m', labels={{'a': 'b'}})\n"
        "load('ext://m/hello', 'x')\n"
    )
    found = json.loads(tilt("alpha", "tiltfile-result").out)
    assert found["ObjectSet"] == {
        "tilt.dev/v1alpha1, Resource=extensionrepos": {
            "mine": {
                "metadata": {"name": "mine", "labels": {"a": "b"}},
                "spec": {"url": f"file://{folder}/ext", "loadHost": "m"},
                "status": {"lastFetchedAt": None},
            }
        },
        "tilt.dev/v1alpha1, Resource=extensions": {
            "m_hello": {
                "metadata": {"name": "m_hello", "annotations": {"tilt.dev/managed-by": "tiltfile.loader"}},
                "spec": {"repoName": "mine", "repoPath": "hello"},
                "status": {},
            }
        },
    }
    assert not any(path.endswith("tilt_extensions.lock") for path in found["ConfigFiles"])


def test_a_custom_deploy_is_shown_with_its_commands_and_what_its_live_update_brings(tilt: Tilt, folder: Path):
    (folder / ".git").mkdir()
    (folder / "Tiltfile").write_text(
        "k8s_custom_deploy('a', 'make', ['rm', 'x'], deps=['.'], container_selector='c', apply_env={'A': '1'},\n"
        "    live_update=[fall_back_on('f'), sync('s', '/s')])\n"
    )
    (resource,) = json.loads(tilt("alpha", "tiltfile-result").out)["Manifests"]
    (image,), target = resource["ImageTargets"], resource["DeployTarget"]
    root = str(folder)
    assert target["applyCmd"] == {"args": ["sh", "-c", "make"], "dir": root, "env": ["A=1"]}
    assert target["deleteCmd"] == {"args": ["rm", "x"], "dir": root, "env": None}
    assert target["restartOn"] == {"fileWatches": ["a:apply"]}
    assert target["FileWatchIgnores"] == [{"basePath": root, "patterns": ["s", "f"]}, {"basePath": f"{root}/.git"}]
    assert image["selector"] == "k8s_custom_deploy:a"
    assert image["LiveUpdateSpec"]["selector"] == {"kubernetes": {"discoveryName": "", "containerName": "c"}}
    assert image["BuildDetails"] == {
        "ref": "",
        "args": ["sh", "-c", ":"],
        "outputMode": "remote",
        "Deps": [root],
    }


def test_resources_are_printed_as_a_tree(tilt: Tilt, served: Session):
    served.do(lambda made: made.add("e2e", after=("web", "db")))
    out = tilt("alpha", "tree-view").out
    assert out.startswith("Tiltfile: ")
    assert "\n├── db (not started)\n│   └── e2e (not started)\n└── web (not started)\n" in out
    assert out.endswith("\n---\nResources: 3 total, 3 pending\n")
    assert tilt("alpha", "tree-view", "--blockers").out == "No blocked resources found. All resources are OK.\n"


def test_what_is_no_alpha_any_more_is_still_there(tilt: Tilt, served: Session):
    assert tilt("alpha", "get", "uiresource", "web", "-o", "name").out == "uiresource.tilt.dev/web\n"
    assert tilt("alpha", "api-resources").out == tilt("api-resources").out
    del served


def test_a_shell_needs_a_container(tilt: Tilt, served: Session):
    assert "resource x not found" in tilt("alpha", "shell", "x").error
    assert "runs in no cluster" in tilt("alpha", "shell", "web").error
    del served


def test_updog_says_what_to_do_instead(tilt: Tilt):
    assert "tilt apply -f a.yaml" in tilt("alpha", "updog", "-f", "a.yaml").error
