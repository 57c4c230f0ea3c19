"""Sessions beside each other: each has its own port, and commands find that of their project."""

import json
import shutil

from tests.end_to_end.conftest import InFolder
from tests.end_to_end.sessions import until

FILES = {"Tiltfile": "local_resource('web', 'cat file', deps=['file'])\n", "file": "hello\n"}
WITHOUT_PORT = {"TILT_PORT": ""}


def test_a_session_in_the_background_is_found_asked_and_ended(tilt_alone: InFolder):
    tilt = tilt_alone(FILES, environ=WITHOUT_PORT)
    started = tilt.run("up", "-d")
    try:
        assert started.code == 0
        assert "Tilt started on http://localhost:" in started.output
        found = json.loads(tilt.run("sessions", "-o", "json").output)
        assert [(each["project"], each["command"]) for each in found] == [(str(tilt.project.root), "up")]
        assert tilt.run("wait", "--for=condition=Ready", "uiresource/web").code == 0
        assert "hello" in tilt.run("logs", "web").output
        again = tilt.run("up", "--stream")
        assert (again.code, "a session of this project runs already" in again.output) == (1, True)
        assert f"the session of {tilt.project.root} has ended" in tilt.run("down").output
        assert tilt.run("sessions").output == "no session runs\n"
    finally:
        tilt.run("stop", "--all")


def test_a_session_whose_state_directory_was_removed_is_found_again(tilt_alone: InFolder):
    tilt = tilt_alone(FILES, environ=WITHOUT_PORT)
    assert tilt.run("up", "-d").code == 0
    try:
        shutil.rmtree(tilt.environ["TILT_DEV_DIR"])
        assert tilt.run("sessions").output == "no session runs\n"
        until(lambda: "web" in tilt.run("get", "uiresources").output, "the session")
        assert f"the session of {tilt.project.root} has ended" in tilt.run("stop").output
    finally:
        tilt.run("stop")


def test_what_keeps_a_session_in_the_background_from_starting_is_printed(tilt_alone: InFolder):
    tilt = tilt_alone({"Tiltfile": ""}, environ=WITHOUT_PORT)
    ended = tilt.run("up", "-d", "--host", "203.0.113.1")
    assert (ended.code, "Tilt cannot listen on 203.0.113.1:10350" in ended.output) == (1, True)


def test_a_trigger_answers_for_what_is_on_disk(tilt_alone: InFolder):
    tilt = tilt_alone(FILES, environ=WITHOUT_PORT)
    assert tilt.run("up", "-d").code == 0
    try:
        tilt.save("file", "changed\n")
        done = tilt.run("trigger", "web", "--wait", "--json")
        (found,) = json.loads(done.output)
        assert (done.code, found["result"], found["fresh"], found["strategy"]) == (0, "ok", True, "command")
        assert "changed" in found["log"]
        (tilt.project.root / "file").unlink()
        failed = tilt.run("trigger", "web", "--wait")
        assert (failed.code, failed.output.startswith("web: failed")) == (1, True)
    finally:
        tilt.run("stop")
