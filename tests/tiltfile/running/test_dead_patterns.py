import pytest

from pytilt.liveupdate.planning import ChangedFile, FallBack, plan_sync
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, deployment

FILES = {
    "Dockerfile": DOCKERFILE,
    "web/Dockerfile": DOCKERFILE,
    "web/package.json": "{}",
    "web/src/a.js": "",
    "web/node_modules/x.js": "",
    "d.yaml": deployment("web", "web"),
}


def warnings(tmp_path, script: str) -> tuple[str, ...]:
    project = Project(tmp_path, {**FILES, "Tiltfile": f"{script}\nlocal_resource('other', 'true')"})
    return project.declare().warnings


def image(argument: str) -> str:
    return f"docker_build('web', 'web', {argument})\nk8s_yaml('d.yaml')"


@pytest.mark.parametrize(
    ("script", "problem", "hint"),
    [
        (
            image("live_update=[sync('web', '/app'), run('npm i', trigger=['package.json'])]"),
            "trigger `package.json` can never match: it is `ROOT/package.json`, and only synced files count (`web`)",
            "write `trigger='web/package.json'`",
        ),
        (
            image("live_update=[sync('web/src', '/app'), run('npm i', trigger='web/package.json')]"),
            "run: trigger `web/package.json` can never match",
            "name a file that a `sync` covers",
        ),
        (
            image("live_update=[sync('web', '/app'), run('npm i', trigger='web/*.{json,lock}')]"),
            "run: trigger: `web/*.{json,lock}` can never match: braces are characters like any other",
            "write one pattern for each: `['web/*.json', 'web/*.lock']`",
        ),
        (
            image("live_update=[sync('web/src/*.js', '/app')]"),
            "sync: `web/src/*.js` names no file, and wildcards mean nothing here",
            "name the directory: `sync('web/src', '/app')`",
        ),
        (
            "watch_file('web/**/*.yaml')",
            "watch_file: `web/**/*.yaml` names no file, and wildcards mean nothing here",
            "name the directory: `watch_file('web')`",
        ),
        (
            "fast_build('web', 'Dockerfile').add('web/src/*.js', '/src')\nk8s_yaml('d.yaml')",
            "`web/src/*.js` names no file, and wildcards mean nothing here",
            "name the directory: `add('web/src', '/src')`",
        ),
        (
            image("ignore=['web/node_modules']"),
            "docker_build: ignore: `web/node_modules` matches nothing: it is `ROOT/web/web/node_modules`",
            "write `node_modules`: patterns are relative to `ROOT/web`",
        ),
        (
            image("ignore=['/node_modules']"),
            "`/node_modules` matches nothing: it is `/node_modules`",
            "write `node_modules`",
        ),
        (image("only=['web/src']"), "docker_build: only: `web/src` matches nothing", "write `src`"),
        (image("ignore=['!src']"), "docker_build: ignore: `!src` brings nothing back", "`ignore=['**', '!src']`"),
        (
            "custom_build('web', 'true', ['web'], ignore='web/node_modules')\nk8s_yaml('d.yaml')",
            "custom_build: ignore: `web/node_modules` matches nothing",
            "write `node_modules`",
        ),
        (
            "local_resource('a', 'true', deps=['web'], ignore=['node_modules'])",
            "local_resource: ignore: `node_modules` matches nothing: it is `ROOT/node_modules`",
            "write `web/node_modules`: patterns are relative to `ROOT`",
        ),
        (
            "local_resource('a', 'true', deps=['wbe/**/*.js'])",
            "local_resource: deps `wbe/**/*.js` names no file: there is no directory `ROOT/wbe`",
            "paths are relative to the directory of the Tiltfile",
        ),
        (
            "local_resource('a', 'true', deps=['web/src/*.{js,ts}'])",
            "local_resource: deps: `web/src/*.{js,ts}` can never match",
            "`['web/src/*.js', 'web/src/*.ts']`",
        ),
        (
            "local_resource('a', 'true', deps=['web/src'], ignore=['web'])",
            "local_resource: deps `web/src` starts no update: `ignore` covers it",
            "leave it out of `deps`",
        ),
        (
            "watch_settings(ignore='**/*.{log,tmp}')",
            "watch_settings: ignore: `**/*.{log,tmp}` can never match",
            "`['**/*.log', '**/*.tmp']`",
        ),
    ],
)
def test_a_pattern_that_can_never_match_is_named_with_what_to_write_instead(tmp_path, script, problem, hint):
    (warning,) = warnings(tmp_path, script)
    assert problem.replace("ROOT", str(tmp_path)) in warning
    assert warning.startswith(f"{tmp_path}/Tiltfile:1:")
    assert hint.replace("ROOT", str(tmp_path)) in warning.partition("\nhint: ")[2]


@pytest.mark.parametrize(
    "script",
    [
        image("live_update=[sync('web', '/app'), run('npm i', trigger=['web/package.json', '**/*.lock', '!web/x'])]"),
        image("live_update=[sync('web/src', '/app'), run('npm i', trigger='web')]"),
        image("live_update=[sync('web/package.json', '/app/'), run('npm i', trigger='web/*.json')]"),
        image("ignore=['node_modules', 'not-yet', '**/*.log', '*.tmp', '.git'], only=['src', 'later']"),
        image("ignore=['**', '!src']"),
        "local_resource('a', 'true', deps=['./**/*.js', 'later'], ignore=['**/node_modules', '.git'])",
        "watch_file('later.yaml')",
    ],
)
def test_patterns_that_match_or_may_match_are_not_warned_of(tmp_path, script):
    assert warnings(tmp_path, script) == ()


def test_fall_back_on_takes_wildcards(tmp_path):
    script = image("live_update=[fall_back_on(['web/*.json', 'web/src/**/*.lock']), sync('web', '/app')]")
    project = Project(tmp_path, {**FILES, "Tiltfile": script})
    rules = project.resource("web").images[0].live_update
    assert rules is not None
    for name, stops in (
        ("web/package.json", True),
        ("web/src/x/y.lock", True),
        ("web/src/a.js", False),
        ("web/a/b.json", False),
    ):
        plan = plan_sync([ChangedFile(path=project.path(name))], rules)
        assert isinstance(plan, FallBack) is stops
