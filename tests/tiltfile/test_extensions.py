from pathlib import Path

import pytest

from pytilt.extensions.repositories import Checkout
from pytilt.model.extensions import UsedExtension
from pytilt.testing.project import Project, run_local
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationRequest, Host
from pytilt.tiltfile.used_extensions import used_extensions

HELLO = """
    def hello(name):
        return 'hello ' + name
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path, {})
    made.write("extensions/hello/Tiltfile", HELLO)
    return made


def with_default(text: str, **more: str) -> str:
    """A Tiltfile that takes its extensions from the folder `extensions` beside it."""
    fields = "".join(f", {name}='{value}'" for name, value in more.items())
    return f"v1alpha1.extension_repo(name='default', url='file://' + config.main_dir + '/extensions'{fields})\n{text}"


@pytest.mark.parametrize(
    "text",
    [
        "load('ext://hello', 'hello')\nlocal_resource(hello('x'), 'true')",
        "found = load_dynamic('ext://hello')\nlocal_resource(found['hello']('x'), 'true')",
    ],
)
def test_an_extension_is_loaded_by_its_name(project: Project, text: str):
    project.write("Tiltfile", with_default(text))
    assert [each.name for each in project.declare().resources] == ["hello x"]


@pytest.mark.parametrize("who", ["me:pass%2Fword1", "ghp_0123456789abcdefghij"])
def test_what_lets_somebody_into_a_repository_is_not_shown(tmp_path: Path, who: str):
    url = f"https://{who}@example.com/x"
    text = f"v1alpha1.extension_repo(name='own', url='{url}')\nprint('{url}')\nlocal_resource('a', 'echo {url}')"
    project = Project(tmp_path, {"Tiltfile": text})
    result = project.evaluate()
    secret = who.rpartition(":")[2]
    assert (secret, "[redacted extension_repo:own]") in result.secrets
    assert secret not in project.log
    assert "[redacted extension_repo:own]@example.com" in project.log


def added(plural: str, name: str, **spec: str | list[str]) -> UsedExtension:
    return UsedExtension(plural=plural, name=name, spec=spec, added=True)


def test_what_clients_add_runs_beside_the_tiltfile_and_fails_alone(project: Project):
    project.write("Tiltfile", "local_resource('own', 'true')")
    project.write(
        "extensions/one/Tiltfile", "config.define_string('name')\nlocal_resource(config.parse()['name'], 'true')"
    )
    project.write("extensions/twice/Tiltfile", "local_resource('own', 'true')")
    project.write("extensions/bad/Tiltfile", "fail('no')")
    repo = added("extensionrepos", "here", url=f"file://{project.root}/extensions")
    extensions = [added("extensions", name, repoName="here", repoPath=name) for name in ("twice", "bad", "away")]
    one = added("extensions", "one", repoName="here", repoPath="one", args=["--name=of-one"])
    lost = added("extensions", "lost", repoName="nowhere", repoPath="x")
    wrong = added("extensionrepos", "wrong", url="ftp://x")
    result = project.evaluate(added=(one, *extensions, lost, wrong, repo))
    assert result.declaration is not None
    assert [each.name for each in result.declaration.resources] == ["own", "of-one"]
    assert {name for _, name in result.failures} == {"twice", "bad", "away", "lost", "wrong"}
    assert "extension twice declares a resource that is there already: own" in result.failures["extensions", "twice"]
    assert project.path("extensions/bad/Tiltfile") in result.config_files
    used = {each.name: each for each in used_extensions(result, (one, repo))}
    assert (used["one"].added, used["one"].error, used["one"].path) == (
        True,
        "",
        project.path("extensions/one/Tiltfile"),
    )
    assert (used["bad"].added, used["bad"].error.splitlines()[-1]) == (False, "Error in fail: no")


def test_an_extension_is_included(project: Project):
    project.write("extensions/one/Tiltfile", "local_resource('one', 'true')")
    project.write("Tiltfile", with_default("include('ext://one')"))
    assert [each.name for each in project.declare().resources] == ["one"]


def test_an_extension_finds_its_own_files_and_loads_others(project: Project):
    project.write(
        "extensions/deep/Tiltfile", "load('ext://hello', 'hello')\nload('./more.star', 'more')\nx = hello(more)"
    )
    project.write("extensions/deep/more.star", "more = str(read_file('name.txt'))")
    project.write("extensions/deep/name.txt", "deep")
    project.write("Tiltfile", with_default("load('ext://deep', 'x')\nlocal_resource(x, 'true')"))
    result = project.declare()
    assert [each.name for each in result.resources] == ["hello deep"]
    assert project.path("extensions/deep/name.txt") in result.config_files


def test_a_repository_is_chosen_by_its_load_host(project: Project):
    project.write("ours/team/web/Tiltfile", "name = 'ours'")
    project.write(
        "Tiltfile",
        """
        v1alpha1.extension_repo(name='ours', url='file://' + config.main_dir + '/ours', load_host='ours.example')
        load('ext://ours.example/team/web', 'name')
        local_resource(name, 'true')
        """,
    )
    assert [each.name for each in project.declare().resources] == ["ours"]


def test_a_registered_extension_may_have_another_name_than_its_folder(project: Project):
    project.write(
        "Tiltfile",
        with_default(
            "v1alpha1.extension(name='greeting', repo_name='default', repo_path='hello')\n"
            "load('ext://greeting', 'hello')\nlocal_resource(hello('x'), 'true')"
        ),
    )
    assert [each.name for each in project.declare().resources] == ["hello x"]


def test_a_registered_extension_that_nothing_loads_runs_as_a_tiltfile_of_its_own(project: Project):
    project.write("extensions/tool/Tiltfile", "config.define_string('n')\nlocal_resource(config.parse()['n'], 'true')")
    project.write(
        "Tiltfile",
        with_default(
            "v1alpha1.extension(name='tool', repo_name='default', repo_path='tool', args=['--n', 'given'])\n"
            "local_resource('mine', 'true')"
        ),
    )
    declaration = project.declare()
    assert [each.name for each in declaration.resources] == ["mine", "given"]
    assert set(declaration.enabled) == {"mine", "given"}
    assert project.path("extensions/tool/Tiltfile") in declaration.config_files


def test_a_subfolder_of_a_repository_may_hold_the_extensions(project: Project):
    project.write("extensions/below/there/Tiltfile", "fail('here')")
    project.write(
        "Tiltfile",
        "v1alpha1.extension_repo(name='default', url='https://git.example/a', git_subpath='below')\n"
        "load('ext://there', 'name')",
    )
    assert "Error in fail: here" in error_with_checkout(project)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("load('ext://none', 'x')", "no extension tiltfile found at ROOT/extensions/none/Tiltfile"),
        ("load('ext://helo', 'x')", "hint: did you mean `hello`?"),
        ("load('ext://../outside', 'x')", "invalid repo path: ../outside"),
        ("v1alpha1.extension_repo(name='default', url='file:///other')", 'extensionrepos "default" already registered'),
        (
            "v1alpha1.extension(name='a')\nv1alpha1.extension(name='a', repo_path='b')",
            'extensions "a" already registered',
        ),
        ("v1alpha1.extension(name='broken', repo_name='default', repo_path='none')", "no extension tiltfile found"),
        ("load('ext://hello', 'bye')", "bye"),
        (
            "v1alpha1.extension_repo(name='a', url='ftp://x')",
            'spec.url: Invalid value: "ftp://x": URLs must start with',
        ),
        ("v1alpha1.extension_repo(name='a', url='file://x')", "file:// URLs must be absolute"),
        ("v1alpha1.extension_repo(name='a', url='file:///x', git_subpath='b')", 'spec.git_subpath: Invalid value: "b"'),
        (
            "v1alpha1.extension(name='a', repo_name='nope', repo_path='a')\nload('ext://a', 'x')",
            (
                "ROOT/Tiltfile:3:1: in <toplevel>\n    load('ext://a', 'x')\n    ^\n"
                "Error: cannot load ext://a: loading extension a: extension repo not found: nope\nhint: register it"
            ),
        ),
    ],
)
def test_what_cannot_be_loaded_says_why(project: Project, text: str, expected: str):
    project.write("Tiltfile", with_default(f"{text}\nlocal_resource('a', 'true')"))
    assert expected in project.error()


def test_an_extension_that_runs_by_itself_and_fails_is_named_with_its_own_trace(project: Project):
    project.write("extensions/tool/Tiltfile", "fail('no tool')")
    project.write("Tiltfile", with_default("v1alpha1.extension(name='t', repo_name='default', repo_path='tool')"))
    error = project.error()
    assert error.startswith(
        "loading extension t: Traceback (most recent call last):\n  ROOT/extensions/tool/Tiltfile:1:5"
    )
    assert error.endswith("\nError in fail: no tool")


def test_a_name_that_both_declare_is_refused(project: Project):
    project.write("extensions/tool/Tiltfile", "local_resource('mine', 'true')")
    project.write(
        "Tiltfile",
        with_default(
            "v1alpha1.extension(name='tool', repo_name='default', repo_path='tool')\nlocal_resource('mine', 'true')"
        ),
    )
    assert "declares a resource that is there already: mine" in project.error()


def test_a_link_that_leads_out_of_a_fetched_repository_is_refused(project: Project):
    project.write("outside", "x = 1")
    for name, target in (("evil", "../../outside"), ("fine", "../hello/Tiltfile")):
        (project.root / "extensions" / name).mkdir()
        (project.root / "extensions" / name / "Tiltfile").symlink_to(target)

    def error(name: str) -> str:
        project.write("Tiltfile", f"include('ext://{name}')\nlocal_resource('a', 'true')")
        return error_with_checkout(project)

    assert "is a link that leads out of its repository" in error("evil")
    assert error("fine") == ""


def error_with_checkout(project: Project) -> str:
    """Why the Tiltfile fails where every repository is the folder `extensions`; empty where it does not."""
    request = EvaluationRequest(path=str(project.tiltfile))
    checkout = Checkout(path=project.path("extensions"), commit="c", tree="t")
    host = Host(log=project._log, run_local=run_local, checkout=lambda *_: checkout)
    return evaluate(request, host).error or ""
