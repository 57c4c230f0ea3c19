import contextlib
import socket

from pytilt.demo.story import SHOP_PORT, set_the_stage
from pytilt.settings import Settings


def test_the_shop_is_copied_with_ports_that_are_free(tmp_path):
    with socket.create_server(("localhost", 0)) as taken:
        session = taken.getsockname()[1]
        stage = set_the_stage(Settings.from_environment({"TILT_PORT": str(session)}), tmp_path)
    assert stage.page.read_text().count("<h1>Shop</h1>") == 1
    assert f"port_forwards='{stage.port}:8000'" in (stage.shop / "Tiltfile").read_text()
    assert stage.settings.port not in (0, session)
    assert stage.settings.context == "engine"
    command = stage.command("up", "--stream")
    assert command.argv[-3:] == ("pytilt", "up", "--stream")
    assert command.dir == str(tmp_path / "shop")


def test_a_shop_that_runs_already_leaves_its_port_alone(tmp_path):
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # then somebody else has it, which is as good
            stack.enter_context(socket.create_server(("localhost", SHOP_PORT)))
        stage = set_the_stage(Settings.from_environment({}), tmp_path)
    assert stage.port != SHOP_PORT
    assert str(stage.port) in stage.url
