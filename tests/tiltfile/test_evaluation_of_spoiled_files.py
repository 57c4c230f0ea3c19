"""Whatever the files of a project hold: it is evaluated or refused. `scripts/fuzz_tiltfiles.py` tries more."""

from hypothesis import HealthCheck, given, settings

from pytilt.dialect import Builtin
from tests.tiltfile.fuzzing import check_project, parameters_of, projects
from tests.tiltfile.test_universe import members

FUNCTIONS = parameters_of({name: value for name, value in members() if isinstance(value, Builtin)})


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(projects(FUNCTIONS))
def test_whatever_a_project_holds_it_is_evaluated_or_refused(tmp_path_factory, files):
    check_project(tmp_path_factory.getbasetemp() / "fuzzed", files)
