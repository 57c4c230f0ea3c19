"""What helm and kustomize rendered is kept by content."""

from pathlib import Path

import pytest

from pytilt.testing.project import Project, run_local
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.rendered import kustomization_inputs
from pytilt.tiltfile.running.request import EvaluationRequest, Host

TOOL = """#!/bin/sh
if [ "$1" = version ]; then echo v3.16.1; exit; fi
echo "$1" >> {root}/runs
printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {{name: x}}\\n'
"""


class Memory:
    """Keeps by key, in memory."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, ...], bytes] = {}

    def find(self, kind: str, *parts: str) -> bytes | None:
        return self.kept.get((kind, *parts))

    def keep(self, data: bytes, kind: str, *parts: str) -> None:
        self.kept[kind, *parts] = data


class Rendering:
    """A project that renders a chart and a kustomization by programs that count their runs."""

    def __init__(self, root: Path, tiltfile: str) -> None:
        self.project = Project(
            root,
            {
                "Tiltfile": f"{tiltfile}\n",
                "c/Chart.yaml": "name: c\n",
                "c/templates/a.yaml": "a\n",
                "v.yaml": "v: 1\n",
                "k/kustomization.yaml": "resources: [r.yaml]\n",
                "k/r.yaml": "r\n",
            },
        )
        for name in ("helm", "kustomize"):
            self.project.write(f"bin/{name}", TOOL.format(root=root)).chmod(0o755)
        self.cache = Memory()

    def runs(self) -> int:
        """Evaluate, and count how often a program ran so far."""
        environ = {"PATH": f"{self.project.path('bin')}:/usr/bin:/bin"}
        request = EvaluationRequest(path=str(self.project.tiltfile), context=None, environ=environ)
        host = Host(log=lambda *_, **__: None, run_local=run_local, cache=self.cache)
        result = evaluate(request, host)
        assert result.error is None, result.error
        runs = self.project.root / "runs"
        return len(runs.read_text().splitlines()) if runs.exists() else 0


@pytest.mark.parametrize(
    ("tiltfile", "changed"),
    [
        ("k8s_yaml(helm('c', values='v.yaml'))", "c/templates/a.yaml"),
        ("k8s_yaml(helm('c', values='v.yaml'))", "c/templates/new.yaml"),
        ("k8s_yaml(helm('c', values='v.yaml'))", "v.yaml"),
        ("k8s_yaml(kustomize('k'))", "k/r.yaml"),
        ("k8s_yaml(kustomize('k'))", "bin/kustomize"),
    ],
)
def test_a_program_runs_again_only_when_something_changed_that_it_reads(tmp_path: Path, tiltfile: str, changed: str):
    rendering = Rendering(tmp_path, tiltfile)
    assert rendering.runs() == 1
    assert rendering.runs() == 1
    path = tmp_path / changed
    path.write_text((path.read_text() if path.exists() else "") + "# more\n")
    assert rendering.runs() == 2
    assert rendering.runs() == 2


def test_other_arguments_are_another_result_and_flags_are_not_kept(tmp_path: Path):
    rendering = Rendering(tmp_path, "k8s_yaml(helm('c', set='a=1'))")
    assert rendering.runs() == 1
    rendering.project.write("Tiltfile", "k8s_yaml(helm('c', set='a=2'))\n")
    assert rendering.runs() == 2
    rendering.project.write("Tiltfile", "k8s_yaml(kustomize('k', flags=['--enable-helm']))\n")
    assert (rendering.runs(), rendering.runs()) == (3, 4)


@pytest.mark.parametrize("text", ["resources: [https://x/y]", "helmCharts: []", "resources: [missing]\nopenapi: {}"])
def test_what_may_read_something_else_is_rendered_every_time(tmp_path: Path, text: str):
    (tmp_path / "kustomization.yaml").write_text(text)
    assert kustomization_inputs(str(tmp_path)) is None
