"""Whatever the files of a project hold: it is evaluated or refused. `scripts/fuzz_tiltfiles.py` tries more."""

import pytest
from hypothesis import HealthCheck, given, settings

from pytilt.dialect import Builtin
from tests.tiltfile.fuzzing import GOOD_FILES, check_project, parameters_of, projects
from tests.tiltfile.test_universe import members

FUNCTIONS = parameters_of({name: value for name, value in members() if isinstance(value, Builtin)})


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(projects(FUNCTIONS))
def test_whatever_a_project_holds_it_is_evaluated_or_refused(tmp_path_factory, files):
    check_project(tmp_path_factory.getbasetemp() / "fuzzed", files)


LARGE = "x = 1 << 500\nfor i in range(6):\n    x = x * x\n"


@pytest.mark.parametrize(
    ("files", "error"),
    [
        ({"Tiltfile": "local_resource('a\udcac', 'x')"}, "may not contain bytes that are not UTF-8"),
        ({"Tiltfile": "docker_compose('dc.yaml')", "dc.yaml": "\udcff\udcff"}, "bytes that are not UTF-8"),
        ({"Tiltfile": "docker_compose('dc.yaml')", "dc.yaml": f"a: {'9' * 5000}"}, "failed to parse"),
        ({"Tiltfile": f"x = {'9' * 5000}"}, "int literal with more than 4000 digits"),
        ({"Tiltfile": f"{LARGE}print([x])"}, "too large to be written in decimal"),
        ({"Tiltfile": f"{LARGE}'a' * x"}, "too large to be written in decimal"),
        ({"Tiltfile": f"decode_json('{'9' * 5000}')"}, "value out of range"),
        ({"Tiltfile": f"k8s_yaml(blob('a: {'9' * 5000}'))"}, "has no `apiVersion`"),
    ],
)
def test_what_a_fuzzer_found_is_a_message_now(tmp_path, files, error):
    found = check_project(tmp_path / "project", {**GOOD_FILES, **files})
    assert error in (found.error or "")
