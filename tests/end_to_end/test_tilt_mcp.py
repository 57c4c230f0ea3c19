import json
import os
from pathlib import Path

import pytest

from pytilt.settings import Settings
from tests.end_to_end.mcp_server import install, mcp_server
from tests.end_to_end.sessions import TILT


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return install(tmp_path_factory.mktemp("tilt-mcp") / "venv", Settings.from_environment().environ)


@pytest.mark.slow
@pytest.mark.timeout(600)  # it is installed from PyPI
def test_a_language_model_sees_resources_and_logs_through_tilt_mcp(program, tilt_alone, tmp_path):
    tilt = tilt_alone({"Tiltfile": "local_resource('hello', cmd='echo hello there', labels=['type'])"})
    path = os.pathsep.join((str(Path(TILT).parent), tilt.environ.get("PATH", os.defpath)))
    with tilt.up() as session:
        session.settles("hello")
        with mcp_server(program, {**tilt.environ, "PATH": path, "HOME": str(tmp_path)}) as server:
            found = {each["name"]: each for each in json.loads(server.call("get_all_resources"))}
            assert found["(Tiltfile)"]["updateStatus"] == "ok"
            assert found["hello"] == {
                "name": "hello",
                "type": "type",
                "status": "not_applicable",
                "updateStatus": "ok",
            }
            logs = json.loads(server.call("get_resource_logs", resource_name="hello", tail=1))["logs"]
            assert logs == "hello there"
            assert "not found in Tilt" in server.call("get_resource_logs", resource_name="nobody")
