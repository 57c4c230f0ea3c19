import pytest

from tests.cli.conftest import Tilt


@pytest.mark.parametrize("choice", ["in", "out", "default"])
def test_scripts_that_opt_out_go_on(tilt: Tilt, choice: str):
    ended = tilt("analytics", "opt", choice)
    assert (ended.status, ended.out) == (0, "")
    assert ended.error == f"`opt {choice}` changes nothing here: nothing is sent to anybody\n"
