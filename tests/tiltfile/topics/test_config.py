import pytest

from pytilt.testing.project import Project

DEFINED = """
config.define_string_list('to-run', args=True)
config.define_string('name', usage='who')
config.define_bool('fast')
config.define_object('more')
cfg = config.parse()
"""


def project(tmp_path, script, **files):
    return Project(tmp_path, {"Tiltfile": script, **files})


@pytest.mark.parametrize(
    ("args", "settings"),
    [
        ([], "{}"),
        (["a", "b"], '{"to-run": ["a", "b"]}'),
        (["--name", "x", "--fast", "a"], '{"name": "x", "fast": True, "to-run": ["a"]}'),
        (["--name=x=y", "--fast=false"], '{"name": "x=y", "fast": False}'),
        (["--", "--name"], '{"to-run": ["--name"]}'),
        (["--more", '{"a": [1]}'], '{"more": {"a": [1.0]}}'),
    ],
)
def test_settings_are_given_on_the_command_line(tmp_path, args, settings):
    written = project(tmp_path, f"{DEFINED}print(cfg)\nlocal_resource('x', 'x')\n")
    assert written.evaluate(*args).error is None
    assert f"\n{settings}\n" in written.log


def test_the_command_line_goes_before_the_file(tmp_path):
    file = '{"name": "file", "to-run": ["x"], "fast": null}'
    written = project(tmp_path, f"{DEFINED}print(cfg)\nlocal_resource('x', 'x')\n", **{"tilt_config.json": file})
    declared = written.declare("--name", "line")
    assert '{"name": "line", "to-run": ["x"]}' in written.log
    assert written.path("tilt_config.json") in declared.config_files


THREE = "local_resource('a', 'x', resource_deps=['b'])\nlocal_resource('b', 'x')\nlocal_resource('c', 'x')\n"


@pytest.mark.parametrize(
    ("script", "args", "enabled"),
    [
        ("", [], ["a", "b", "c"]),
        ("", ["a"], ["a", "b"]),
        ("config.set_enabled_resources(['c'])", ["a"], ["c"]),
        ("config.set_enabled_resources([])", [], ["a", "b", "c"]),
        ("config.clear_enabled_resources()", ["a"], []),
        ("config.define_string_list('x', args=True)\nconfig.parse()", ["a"], ["a", "b", "c"]),
    ],
)
def test_what_runs_is_what_was_asked_for_and_what_it_needs(tmp_path, script, args, enabled):
    assert list(project(tmp_path, f"{THREE}{script}\n").declare(*args).enabled) == enabled


def test_uncategorized_objects_always_run(tmp_path):
    files = {"d.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cm}\n"}
    written = project(tmp_path, f"{THREE}k8s_yaml('d.yaml')", **files)
    assert written.declare("c").enabled == ("c", "uncategorized")


def test_the_command_and_the_place_are_known(tmp_path):
    written = project(
        tmp_path, "include('sub/Tiltfile')", **{"sub/Tiltfile": "print(config.main_dir, config.main_path)"}
    )
    written.evaluate(subcommand="ci")
    assert written.log.endswith(f"\n{written.root} {written.tiltfile}\n")


@pytest.mark.parametrize(
    ("script", "args", "message"),
    [
        ("config.define_string('')", [], "'name' is required"),
        ("config.define_string('a')\nconfig.define_bool('a')", [], "a defined multiple times"),
        (
            "config.define_string('a', args=True)\nconfig.define_string('b', args=True)",
            [],
            "both b and a are defined as positional args",
        ),
        (
            "config.parse()\nconfig.define_string('a')",
            [],
            "config.define_string cannot be called after config.parse is called",
        ),
        ("config.parse()\ninclude('sub/T')", [], "config.parse can only be called from one Tiltfile working directory"),
        (
            "config.parse()",
            ["x"],
            'invalid Tiltfile config args: positional CLI args ("x") were specified, but none were expected.',
        ),
        (DEFINED, ["--nope"], "invalid Tiltfile config args: unknown flag: --nope\nUsage:\n      --fast"),
        (DEFINED, ["--name"], "flag needs an argument: --name"),
        (
            DEFINED,
            ["--name", "a", "--name", "b"],
            "string settings can only be specified once. multiple values found (last value: b)",
        ),
        (
            "config.define_string('a', args=True)\nconfig.parse()",
            ["x", "y"],
            (
                "ROOT/Tiltfile:2:13: in <toplevel>\n    config.parse()\n                ^\n"
                "Error in config.parse: invalid Tiltfile config args: invalid positional args (a): string settings can "
                "only be specified once. multiple values found (last value: y)"
            ),
        ),
        (DEFINED, ["--fast=x"], 'invalid argument "x" for "--fast" flag'),
        (DEFINED, ["--more", "{"], 'decoding JSON, got "{"'),
        (
            THREE,
            ["zz"],
            'could not be found: "zz"\nIs this a typo? Existing resources in Tiltfile: "a", "b", "c"',
        ),
        (
            "config.set_enabled_resources([1])",
            [],
            "resources must be a list of string: '1' is of type int, not a string",
        ),
    ],
)
def test_a_wrong_setting_says_what_tilt_says(tmp_path, script, args, message):
    assert message in project(tmp_path, script, **{"sub/T": "config.parse()"}).error(*args)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"nope": 1}', "ROOT/tilt_config.json specified unknown setting name 'nope'"),
        ('{"name": 1}', "ROOT/tilt_config.json specified invalid value for setting name: expected string, found float"),
        ('{"fast": 1}', "invalid value for setting fast: expected bool, found float"),
        ('{"to-run": "x"}', "invalid value for setting to-run: expected array"),
        ('{"to-run": [1]}', "invalid value for setting to-run: expected string, got float"),
        ("{", "error parsing json from ROOT/tilt_config.json: "),
        ("[1]", "error parsing json from ROOT/tilt_config.json: expected an object, found "),
    ],
)
def test_a_wrong_file_of_settings_is_explained(tmp_path, text, message):
    assert message in project(tmp_path, DEFINED, **{"tilt_config.json": text}).error()


def test_a_file_of_settings_that_cannot_be_read_is_an_error_of_its_own(tmp_path):
    error = project(tmp_path, DEFINED, **{"tilt_config.json/x": ""}).error()
    assert (
        "Error in config.parse: error opening ROOT/tilt_config.json: read ROOT/tilt_config.json: is a directory"
        in error
    )
