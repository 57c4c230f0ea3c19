"""Projects whose extensions make objects of the API: buttons, commands, switches."""

import json
import time

from tests.end_to_end.sessions import is_running, served, until
from tests.end_to_end.terminal import terminal
from tests.end_to_end.texts import DEPLOYMENT

SERVE = (
    'command: [sh, -c, "mkdir /page; echo first > /page/index.html; echo it serves first; httpd -f -p 8000 -h /page"]'
)

BUTTONS = {
    "extensions/button/Tiltfile": """
        def button(name, resource, argv, inputs=[]):
            v1alpha1.ui_button(name=name, text=name, inputs=inputs, requires_confirmation=True,
                location={'component_type': 'Resource', 'component_id': resource},
                annotations={'tilt.dev/resource': resource})
            v1alpha1.cmd(name='btn-' + name, args=argv, annotations={'tilt.dev/resource': resource},
                start_on=v1alpha1.start_on_spec(ui_buttons=[name]))
        """,
    "Tiltfile": """
        v1alpha1.extension_repo(name='default', url='file://' + config.main_dir + '/extensions')
        load('ext://button', 'button')
        local_resource('web', 'echo web is built', serve_cmd='echo serving; sleep 1000')
        button('greet', 'web', ['sh', '-c', 'echo hello $WHO $LOUD from $(basename $PWD)'], inputs=[
            v1alpha1.ui_input_spec(name='WHO', text=v1alpha1.ui_text_input_spec(default_value='you')),
            v1alpha1.ui_input_spec(name='LOUD', bool=v1alpha1.ui_bool_input_spec(true_string='loudly')),
        ])
        v1alpha1.file_watch(name='data', watched_paths=['data'])
        v1alpha1.cmd(name='reader', args=['sh', '-c', 'echo data is $(cat data)'],
            annotations={'tilt.dev/resource': 'web'}, restart_on={'file_watches': ['data']})
        """,
    "data": "old",
}


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.999999Z", time.gmtime())


def one(tilt, *words):
    return json.loads(tilt.run("get", *words, "-o", "json").output)


def test_a_click_runs_the_command_of_its_button_and_a_saved_file_that_of_its_watch(tilt_alone):
    tilt = tilt_alone(BUTTONS)
    with tilt.up() as session:
        session.says("web is built")
        session.says("data is old")
        button = one(tilt, "uibutton", "greet")
        assert (button["spec"]["requiresConfirmation"], button["status"]["lastClickedAt"]) == (True, None)
        assert "hello" not in session.output
        given = [{"name": "WHO", "text": {"value": "Ann"}}, {"name": "LOUD", "bool": {"value": True}}]
        click = json.dumps({"status": {"lastClickedAt": now(), "inputs": given}})
        assert tilt.run("patch", "uibutton", "greet", "--subresource", "status", "-p", click).code == 0
        session.says("hello Ann loudly from project")
        until(lambda: one(tilt, "cmd", "btn-greet")["status"].get("terminated"), "the command to end")
        tilt.project.write("data", "new")
        session.says("data is new")
        assert one(tilt, "filewatch", "data")["status"]["fileEvents"][-1]["seenFiles"] == [
            str(tilt.project.root / "data")
        ]


def test_a_switch_disables_a_resource_and_what_clients_made_outlives_an_evaluation(tilt_alone):
    tilt = tilt_alone(BUTTONS)
    with tilt.up() as session:
        session.says("serving")
        assert tilt.run("create", "cmd", "mine", "sh", "-c", "echo mine runs; sleep 1000").code == 0
        session.says("mine runs")
        assert tilt.run("patch", "configmap", "web-disable", "-p", "data: {isDisabled: 'true'}").code == 0
        session.until(lambda: session.rows()["web"]["disableStatus"]["state"] == "Disabled", "web to be disabled")
        assert one(tilt, "uibutton", "toggle-web-disable")["spec"]["text"] == "Enable Resource"
        click = {"lastClickedAt": now(), "inputs": [{"name": "action", "hidden": {"value": "off"}}]}
        tilt.run("patch", "uibutton", "toggle-web-disable", "--subresource=status", "-p", json.dumps({"status": click}))
        session.says("serving", times=2)
        tilt.project.write("Tiltfile", "local_resource('web', 'true')")
        session.until(lambda: tilt.run("get", "uibutton", "greet").code == 1, "the button to go")
        assert "running" in one(tilt, "cmd", "mine")["status"]
        assert tilt.run("delete", "cmd", "mine").output == 'cmd.tilt.dev "mine" deleted\n'


def test_a_running_update_and_a_running_evaluation_are_stopped_by_their_buttons(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "local_resource('long', 'echo begins; sleep 1000')"})

    def stop(name):
        click = json.dumps({"status": {"lastClickedAt": now()}})
        tilt.ok("patch", "uibutton", f"{name}-stopbuild", "--subresource=status", "-p", click)

    with tilt.up() as session:
        session.says("begins")
        stop("long")
        assert session.fails("long") == "build canceled"
        tilt.project.write("Tiltfile", "local('echo $$ > pid; sleep 1000')\nlocal_resource('other', 'true')")
        session.says("local: echo")
        session.until((tilt.project.root / "pid").exists, "the command of the Tiltfile")
        stop("(Tiltfile)")
        assert session.fails("(Tiltfile)") == "build canceled"
        pid = int((tilt.project.root / "pid").read_text())
        session.until(lambda: not is_running(pid), "its command to end")
        assert "other" not in session.rows()
        tilt.project.write("Tiltfile", "local_resource('other', 'true')")
        session.settles("other")


def test_a_button_is_pressed_in_the_display_once_its_inputs_are_given(tilt_alone, tmp_path):
    with terminal(tilt_alone(BUTTONS), "up", folder=tmp_path) as shown:
        shown.until(lambda: "a buttons" in shown.screen, "the key of the button")
        shown.press("a")
        shown.shows("WHO", "LOUD")
        shown.press("Ann", "Enter")
        shown.shows("press `greet`?")
        shown.press("y")
        shown.shows("hello Ann false from project")


def test_an_object_that_is_applied_is_reached_logged_changed_and_removed(tilt_on_cluster, new_port):
    port = new_port()
    tilt = tilt_on_cluster(
        {
            "web.yaml": DEPLOYMENT.replace("image: e2e/web", f"image: busybox, {SERVE}"),
            "Tiltfile": f"""
                v1alpha1.kubernetes_apply(name='web', yaml=str(read_file('web.yaml')),
                    annotations={{'tilt.dev/resource': 'tool'}},
                    port_forward_template_spec={{'forwards': [{{'local_port': {port}, 'container_port': 8000}}]}})
                v1alpha1.kubernetes_apply(name='odd', yaml='a: [b')
                local_resource('tool', 'true')
                """,
        }
    )
    with tilt.up() as session:
        session.until(lambda: served(port) == "first\n", "the page")
        session.says("kubernetesapply odd: spec.yaml")
        session.says("it serves first")
        (pod,) = one(tilt, "kd", "web")["status"]["pods"]
        assert pod["status"] == "Running"
        tilt.shell("sed -i s/first/second/g web.yaml")
        session.until(lambda: served(port) == "second\n", "the page of the other pod")
    assert "Deleting via kubectl: Deployment/web" in tilt.run("down").output
