from pytilt.loop.commands.cmd_progress import CmdProgress
from pytilt.model.api.cmds import CmdStatus


def test_a_command_that_is_started_at_once_is_never_said_to_wait():
    said: list[CmdStatus] = []
    for waits in (True, False):
        progress = CmdProgress(said.append)
        with progress.running(waits=waits):
            progress.started(7)
            progress.ended(0)
    assert [
        next(name for name in ("waiting", "running", "terminated") if getattr(each, name) is not None) for each in said
    ] == ["waiting", "running", "terminated", "running", "terminated"]
