import pytest

from pytilt.testing.project import Project


def test_directories_are_listed_sorted_and_watched_only_as_a_whole(tmp_path):
    script = """
        print([os.path.basename(f) for f in listdir('d')])
        print([os.path.relpath(f) for f in listdir('e', recursive=True)], listdir('nope'))
        local_resource('a', 'a')
        """
    project = Project(tmp_path, {"Tiltfile": script, "d/b": "", "d/a": "", "d/s/c": "", "e/y/z": "", "e/x": ""})
    declared = project.declare()
    assert project.log.endswith('\n["a", "b"]\n["e/x", "e/y/z"] []\n')
    assert project.path("e") in declared.config_files
    assert project.path("d") not in declared.config_files


def test_a_file_or_directory_can_be_watched(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "watch_file('d')\nwatch_file('f')\nlocal_resource('a', 'a')", "d/x": ""})
    assert {project.path("d"), project.path("f")} < set(project.declare().config_files)


def test_looking_for_a_file_does_not_watch_it(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "os.path.exists('f')\nlocal_resource('a', 'a')"})
    assert project.path("f") not in project.declare().config_files


def test_a_missing_file_is_watched_and_may_have_a_default(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "local_resource('a', str(read_file('f', default='echo')))"})
    declared = project.declare()
    assert project.path("f") in declared.config_files


def test_a_repository_names_its_files(tmp_path):
    script = "r = local_git_repo('r')\nprint(r.paths('a/b'), r)\nlocal_resource('a', 'a', deps=[r])"
    project = Project(tmp_path, {"Tiltfile": script, "r/.git/HEAD": ""})
    assert project.resource("a").files[0].paths == (project.path("r"),)
    assert f"{project.path('r/a/b')} [git.Repo] '{project.path('r')}'" in project.log


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("read_file('no')", "open ROOT/no: no such file or directory"),
        ("read_file('.')", "read ROOT: is a directory"),
        ("read_file('\\0')", 'invalid path "\\x00": it holds a null byte'),
        ("read_file(3)", "read_file: for parameter paths: expected path | string. Actual type: int"),
        ("blob(3)", "blob: for parameter input: got int, want string"),
        ("local_git_repo('.')", "ROOT isn't a valid git repo: it doesn't have a .git/ directory"),
        ("local_git_repo('no')", "Reading paths ROOT/no: stat ROOT/no: no such file or directory"),
    ],
)
def test_a_wrong_call_says_what_tilt_says(tmp_path, script, message):
    assert message in Project(tmp_path, {"Tiltfile": script}).error()
