"""The display as a person has it: in a terminal, by keys."""

import re
import signal
from pathlib import Path

import pytest

from tests.end_to_end.engine_side import EngineSide
from tests.end_to_end.sessions import served, until
from tests.end_to_end.terminal import terminal

MORTAL = r"""
ENTRYPOINT ["sh", "-c", "httpd -p 8000 -h /srv; until [ -e /end ]; do sleep 0.1; done; echo the fruit is gone; exit 3"]
"""
"""A server that ends at a request; the next one starts by itself."""


LINTED = r"File Changed: \[web/style.css\].*web/cgi-bin/index.cgi: good"


@pytest.fixture
def browser(tmp_path):
    """A program in the place of a browser: it fetches the page and writes down what it was given."""
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    program.chmod(0o755)
    return program


def dot(screen, name):
    """The dot in the row of a resource."""
    found = re.search(rf"^..(\S) {re.escape(name)}[ !]", screen, re.MULTILINE)
    return found[1] if found else ""


def test_the_shop_in_the_display(tilt_on_cluster, new_port, browser, kubectl, namespace, tmp_path):
    tilt, port = tilt_on_cluster(example="shop", environ={"BROWSER": str(browser)}), new_port()
    tilt.edit("Tiltfile", "8200:", f"{port}:")
    tilt.save("catalog/Dockerfile", (tilt.project.root / "catalog/Dockerfile").read_text() + MORTAL)
    names = ("catalog", "cart", "settings", "lint", "web", "(Tiltfile)")
    with terminal(tilt, "up", folder=tmp_path) as shown:
        shown.until(lambda: all(dot(shown.screen, name) == "●" for name in names), "green dots")
        shown.shows("5 ok", namespace)

        pod = kubectl("get", "pods", "-n", namespace, "-l", "app=catalog", "-o", "name").strip()
        kubectl("exec", "-n", namespace, pod, "--", "touch", "/end")
        shown.shows("the fruit is gone")
        shown.until(lambda: re.search(r"catalog .* 1 auto", shown.line("● catalog")), "a green dot after a restart")

        tilt.edit("web/style.css", "{", "{ /* changed */")
        shown.until(lambda: re.search(r"web .* live \d+ ms", shown.line("● web")), "a live update")
        shown.until(lambda: re.search(LINTED, shown.screen, re.DOTALL), "lint")
        shown.until(lambda: dot(shown.screen, "lint") == "●", "an end of all updates: one would be asked about")

        shown.press("End", "k", "k", "Right")
        shown.shows("▼ ● web", "web/style.css")
        shown.press("B")
        shown.shows("open web")
        shown.press("j", "Enter")
        opened = tmp_path / "opened"
        shown.until(lambda: opened.exists() and f"localhost:{port}" in opened.read_text(), "the browser")
        assert "/* changed */" in served(port, "/style.css")

        shown.resize(80, 24)
        shown.until(lambda: "ENDPOINTS" not in shown.screen and "RECENT" in shown.screen, "fewer columns")
        shown.press("Q")
        shown.until(lambda: shown.ended, "the end")
        assert shown.exit_code == 0
    deployed = kubectl("get", "deployments", "-n", namespace, "-o", "name")
    assert all(f"/{name}\n" in deployed for name in ("catalog", "cart", "web"))


def test_the_shop_in_the_display_without_a_cluster(tilt_on_engine, new_port, engine_host, tmp_path):
    tilt, port = tilt_on_engine(example="shop"), new_port()
    tilt.edit("Tiltfile", "8200:", f"{port}:")
    tilt.save("catalog/Dockerfile", (tilt.project.root / "catalog/Dockerfile").read_text() + MORTAL)
    side = EngineSide(engine_host, str(tilt.project.root))
    names = ("catalog", "cart", "settings", "lint", "web", "(Tiltfile)")
    with terminal(tilt, "up", folder=tmp_path) as shown:
        shown.until(lambda: all(dot(shown.screen, name) == "●" for name in names), "green dots")
        shown.shows("5 ok", "engine/default")
        (catalog,) = (name for name in side.containers("default-catalog") if name.endswith("-0"))
        side.run_in(catalog, "touch", "/end")
        shown.shows("the fruit is gone")
        shown.until(lambda: re.search(r"catalog .* 1 auto", shown.line("● catalog")), "a green dot after a restart")
        tilt.edit("web/style.css", "{", "{ /* changed */")
        shown.until(lambda: re.search(r"web .* live \d+ ms", shown.line("● web")), "a live update")
        assert "/* changed */" in served(port, "/style.css")
        shown.until(lambda: re.search(LINTED, shown.screen, re.DOTALL), "lint")
        shown.until(lambda: dot(shown.screen, "lint") == "●", "an end of all updates: one would be asked about")
        shown.press("Q")
        shown.until(lambda: shown.ended, "the end")
    assert all(side.containers(f"default-{name}") for name in ("catalog", "cart", "web"))


LOCAL = {"Tiltfile": "local_resource('hello', cmd='echo hello', serve_cmd='exec sleep 1000')\n"}


def test_a_session_elsewhere_is_shown_and_goes_on_when_the_display_is_left(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    with tilt.up() as session:
        session.settles("hello")
        with terminal(tilt, "hud", folder=tmp_path, columns=80, rows=24) as shown:
            shown.shows("● hello", "serving", "1 ok")
            shown.press("Space")
            shown.until(lambda: len(session.updates("hello")) == 2, "an update")
            shown.press("q")
            shown.until(lambda: shown.ended, "the end")
            assert shown.exit_code == 0
        assert session.is_settled("hello")


def test_two_terminals_are_attached_to_a_session_and_end_with_it(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    assert "does not answer" in tilt.run("attach").output
    tilt.ok("up", "-d")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with terminal(tilt, "attach", folder=tmp_path / "a") as one, terminal(tilt, "attach", folder=tmp_path / "b") as two:
        one.shows("● hello", "serving")
        two.shows("● hello", "serving")
        two.resize(60, 12)
        two.until(lambda: max(map(len, two.screen.splitlines())) <= 60 and "hello" in two.screen, "the smaller display")
        two.press("q")
        two.until(lambda: two.ended, "the end")
        one.press("Space")
        one.shows("command")
        assert "hello" in tilt.ok("get", "uiresources")
        tilt.ok("stop")
        one.until(lambda: one.ended, "the end")
        assert "the session has ended" in one.printed
        assert [one.exit_code, two.exit_code] == [0, 0]


def test_ctrl_c_ends_the_session_and_all_it_started(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    with terminal(tilt, "up", folder=tmp_path) as shown:
        shown.shows("● hello")
        shown.press("C-c")
        shown.until(lambda: shown.ended, "the end")
        assert shown.exit_code == 0
        assert "Traceback" not in shown.printed


@pytest.mark.parametrize("words", [("up", "--stream"), ("up", "--hud=false")])
def test_the_log_is_printed_instead_when_that_is_asked_for(tilt_alone, tmp_path, words):
    tilt = tilt_alone(LOCAL)
    with terminal(tilt, *words, folder=tmp_path) as shown:
        shown.shows("hello │ hello")
        assert "RESOURCE" not in shown.screen
        shown.press("C-c")
        shown.until(lambda: shown.ended, "the end")


def test_a_terminal_that_cannot_show_it_is_refused_with_a_hint(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    with terminal(tilt, "hud", folder=tmp_path, kind="dumb") as shown:
        shown.until(lambda: shown.ended, "the end")
        assert shown.exit_code == 1
        assert 'does not work with TERM="dumb"' in shown.printed
        assert "tilt up --stream" in shown.printed


def test_nothing_is_left_behind_when_the_terminal_is_closed(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    with terminal(tilt, "up", folder=tmp_path) as shown:
        shown.shows("● hello")
        (display,) = shown.displays()
    until(lambda: not Path(f"/proc/{display}").exists(), "the display to end")


def test_the_display_ends_with_the_session_it_belongs_to(tilt_alone, tmp_path):
    tilt = tilt_alone(LOCAL)
    with terminal(tilt, "up", folder=tmp_path) as shown:
        shown.shows("● hello")
        shown.signal(signal.SIGTERM)
        shown.until(lambda: shown.ended, "the end")
        assert "RESOURCE" not in shown.screen
