import pytest

from pytilt.testing.project import Project

HELM = """#!/bin/sh
if [ "$1" = version ]; then echo "${HELM_VERSION:-v3.16.1+g5a5449d}"; exit; fi
cat <<END
---
# Source: c/templates/a.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: "$*"}
---
# Source: c/templates/tests/b.yaml
apiVersion: v1
kind: Pod
metadata: {name: test}
END
"""
KUSTOMIZE = """#!/bin/sh
echo "apiVersion: v1"
echo "kind: ConfigMap"
echo "metadata: {name: '$*'}"
"""


def project(tmp_path, script, **files):
    """A project with programs of its own in `bin`."""
    made = Project(tmp_path, {"Tiltfile": f"{script}\nlocal_resource('a', 'a')\n", **files})
    for name, text in (("helm", HELM), ("kustomize", KUSTOMIZE)):
        made.write(f"bin/{name}", text).chmod(0o755)
    return made


def evaluate(made, **environ):
    return made.evaluate(environ={"PATH": f"{made.path('bin')}:/usr/bin:/bin", **environ})


def names(made, **environ):
    """The names of the objects that the Tiltfile renders."""
    result = evaluate(made, **environ)
    assert result.error is None, result.error
    return made.log.splitlines()[-1]


PRINT = "print([o['metadata'] for o in decode_yaml_stream({})])"


def test_a_chart_is_rendered_without_its_tests(tmp_path):
    script = PRINT.format(
        "helm('c', name='n', values='v.yaml', set=['a=b', 'c=d'], kube_version='1.30', skip_crds=True)"
    )
    made = project(tmp_path, script, **{"c/Chart.yaml": ""})
    words = f"template n {made.path('c')} --kube-version 1.30 --values v.yaml --set a=b --set c=d"
    assert names(made) == f'[{{"name": "{words}"}}]'


def test_objects_of_a_chart_get_the_namespace(tmp_path):
    made = project(tmp_path, PRINT.format("helm('c', namespace='ns')"), **{"c/Chart.yaml": ""})
    words = f"template chart {made.path('c')} --namespace ns --include-crds"
    assert names(made) == f'[{{"name": "{words}", "namespace": "ns"}}]'


def test_a_chart_its_values_and_its_local_subcharts_are_config_files(tmp_path):
    files = {"c/Chart.yaml": "", "c/requirements.yaml": "dependencies: [{repository: 'file://../sub'}]\n"}
    made = project(tmp_path, "helm('c', values=['v.yaml'])", **files)
    assert {made.path("c"), made.path("v.yaml"), str(tmp_path.parent / "sub")} < set(evaluate(made).config_files)


@pytest.mark.parametrize(
    ("script", "version", "message"),
    [
        ("helm('no')", "", 'Could not read Helm chart directory "ROOT/no": does not exist'),
        ("helm('Tiltfile')", "", 'helm() may only be called on directories with Chart.yaml: "ROOT/Tiltfile"'),
        ("helm('c')", "v2.17", 'could not parse Helm version from string: "v2.17'),
    ],
)
def test_a_chart_that_cannot_be_rendered_is_explained(tmp_path, script, version, message):
    made = project(tmp_path, script, **{"c/Chart.yaml": ""})
    error = evaluate(made, HELM_VERSION=version).error
    assert message.replace("ROOT", str(made.root)) in str(error)


def test_without_helm_the_hint_is_to_install_it(tmp_path):
    made = Project(tmp_path, {"Tiltfile": "helm('c')", "c/Chart.yaml": ""})
    error = made.evaluate(environ={"PATH": made.path("nowhere")}).error
    assert "Unable to find Helm installation. Make sure `helm` is on your $PATH." in str(error)


def test_without_kustomize_and_kubectl_the_hint_is_to_install_it(tmp_path):
    made = Project(tmp_path, {"Tiltfile": "kustomize('k')", "k/kustomization.yaml": ""})
    error = made.evaluate(environ={"PATH": made.path("nowhere")}).error
    assert "Unable to find `kustomize`, nor `kubectl`" in str(error)


def test_a_kustomization_is_rendered_and_its_files_are_watched(tmp_path):
    files = {
        "k/kustomization.yaml": """
            resources: [a.yaml, ../base, https://example.com/x.yaml]
            patches: [{path: p.yaml}, {patch: inline}]
            configMapGenerator: [{name: c, files: [f.txt, key=g.txt], envs: [e.env]}]
            """,
        "base/kustomization.yml": "resources: [b.yaml]\n",
    }
    made = project(tmp_path, PRINT.format("kustomize('k', flags=['--x'])"), **files)
    assert names(made) == '[{"name": "build --x k"}]'
    wanted = ["k/kustomization.yaml", "k/a.yaml", "k/p.yaml", "k/f.txt", "k/g.txt", "k/e.env", "base/b.yaml"]
    assert {made.path(name) for name in wanted} < set(evaluate(made).config_files)


def test_a_kustomization_must_be_there(tmp_path):
    made = project(tmp_path, "kustomize('k')", **{"k/x": ""})
    assert "resolving deps: unable to find one of " in str(evaluate(made).error)


def test_several_kustomizations_in_one_directory_are_an_error_with_its_place(tmp_path):
    made = project(tmp_path, "kustomize('k')", **{"k/kustomization.yaml": "", "k/kustomization.yml": ""})
    error = str(evaluate(made).error)
    assert f"{made.tiltfile}:1:10: in <toplevel>" in error
    assert f"resolving deps: Found multiple kustomization files under: {made.path('k')}" in error


def test_without_kustomize_kubectl_renders_and_a_line_says_so(tmp_path):
    made = project(tmp_path, PRINT.format("kustomize('k')"), **{"k/kustomization.yaml": ""})
    (tmp_path / "bin/kustomize").rename(tmp_path / "bin/kubectl")
    result = made.evaluate(environ={"PATH": f"{made.path('bin')}:/bin"})
    assert result.error is None
    assert "Falling back to `kubectl kustomize` since `kustomize` was not found in PATH\n" in made.log
    assert made.log.splitlines()[-1] == '[{"name": "kustomize k"}]'
