import pytest

from pytilt.model.files import Ignore
from pytilt.model.resources import CiSettings, UpdateSettings
from pytilt.testing.project import Project
from tests.tiltfile.projects import config_map, secret


def declared(tmp_path, script, **files):
    return Project(tmp_path, {"Tiltfile": f"{script}\nlocal_resource('a', 'a')\n", **files}).declare()


def test_update_settings_keep_what_is_not_given(tmp_path):
    script = "update_settings(max_parallel_updates=5)\nupdate_settings(k8s_upsert_timeout_secs=60)"
    assert declared(tmp_path, script).updates == UpdateSettings(max_parallel_updates=5, apply_timeout_seconds=60)


def test_ci_settings_are_durations(tmp_path):
    script = "ci_settings(k8s_grace_period='1m30s', timeout='1.5h', readiness_timeout='0')"
    assert declared(tmp_path, script).ci == CiSettings(
        grace_period_seconds=90, timeout_seconds=5400, readiness_timeout_seconds=0
    )


def test_ignored_files_add_up(tmp_path):
    files = {".tiltignore": "# no\nlogs\n", "sub/T": "watch_settings(ignore='c')"}
    script = "watch_settings(ignore=['a', 'b'])\ninclude('sub/T')"
    assert declared(tmp_path, script, **files).ignores == (
        Ignore(base=str(tmp_path), patterns=("logs",)),
        Ignore(base=str(tmp_path), patterns=("a", "b")),
        Ignore(base=str(tmp_path / "sub"), patterns=("c",)),
    )


def test_scrubbing_secrets_can_be_switched_off(tmp_path):
    script = "k8s_yaml('s.yaml')\nsecret_settings(disable_scrub=True)"
    assert declared(tmp_path, script, **{"s.yaml": secret("s", "k", "long-enough")}).secrets == ()


def test_words_that_are_no_secrets_are_shown(tmp_path):
    script = "k8s_yaml(['s.yaml', 't.yaml'])\nsecret_settings(allow=['admin'])"
    files = {"s.yaml": secret("s", "k", "admin\n"), "t.yaml": secret("t", "k", "long-enough")}
    assert declared(tmp_path, script, **files).secrets == (("long-enough", "[redacted secret t:k]"),)


@pytest.mark.parametrize(
    "script",
    [
        "analytics_settings(True)",
        "experimental_metrics_settings(enabled=True)",
        "experimental_analytics_report({'1': '2'})",
        "experimental_telemetry_cmd('x')",
        "enable_feature('snapshots')",
        "disable_snapshots()",
        "set_team('x')",
        "docker_prune_settings(disable=True)",
        "version_settings(check_updates=False, constraint='>=0.37.0')",
    ],
)
def test_what_has_no_meaning_here_is_accepted(tmp_path, script):
    assert declared(tmp_path, script).resources


@pytest.mark.parametrize("call", ["enable_feature", "disable_feature"])
def test_every_feature_that_tilt_knows_is_known(tmp_path, call):
    known = ["cluster_refresh", "snapshots"]
    obsolete = [
        "bulk_disable_resources",
        "disable_resources",
        "events",
        "facets",
        "labels",
        "live_update_v2",
        "multiple_containers_per_pod",
        "offline_snapshot_creation",
        "update_history",
    ]
    script = "\n".join([*(f"{call}('{name}')" for name in (*known, *obsolete)), "local_resource('x', 'true')"])
    evaluation = Project(tmp_path, {"Tiltfile": script}).evaluate()
    assert evaluation.error is None
    assert list(evaluation.warnings) == [f"Obsolete feature flag: {name}" for name in obsolete]


def evaluate_in_prod(tmp_path, script):
    project = Project(tmp_path, {"Tiltfile": script, "d.yaml": config_map("cm")})
    return project.evaluate(context="prod", context_is_dev=False)


def test_a_context_that_may_be_production_is_not_deployed_to(tmp_path):
    assert evaluate_in_prod(tmp_path, "k8s_yaml('d.yaml')").error == (
        "Stop! prod might be production.\n"
        "If you're sure you want to deploy there, add:\n"
        "\tallow_k8s_contexts('prod')\n"
        "to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )


def test_no_command_runs_while_the_context_may_be_production(tmp_path):
    error = evaluate_in_prod(tmp_path, "local('true')").error
    assert "Error in local: Refusing to run 'local' because prod might be a production kube context.\n" in str(error)
    assert "before this function call in your Tiltfile." in str(error)


def test_a_context_can_be_allowed(tmp_path):
    assert evaluate_in_prod(tmp_path, "allow_k8s_contexts(['x', 'prod'])\nk8s_yaml('d.yaml')").error is None


def test_without_context_nothing_is_checked(tmp_path):
    project = Project(
        tmp_path, {"Tiltfile": "print(k8s_context(), k8s_namespace())\nk8s_yaml('d.yaml')", "d.yaml": config_map("x")}
    )
    assert project.evaluate(context=None, context_is_dev=False).error is None
    assert "\n default\n" in project.log


def test_a_project_without_kubernetes_needs_no_permission(tmp_path):
    assert evaluate_in_prod(tmp_path, "local_resource('a', 'a')").error is None


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("update_settings(max_parallel_updates=0)", "max number of parallel updates must be >= 1(got: 0)"),
        ("update_settings(k8s_upsert_timeout_secs=0)", "minimum k8s upsert timeout is 1s; got 0s"),
        (
            "update_settings(k8s_server_side_apply='x')",
            'k8s_server_side_apply must be "true", "false", or "auto"; got "x"',
        ),
        ("ci_settings(timeout='5')", 'ci_settings: for parameter "timeout": time: missing unit in duration "5"'),
        ("ci_settings(timeout='x')", 'time: invalid duration "x"'),
        (
            "version_settings(constraint='>=99.0.0')",
            "which doesn't match the version constraint specified in your Tiltfile",
        ),
        (
            "version_settings(constraint='abc')",
            'error parsing version constraint: Could not get version from string: "abc"',
        ),
        (
            "trigger_mode(TRIGGER_MODE_AUTO)\ntrigger_mode(TRIGGER_MODE_AUTO)",
            "It was already called at ROOT/Tiltfile:1:13",
        ),
        ("allow_k8s_contexts([3])", "allow_k8s_contexts contexts must be a string or a sequence of strings;"),
        ("enable_feature('zz')", "Unknown feature flag: zz"),
        ("set_team('')", "team_id cannot be empty"),
        ("docker_prune_settings(num_builds=1, interval_hrs=2)", "can't specify both 'prune every X builds' and"),
        ("link('')", 'validating URL "": url empty'),
    ],
)
def test_a_wrong_call_says_what_tilt_says(tmp_path, script, message):
    assert message in Project(tmp_path, {"Tiltfile": script}).error()


def test_an_object_that_is_applied_is_not_deployed_to_production_either(tmp_path):
    error = evaluate_in_prod(tmp_path, "v1alpha1.kubernetes_apply('x', yaml='kind: Pod')").error
    assert error is not None
    assert error.startswith("Stop! prod might be production.")


@pytest.mark.parametrize(
    ("tiltfile", "allowed"),
    [("", True), ("disable_snapshots()", False), ("disable_feature('snapshots')\nenable_feature('snapshots')", True)],
)
def test_snapshots_are_allowed_unless_they_are_switched_off(tmp_path, tiltfile, allowed):
    assert Project(tmp_path, {"Tiltfile": f"local_resource('a', 'x')\n{tiltfile}"}).declare().snapshots is allowed


def test_images_are_removed_by_a_session_where_the_tiltfile_says_something_of_it(tmp_path):
    def prune(call):
        return Project(tmp_path, {"Tiltfile": f"local_resource('a', 'x')\n{call}"}).declare().prune

    assert not prune("").automatic
    assert not prune("docker_prune_settings(disable=True)").automatic
    found = prune("docker_prune_settings(num_builds=5, max_age_mins=10)")
    assert (found.automatic, found.every_builds, found.max_age_seconds) == (True, 5, 600)
    assert prune("docker_prune_settings(interval_hrs=2)").every_seconds == 7200
