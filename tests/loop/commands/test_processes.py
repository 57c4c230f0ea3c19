from pytilt.loop.commands.processes import command_process, command_processes, ending
from pytilt.model.commands import Command
from tests.loop.declaring import command


def test_a_process_is_started_in_the_directory_of_its_command():
    request = command_process(command("make", "/p/web"), {})
    assert (request.argv, request.dir) == (("sh", "-c", "make"), "/p/web")


def test_commands_without_variables_of_their_own_share_one_environment():
    request = command_processes({"A": "session"})
    assert request(command("make", "/p")).env is request(command("true", "/p/web")).env


def test_its_environment_is_the_sessions_with_what_tilt_adds_and_its_own():
    own = Command(argv=("make",), dir="/p", env=(("B", "own"),))
    env = dict(command_process(own, {"A": "session", "LINES": "50"}).env)
    assert env == {"A": "session", "B": "own", "LINES": "50", "COLUMNS": "80", "PYTHONUNBUFFERED": "1"}


def test_an_ending_is_named_as_tilt_names_it():
    assert (ending(3), ending(-9)) == ("exit status 3", "signal 9")
