import json

from tests.end_to_end.sessions import is_green
from tests.end_to_end.texts import SLEEPING

THREE = """
    local_resource('auto', cmd='cat word', deps=['word'])
    local_resource('manual', cmd='echo run', deps=['word'], trigger_mode=TRIGGER_MODE_MANUAL)
    local_resource('server', serve_cmd='sleep 1000', labels=['served'])
    """
POD_FILES = {"Tiltfile": "k8s_yaml('pod.yaml')\nk8s_resource('web')", "pod.yaml": SLEEPING}


def test_objects_are_shown_as_a_table_as_json_as_yaml_and_by_name(tilt_alone):
    tilt = tilt_alone({"Tiltfile": THREE, "word": "first"})
    with tilt.up() as session:
        session.settles("auto", "manual", "server")
        table = tilt.ok("get", "uiresources").splitlines()
        assert table[0].split() == ["NAME", "CREATED", "AT"]
        assert [line.split()[0] for line in table[1:]] == ["(Tiltfile)", "auto", "manual", "server"]
        row = json.loads(tilt.ok("get", "uiresource", "auto", "-o", "json"))
        assert (row["kind"], row["status"]["runtimeStatus"]) == ("UIResource", "not_applicable")
        assert tilt.ok("get", "uiresource/auto", "-o", "name") == "uiresource.tilt.dev/auto\n"
        assert "updateStatus: ok" in tilt.ok("get", "uiresource", "auto", "-o", "yaml")
        labelled = tilt.ok("get", "uiresources", "-l", "served=served", "-o", "name")
        assert labelled == "uiresource.tilt.dev/server\n"
        unknown = tilt.run("get", "uiresource", "nobody")
        assert (unknown.code, "nobody" in unknown.output) == (1, True)


def test_waiting_ends_with_the_condition_or_with_the_time(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "local_resource('slow', cmd='cat gate', deps=['gate'])"})
    with tilt.up() as session:
        session.fails("slow")
        late = tilt.run("wait", "--for=condition=UpToDate", "uiresource/slow", "--timeout", "1ms")
        assert late.code == 124
        assert "timed out waiting for the condition on uiresources/slow" in late.output
        with tilt.start("wait", "--for=condition=UpToDate", "uiresource/slow") as waiting:
            tilt.save("gate", "open")
            waiting.says("uiresource.tilt.dev/slow condition met")
            assert waiting.ended() == 0
        assert "condition met" in tilt.ok("wait", "--for=condition=Ready", "uiresource", "slow")


def test_a_trigger_updates_what_waits_for_one(tilt_alone):
    tilt = tilt_alone({"Tiltfile": THREE, "word": "first"})
    with tilt.up() as session:
        session.settles("auto", "manual", "server")
        tilt.save("word", "second")
        session.says("│ second")
        session.until(lambda: session.rows()["manual"].get("hasPendingChanges"), "a change that waits")
        assert session.counts()["manual"] == 1
        assert tilt.ok("trigger", "manual") == 'Successfully triggered update for resource: "manual"\n'
        session.until(lambda: session.counts()["manual"] == 2, "the update")
        session.settles("manual")
        unknown = tilt.run("trigger", "nobody")
        assert (unknown.code, unknown.output) == (1, 'Error: (404): resource "nobody" does not exist\n')


def test_a_trigger_with_nothing_to_do_deploys_anew(tilt_on_cluster):
    tilt = tilt_on_cluster(POD_FILES)
    with tilt.up() as session:
        session.settles("web")
        uid = session.pods("web")[0]["uid"]
        tilt.ok("trigger", "web")
        session.says("Force update")
        session.until(lambda: session.counts()["web"] == 2 and session.is_settled("web"), "the update")
        assert session.pods("web")[0]["uid"] != uid


def test_what_is_disabled_leaves_the_cluster_and_comes_back_enabled(tilt_on_cluster, kubectl, namespace):
    tilt = tilt_on_cluster(POD_FILES)

    def pods():
        return kubectl("get", "pods", "-n", namespace, "-o", "name")

    with tilt.up() as session:
        session.settles("web")
        assert tilt.ok("disable", "web") == ""
        session.until(lambda: not pods(), "the deletion")
        status = session.rows()["web"]["disableStatus"]
        assert status["state"] == "Disabled"
        refused = tilt.run("trigger", "web")
        assert refused.code == 1
        assert 'resource "web" is currently disabled' in refused.output
        assert tilt.ok("enable", "web") == ""
        session.settles("web")
        assert pods() == "pod/web\n"


def test_enabling_nobody_is_refused(tilt_alone):
    refusals = {
        ("enable",): "must specify at least one resource",
        ("disable", "nobody"): 'no such resource "nobody"',
        ("enable", "(Tiltfile)"): "(Tiltfile) cannot be enabled or disabled",
    }
    tilt = tilt_alone({"Tiltfile": "local_resource('a', cmd='true')"})
    with tilt.up() as session:
        session.settles("a")
        for words, message in refusals.items():
            refused = tilt.run(*words)
            assert refused.code == 1
            assert refused.output.startswith(f"Error: {message}\n")


def test_other_arguments_evaluate_the_tiltfile_anew(tilt_alone):
    tiltfile = """
        config.define_string_list('names', args=True)
        for_names = config.parse().get('names', [])
        [local_resource(name, cmd='echo ' + name) for name in for_names]
        """
    tilt = tilt_alone({"Tiltfile": tiltfile})
    with tilt.up("--", "a", "b") as session:
        session.settles("a", "b")
        assert "to [b c]" in tilt.ok("args", "b", "c")
        session.settles("b", "c")
        assert "a" not in session.rows()
        assert "already running with those args" in tilt.ok("args", "b", "c")


def test_only_the_resources_of_the_command_line_run(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "[local_resource(name, cmd='echo ' + name) for name in ['a', 'b']]"})
    with tilt.up("a") as session:
        session.settles("a")
        rows = session.rows()
        assert rows["b"]["disableStatus"]["state"] == "Disabled"
        tilt.ok("enable", "b")
        session.settles("b")
        assert is_green(session.rows()["a"])


def test_a_resource_of_the_command_line_that_is_not_there_is_named_with_what_is(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "[local_resource(name, cmd='echo ' + name) for name in ['front', 'back']]"})
    ended = tilt.run("ci", "fornt")
    assert ended.code == 1
    assert '"fornt"' in ended.output
    assert "front" in ended.output


def test_without_a_session_a_command_says_so(tilt_alone):
    tilt = tilt_alone({"Tiltfile": ""})
    ended = tilt.run("get", "uiresources")
    assert ended.code == 1
    assert ended.output.startswith(f"Error: No tilt apiserver found: tilt-{tilt.environ['TILT_PORT']}")
    assert "hint: start a session with `tilt up`" in ended.output
