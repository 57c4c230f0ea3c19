import pytest

from pytilt.model.commands import Command, ExecAction, HttpGetAction, Probe, TcpSocketAction
from pytilt.model.files import Ignore
from pytilt.model.resources import LocalDeploy, TriggerMode
from pytilt.testing.project import Project


def project(tmp_path, script, **files):
    return Project(tmp_path, {"Tiltfile": script, **files})


def deploy(tmp_path, script):
    found = project(tmp_path, script).resource("a").deploy
    assert isinstance(found, LocalDeploy)
    return found


def test_commands_have_their_directories_and_environments(tmp_path):
    found = deploy(
        tmp_path,
        "local_resource('a', 'x', serve_cmd=['y', 'z'], dir='d', serve_dir='/s', env={'B': '2', 'A': '1'}, "
        "serve_env={'C': '3'})",
    )
    assert found.update == Command(argv=("sh", "-c", "x"), dir=str(tmp_path / "d"), env=(("A", "1"), ("B", "2")))
    assert found.serve == Command(argv=("y", "z"), dir="/s", env=(("C", "3"),))


def test_deps_are_watched_but_for_what_is_ignored(tmp_path):
    found = deploy(tmp_path, "local_resource('a', 'x', deps=['src', '/abs'], ignore=['*.o'])")
    assert found.files.paths == (str(tmp_path / "src"), "/abs")
    assert found.files.ignores == (Ignore(base=str(tmp_path), patterns=("*.o",)),)


@pytest.mark.parametrize(
    ("more", "parallel"), [("'x'", False), ("'x', allow_parallel=True", True), ("serve_cmd='x'", True)]
)
def test_a_resource_without_command_counts_as_parallel(tmp_path, more, parallel):
    assert deploy(tmp_path, f"local_resource('a', {more})").allow_parallel is parallel


def test_the_default_trigger_mode_counts_where_none_is_given(tmp_path):
    script = (
        "trigger_mode(TRIGGER_MODE_MANUAL)\n"
        "local_resource('a', 'x')\n"
        "local_resource('b', 'x', auto_init=False)\n"
        "local_resource('c', 'x', trigger_mode=TRIGGER_MODE_AUTO, auto_init=False)\n"
    )
    modes = [resource.trigger_mode for resource in project(tmp_path, script).declare().resources]
    assert modes == [TriggerMode.MANUAL, TriggerMode.MANUAL_NO_INIT, TriggerMode.AUTO_NO_INIT]


@pytest.mark.parametrize(
    ("written", "probe"),
    [
        ("probe(exec=exec_action(['a']))", Probe(exec=ExecAction(command=("a",)))),
        (
            "probe(1, 2, 3, 4, 5, tcp_socket=tcp_socket_action(9))",
            Probe(
                tcp_socket=TcpSocketAction(port=9),
                initial_delay_seconds=1,
                timeout_seconds=2,
                period_seconds=3,
                success_threshold=4,
                failure_threshold=5,
            ),
        ),
        (
            "probe(http_get=http_get_action(9, host='h', scheme='HTTPS', path='/p'))",
            Probe(http_get=HttpGetAction(port=9, host="h", scheme="https", path="/p")),
        ),
    ],
)
def test_a_server_may_have_a_probe(tmp_path, written, probe):
    assert deploy(tmp_path, f"local_resource('a', serve_cmd='x', readiness_probe={written})").readiness_probe == probe


def test_a_probe_without_server_is_ignored_with_a_warning(tmp_path):
    result = project(tmp_path, "local_resource('a', 'x', readiness_probe=probe(exec=exec_action([])))").evaluate()
    assert result.warnings == ('Ignoring readiness probe for local resource "a" (no serve_cmd was defined)',)


def test_test_is_a_local_resource_that_runs_beside_others(tmp_path):
    written = project(tmp_path, "test('a', 'x')")
    assert deploy(tmp_path, "test('a', 'x')").allow_parallel
    assert "test() is deprecated" in written.evaluate().warnings[0]


def test_local_logs_the_command_and_its_output_and_returns_it(tmp_path):
    written = project(tmp_path, "x = local('echo hi; echo err >&2')\nlocal_resource('a', str(x) + 'x')")
    written.evaluate()
    log = written.log
    assert log.startswith(f"Loading Tiltfile at: {written.tiltfile}\nlocal: echo hi; echo err >&2\n")
    assert " → hi\n" in log
    assert " → err\n" in log


def test_local_can_be_quiet_and_can_read(tmp_path):
    script = "print('got', local('cat; echo $A', quiet=True, echo_off=True, stdin='in-', env={'A': 'b'}))\nexit()"
    written = project(tmp_path, script)
    written.evaluate()
    assert written.log == f"Loading Tiltfile at: {written.tiltfile}\ngot in-b\n\n"


def test_a_command_that_says_nothing_is_noted(tmp_path):
    written = project(tmp_path, "local('true')")
    written.evaluate()
    assert written.log.endswith("local: true\n → [no output]\n")


def test_local_runs_in_the_environment_that_the_tiltfile_changed(tmp_path):
    written = project(tmp_path, "os.putenv('A', 'b')\nlocal('echo $A; pwd', dir='/')")
    written.evaluate()
    assert written.log.endswith(" → b\n → /\n")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("local_resource()", "local_resource: missing argument for name"),
        ("local_resource('a')", "local_resource must have a cmd and/or a serve_cmd, but both were empty"),
        (
            "local_resource('a/b', 'x')",
            "local_resource: for parameter name: invalid value \"a/b\": may not contain '/'",
        ),
        (
            "local_resource('a', 'x', labels='a/b')",
            'local_resource: for parameter "labels": Invalid label "a/b": a valid',
        ),
        (
            "local_resource('a', serve_cmd='x', dir='y')",
            "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?",
        ),
        ("local_resource('a', dir='y')", "local_resource: 'dir' specified but 'cmd' is empty"),
        ("local_resource('a', 'x', serve_dir='y')", "local_resource: 'serve_dir' specified but 'serve_cmd' is empty"),
        ("local_resource('a', 'x')\nlocal_resource('a', 'x')", 'local_resource named "a" already exists'),
        ("local_resource('a', 3)", "a command must be a string or list of strings. found int"),
        ("local_resource('a', 'x', env={'': 'b'})", 'environment has empty key for value "b"'),
        ("local_resource('a', 'x', env={'a': 1})", 'for parameter "env": value is not a string: int (1)'),
        (
            "local_resource('a', 'x', deps=[1])",
            "unpacking list item at index 0: expected path | string. Actual type: int",
        ),
        ("local_resource('a', 'x', auto_init=1)", 'local_resource: for parameter "auto_init": got int, want bool'),
        ("local_resource('a', 'x', links=[''])", 'for parameter "links": validating URL "": url empty'),
        ("probe()", "exactly one of exec, http_get, or tcp_socket must be specified"),
        ("probe(exec=1)", 'probe: for parameter "exec": got int, want ExecAction'),
        ("local('exit 3')", 'command "exit 3" failed.\nerror: exit status 3'),
        ("local('echo a; exit 3', quiet=True)", "error: exit status 3\nstdout:\na\n\nstderr:\n\n"),
    ],
)
def test_a_wrong_call_says_what_tilt_says(tmp_path, script, message):
    assert message in project(tmp_path, script).error()


def test_a_dependency_may_hold_each_update(tmp_path):
    script = "local_resource('b', 'x')\nlocal_resource('c', 'x')\nlocal_resource('a', 'x', resource_deps=[%s])"
    found = project(tmp_path, script % "'b', dep('c', on='each_update')").resource("a")
    assert (found.resource_deps, found.each_update) == (("b", "c"), ("c",))
    assert project(tmp_path / "plain", script % "dep('b')").resource("a").each_update == ()


def test_a_resource_may_wait_until_its_files_are_quiet(tmp_path):
    assert project(tmp_path, "local_resource('a', 'x', debounce='500ms')").resource("a").debounce_seconds == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("dep('b', on='always')", 'must be one of "start", "each_update"; got "always"'),
        ("local_resource('a', 'x', debounce='5m')", "must be between 0 and 60s; got 300s"),
        ("local_resource('a', 'x', debounce=5)", "Expected string. Got: int"),
        ("local_resource('a', 'x', debounce='5')", 'missing unit in duration "5"'),
        ("local_resource('a', 'x', resource_deps=[1])", "resource_deps"),
    ],
)
def test_a_wrong_wait_is_explained(tmp_path, call, message):
    assert message in project(tmp_path, call).error()
