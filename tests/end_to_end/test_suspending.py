"""ctrl-Z: the display gives the terminal back to the shell, as any program does."""

from tests.end_to_end.sessions import TILT, served, until
from tests.end_to_end.terminal import shell

TILTFILE = "local_resource('web', serve_cmd='echo up; exec sleep 600')\n"


def test_the_display_is_suspended_and_comes_back(tilt_alone, tmp_path):
    tilt = tilt_alone({"Tiltfile": TILTFILE})
    with shell(tilt, folder=tmp_path) as shown:
        shown.type(f"{TILT} up")
        shown.shows("RESOURCE", "web", "serving")
        shown.press("C-z")
        shown.shows("the session is stopped", "Stopped")
        shown.type("stty -a | grep -o ' echo ' && echo restored")
        shown.until(lambda: "\nrestored" in shown.screen, "a terminal that echoes")
        shown.type("bg")
        until(lambda: served(int(tilt.environ["TILT_PORT"])), "the session in the background")
        assert "RESOURCE" not in shown.screen
        shown.type("fg")
        shown.shows("RESOURCE", "serving")
        shown.press("C-z")
        shown.shows("the session is stopped")
        shown.type("fg")
        shown.shows("RESOURCE", "serving")
        shown.press("q")
        shown.until(lambda: "RESOURCE" not in shown.screen, "the shell")


def test_a_session_that_goes_on_in_the_background_is_ended(tilt_alone, tmp_path):
    tilt = tilt_alone({"Tiltfile": TILTFILE})
    with shell(tilt, folder=tmp_path) as shown:
        shown.type(f"{TILT} up")
        shown.shows("RESOURCE", "web", "serving")
        shown.press("C-z")
        shown.shows("the session is stopped")
        shown.type("bg")
        until(lambda: served(int(tilt.environ["TILT_PORT"])), "the session in the background")
        assert "has ended" in tilt.run("stop").output
        shown.type("wait; jobs; echo none left")
        shown.until(lambda: "\nnone left" in shown.screen, "the end of the job")


def test_a_display_that_is_attached_leaves_its_session_alone(tilt_alone, tmp_path):
    tilt = tilt_alone({"Tiltfile": TILTFILE})
    assert tilt.run("up", "-d").code == 0
    try:
        with shell(tilt, folder=tmp_path) as shown:
            shown.type(f"{TILT} hud")
            shown.shows("RESOURCE", "web", "serving")
            shown.press("C-z")
            shown.shows("the session goes on", "Stopped")
            assert served(int(tilt.environ["TILT_PORT"]))
            shown.type("fg")
            shown.shows("RESOURCE", "serving")
    finally:
        tilt.run("stop")
