"""Charts that are rendered beside the script, and what waits for them."""

import pytest

from pytilt.testing.project import Project, run_local
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationRequest, Host

HELM = """#!/bin/sh
if [ "$1" = version ]; then echo v3.16.1; exit; fi
name=$(basename "$3")
echo "start $name" >> ROOT/events
. ROOT/steps
[ -e ROOT/$name.fails ] && { echo "no $name" >&2; exit 3; }
printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}\\n' "$name"
[ -e ROOT/$name.yaml ] && cat ROOT/$name.yaml
echo "end $name" >> ROOT/events
"""
AT_THE_SAME_TIME = """
touch ROOT/runs.$name
for _ in $(seq 1000); do [ -e ROOT/runs.a ] && [ -e ROOT/runs.b ] && break; sleep 0.01; done
[ -e ROOT/runs.a ] && [ -e ROOT/runs.b ] || exit 9
"""
A_ENDS_LAST = "[ $name = a ] && for _ in $(seq 1000); do [ -e ROOT/b.ends ] && break; sleep 0.01; done\n"
A_ENDS_LAST += "[ $name = b ] && touch ROOT/b.ends\n"


class Charts:
    """A project with the charts `a` and `b`, and a helm that writes down when it starts and ends."""

    def __init__(self, root, tiltfile, steps="", **files):
        self.project = Project(root, {"Tiltfile": tiltfile, **{f"{name}/Chart.yaml": "" for name in "ab"}, **files})
        for name, text in (("bin/helm", HELM), ("steps", steps)):
            self.project.write(name, text.replace("ROOT", str(self.project.root)) + "\n").chmod(0o755)
        self.log = ""

    def evaluate(self, **asked):
        environ = {"PATH": f"{self.project.path('bin')}:/usr/bin:/bin"}
        request = EvaluationRequest(path=str(self.project.tiltfile), context=None, environ=environ, **asked)
        return evaluate(request, Host(log=self._take, run_local=run_local))

    def _take(self, text, **_):
        self.log += text

    def events(self):
        path = self.project.root / "events"
        return path.read_text().splitlines() if path.exists() else []


def objects(result):
    assert result.error is None, result.error
    return [o["metadata"]["name"] for each in result.declaration.resources for o in each.deploy.objects]


@pytest.mark.parametrize(
    "tiltfile",
    [
        "k8s_yaml(helm('a'))\nk8s_yaml(helm('b'))",
        "k8s_yaml([helm('a'), helm('b')])",
        "a = helm('a')\nb = helm('b')\nk8s_yaml(blob(str(a) + '---\\n' + str(b)))",
        "a = helm('a')\nprint(read_file('steps'))\nk8s_yaml(a)\nk8s_yaml(filter_yaml(helm('b'))[0])",
    ],
)
def test_charts_that_are_not_needed_at_once_are_rendered_at_the_same_time(tmp_path, tiltfile):
    charts = Charts(tmp_path, tiltfile, AT_THE_SAME_TIME)
    assert objects(charts.evaluate()) == ["a", "b"]


@pytest.mark.parametrize("last", ["", "fail('later')", "nothing_of_the_kind[1]", "exit()", "local('touch ran')"])
def test_the_first_call_that_fails_is_the_error_whatever_comes_after_it(tmp_path, last):
    tiltfile = f"nothing_of_the_kind = 1\nk8s_yaml(helm('a'))\nprint('between')\nk8s_yaml(helm('b'))\n{last}"
    charts = Charts(tmp_path, tiltfile, A_ENDS_LAST, **{"a.fails": "", "b.fails": ""})
    at_once = Charts(tmp_path / "at-once", tiltfile, **{"a.fails": ""})
    error = charts.evaluate().error
    assert f"{tmp_path}/Tiltfile:2:14: in <toplevel>\n    k8s_yaml(helm('a'))\n                 ^\n" in error
    assert 'Error in helm: command "helm template chart ' in error
    assert "stderr:\nno a\n" in error
    assert error == at_once.evaluate(times_calls=True).error.replace("/at-once", "")
    assert "between" not in charts.log
    assert charts.log == at_once.log.replace("/at-once", "")
    assert not (tmp_path / "ran").exists()


def test_an_object_that_is_there_twice_is_the_error_of_the_second_call(tmp_path):
    tiltfile = "k8s_yaml(helm('a'))\nk8s_yaml('cm.yaml')\nk8s_yaml(helm('b'))\n"
    files = {"cm.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}
    error = Charts(tmp_path, tiltfile, **files).evaluate().error
    assert "Tiltfile:2:9: in <toplevel>" in error.splitlines()[1]
    assert "Error in k8s_yaml: Duplicate YAML: ConfigMap a\n" in error
    assert (
        f"YAML originally registered at: Traceback (most recent call last):\n    {tmp_path}/Tiltfile:1:9: in" in error
    )


def test_a_command_runs_when_the_charts_before_it_are_rendered(tmp_path):
    tiltfile = "k8s_yaml(helm('a'))\nlocal('echo local >> events', dir='.')\nk8s_yaml(helm('b'))"
    charts = Charts(tmp_path, tiltfile)
    assert objects(charts.evaluate()) == ["a", "b"]
    assert charts.events() == ["start a", "end a", "local", "start b", "end b"]


def test_the_form_of_2019_takes_the_objects_of_its_own_chart(tmp_path):
    pod = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"
    tiltfile = "k8s_yaml(helm('a'))\nk8s_resource('own', yaml=helm('b'))"
    result = Charts(tmp_path, tiltfile, **{"b.yaml": pod}).evaluate()
    found = {
        each.name: sorted(o["metadata"]["name"] for o in each.deploy.objects) for each in result.declaration.resources
    }
    assert found == {"own": ["b", "p"], "uncategorized": ["a"]}


@pytest.mark.parametrize("asked", ["all_errors", "times_calls"])
def test_nothing_runs_beside_the_script_where_calls_are_looked_at_one_by_one(tmp_path, asked):
    charts = Charts(tmp_path, "a = helm('a')\nb = helm('b')\nk8s_yaml([b, a])")
    assert objects(charts.evaluate(**{asked: True})) == ["b", "a"]
    assert charts.events() == ["start a", "end a", "start b", "end b"]


def test_a_chart_whose_text_nobody_wants_fails_all_the_same(tmp_path):
    charts = Charts(tmp_path, "helm('a')\nlocal_resource('x', 'x')", **{"a.fails": ""})
    assert "Error in helm: command " in charts.evaluate().error


def test_a_value_of_a_charts_secret_is_in_no_line_that_comes_after_it(tmp_path):
    secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {k: hunter2hunter2}\n"
    tiltfile = (
        "print('hunter2hunter2 before')\nk8s_yaml(helm('a'))\nprint('hunter2hunter2 after')\nwarn('hunter2hunter2')"
    )
    charts = Charts(tmp_path, tiltfile, **{"a.yaml": secret})
    result = charts.evaluate()
    assert "hunter2hunter2 before" in charts.log
    assert "[redacted secret s:k] after" in charts.log
    assert result.warnings == ("[redacted secret s:k]",)


def test_a_chart_is_rendered_with_the_environment_that_its_call_found(tmp_path):
    tiltfile = "os.putenv('V', '1')\na = helm('a')\nos.putenv('V', '2')\nk8s_yaml([a, helm('b')])"
    charts = Charts(tmp_path, tiltfile, 'echo "$name has $V" >> ROOT/variables')
    charts.evaluate()
    assert sorted((tmp_path / "variables").read_text().splitlines()) == ["a has 1", "b has 2"]
