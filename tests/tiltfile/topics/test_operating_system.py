import pytest

from pytilt.testing.project import Project


def printed(tmp_path, script, **environ):
    project = Project(tmp_path, {"Tiltfile": f"{script}\n", "here": ""})
    result = project.evaluate("a", subcommand="alpha", environ=environ)
    assert result.error is None or result.error.startswith("You specified some"), result.error
    return project.log.partition("\n")[2]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("os.path.join('a', '/b', '..', 'c')", "a/c"),
        ("os.path.join()", ""),
        ("os.path.basename('/a/b/')", "b"),
        ("os.path.basename('')", "."),
        ("os.path.basename('/')", "/"),
        ("os.path.dirname('/a/b/')", "/a/b"),
        ("os.path.dirname('a')", "."),
        ("os.path.dirname('/')", "/"),
        ("os.path.relpath('/a/b', '/a/c')", "../b"),
        ("os.path.relpath('x/y', 'x')", "y"),
        ("os.path.exists('here'), os.path.exists('nope')", "True False"),
        ("os.name", "posix"),
        ("shlex.quote('a b'), shlex.quote(\"a'b\"), shlex.quote(''), shlex.quote('a-b')", "'a b' 'a'\"'\"'b' '' a-b"),
        ("sys.argv", '["tilt", "alpha", "a"]'),
        ("os", "[module: os]"),
        ("os.path", "[module: os.path]"),
    ],
)
def test_paths_and_words_are_as_tilt_makes_them(tmp_path, expression, value):
    assert printed(tmp_path, f"print({expression})") == f"{value}\n"


def test_paths_are_relative_to_the_file(tmp_path):
    script = "print(os.getcwd(), os.path.abspath('x/../y'), os.path.realpath('here'))"
    assert printed(tmp_path, script) == f"{tmp_path} {tmp_path}/y {tmp_path}/here\n"


def test_the_environment_is_read_and_changed_in_every_way(tmp_path):
    script = (
        "print(os.getenv('A'), os.environ['A'], os.getenv('B'), os.getenv('B', 1), os.environ.get('B', 2))\n"
        "os.putenv('B', 'x')\n"
        "os.environ['C'] = 'y'\n"
        "os.unsetenv('A')\n"
        "print('A' in os.environ, os.environ['B'], os.getenv('C'))\n"
        "print(local('echo $A$B$C', quiet=True, echo_off=True))"
    )
    assert printed(tmp_path, script, A="a") == "a a None 1 2\nFalse x y\nxy\n\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("os.environ['A'] = 1", "putenv() value must be a string, not int"),
        ("os.path.join('a', 1)", "os.path.join() only accepts strings. Argument #1: 1"),
        ("os.path.realpath('nope')", "lstat ROOT/nope: no such file or directory"),
        ("os.path.relpath('a')", "Rel: can't make a relative to ROOT"),
        ("os.getcwd(1)", "os.getcwd: got 1 arguments, want"),
    ],
)
def test_a_wrong_call_is_explained(tmp_path, script, message):
    assert message in Project(tmp_path, {"Tiltfile": script}).error()
