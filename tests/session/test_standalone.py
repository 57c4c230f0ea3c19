from pathlib import Path

import pytest

from pytilt.session.project import SessionProject, find_project
from pytilt.session.standalone import evaluate_once
from pytilt.settings import Settings
from pytilt.tiltfile.running.request import EvaluationResult


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionProject:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("TILT_DEV_DIR", str(tmp_path / "state"))
    (tmp_path / "Tiltfile").write_text("")
    return find_project(Settings.from_environment(), str(tmp_path / "Tiltfile"), (), context=None, namespace=None)


def evaluated(project: SessionProject, tiltfile: str) -> tuple[EvaluationResult, str]:
    log: list[str] = []
    Path(project.tiltfile).write_text(tiltfile)
    return evaluate_once(project, "check", lambda text, **_: log.append(text)), "".join(log)


def test_commands_run_when_the_tiltfile_runs_them(project: SessionProject):
    result, log = evaluated(project, "print(local('echo hi; cat', stdin='in', quiet=True))\nprint(local('pwd'))\n")
    assert result.error is None
    assert "hi\nin\n" in log
    assert project.root in log


def test_a_command_that_fails_is_an_error_of_the_tiltfile(project: SessionProject):
    result, _ = evaluated(project, "local('exit 3')")
    assert "exit status 3" in str(result.error)


def test_a_file_that_a_command_wrote_is_read_anew(project: SessionProject):
    result, log = evaluated(
        project, "local('echo 1 > f')\nprint(read_file('f'))\nlocal('echo 2 > f')\nprint(read_file('f'))\n"
    )
    assert result.error is None
    assert "1\n\n" in log
    assert "2\n\n" in log


def test_what_was_made_of_a_file_is_found_again_and_an_edited_one_is_made_anew(project: SessionProject):
    text = "x = [i for i in range(3)]\ndef f():\n  return x\nprint(f())\n"
    assert [evaluated(project, text)[1].splitlines()[-1] for _ in range(2)] == ["[0, 1, 2]", "[0, 1, 2]"]
    assert evaluated(project, text.replace("3", "4"))[1].splitlines()[-1] == "[0, 1, 2, 3]"
    errors = [evaluated(project, "\n\nfail('no')\n")[0].error for _ in range(2)]
    assert errors[0] == errors[1]
    assert "Tiltfile:3:5: in <toplevel>" in str(errors[0])


def test_long_yaml_is_kept_but_no_secret(project: SessionProject):
    objects = [
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{n}}}\ndata: {{k: {'x' * 100}}}\n---\n"
        for n in range(250)
    ]
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hidden-value}\n"
    Path(project.root, "a.yaml").write_text("".join(objects))
    Path(project.root, "b.yaml").write_text("".join(objects) + secret)
    for _ in range(2):
        result, _ = evaluated(project, "k8s_yaml('a.yaml')\nk8s_yaml('b.yaml', allow_duplicates=True)\n")
        assert result.declaration is not None
        assert len(result.declaration.resources[0].deploy.objects) == 501
    kept = list(Path(project.settings.state_dir, "code").iterdir())
    assert [path.name.partition("-")[0] for path in kept].count("yaml") == 1
    assert not any(b"hidden-value" in path.read_bytes() for path in kept)
