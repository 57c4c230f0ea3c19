from pathlib import Path

import pytest

from pytilt.model.api.buttons import UIBoolInputSpec, UIButton, UIChoiceInputSpec, UIInputSpec
from pytilt.model.api.cmds import Cmd
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.kinds import API_KINDS
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.api.metadata import IgnoreDef, RestartOnSpec, StartOnSpec
from pytilt.model.commands import HttpHeader
from pytilt.testing.project import Project

PLACE = "text='x', location={'component_id': 'web', 'component_type': 'Resource'}"


def declared(tmp_path: Path, text: str):
    return Project(tmp_path, {"Tiltfile": f"local_resource('web', 'true')\n{text}"}).declare().objects


def test_a_button_with_inputs_and_confirmation(tmp_path: Path):
    (button,) = declared(
        tmp_path,
        """
v1alpha1.ui_button(name='go', text='Go', icon_name='star', requires_confirmation=True, labels={'a': 'b'},
    annotations={'tilt.dev/resource': 'web'},
    location=v1alpha1.ui_component_location(component_id='web', component_type='Resource'),
    inputs=[
        v1alpha1.ui_input_spec(name='WHO', label='Who', text=v1alpha1.ui_text_input_spec(default_value='you')),
        v1alpha1.ui_input_spec(name='OK', bool={'default_value': True, 'true_string': 'yes'}),
        {'name': 'ONE', 'choice': v1alpha1.ui_choice_input_spec(choices=['a', 'b'])},
    ])
""",
    )
    assert isinstance(button, UIButton)
    assert (button.name, button.labels, button.annotations) == ("go", {"a": "b"}, {"tilt.dev/resource": "web"})
    assert (button.spec.text, button.spec.icon_name, button.spec.requires_confirmation) == ("Go", "star", True)
    assert button.spec.location.component_id == "web"
    assert button.spec.inputs[1] == UIInputSpec(name="OK", bool=UIBoolInputSpec(default_value=True, true_string="yes"))
    assert button.spec.inputs[2].choice == UIChoiceInputSpec(choices=("a", "b"))


def test_a_command_runs_in_the_directory_of_its_tiltfile_and_takes_its_environment(tmp_path: Path):
    (cmd,) = declared(
        tmp_path,
        """
os.putenv('FROM_TILTFILE', '1')
v1alpha1.cmd(name='run', args=['./x.sh', 'y'], env=['A=1'],
    start_on=v1alpha1.start_on_spec(ui_buttons=['go']),
    restart_on={'file_watches': ['files']},
    readiness_probe=v1alpha1.probe(period_seconds=2, handler=v1alpha1.handler(http_get=v1alpha1.http_get_action(
        port=80, path='/ok', http_headers=[v1alpha1.http_header(name='X', value='1')]))))
""",
    )
    assert isinstance(cmd, Cmd)
    assert (cmd.spec.args, cmd.spec.dir) == (("./x.sh", "y"), str(tmp_path))
    assert cmd.spec.env == ("FROM_TILTFILE=1", "A=1")
    assert cmd.spec.start_on == StartOnSpec(ui_buttons=("go",))
    assert cmd.spec.restart_on == RestartOnSpec(file_watches=("files",))
    probe = cmd.spec.readiness_probe
    assert probe is not None
    assert probe.http_get is not None
    assert (probe.period_seconds, probe.failure_threshold, probe.http_get.path) == (2, 3, "/ok")
    assert probe.http_get.http_headers == (HttpHeader(name="X", value="1"),)


def test_the_kinds_that_are_left(tmp_path: Path):
    found = declared(
        tmp_path,
        """
v1alpha1.config_map(name='state', data={'enabled': 'no'})
v1alpha1.file_watch(name='files', watched_paths=['src'], ignores=[{'base_path': 'src', 'patterns': ['*.tmp']}])
v1alpha1.kubernetes_apply(name='app', yaml='kind: X', timeout='40s', apply_cmd=None)
v1alpha1.kubernetes_discovery(name='pods', watches=[v1alpha1.kubernetes_watch_ref(namespace='default')],
    extra_selectors=[v1alpha1.label_selector(match_labels={'a': 'b'})])
""",
    )
    state, files, app, pods = found
    assert isinstance(state, ConfigMap)
    assert state.data == {"enabled": "no"}
    assert isinstance(files, ApiFileWatch)
    assert files.spec.watched_paths == (str(tmp_path / "src"),)
    assert files.spec.ignores == (IgnoreDef(base_path=str(tmp_path / "src"), patterns=("*.tmp",)),)
    assert isinstance(app, KubernetesApply)
    assert app.spec.timeout == "40s"
    assert isinstance(pods, KubernetesDiscovery)
    assert pods.spec.extra_selectors[0].match_labels == {"a": "b"}


def test_the_same_object_twice_is_one_and_another_of_its_name_is_an_error(tmp_path: Path):
    one = "v1alpha1.cmd('x', args=['true'])\n"
    assert len(declared(tmp_path, one * 2)) == 1
    error = Project(tmp_path, {"Tiltfile": one + "v1alpha1.cmd('x', args=['false'])"}).error()
    assert 'cmds "x" already registered' in error
    assert ":2:" in error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("v1alpha1.ui_button(name='a')", "spec.text: Required value: Button text cannot be empty"),
        (f"v1alpha1.ui_button(name='a/b', {PLACE})", "metadata.name: Invalid value: \"a/b\": may not contain '/'"),
        (f"v1alpha1.ui_button(name='a', {PLACE}, inputs=[{{'name': 'A'}}])", "must specify exactly one input type"),
        (f"v1alpha1.ui_button(name='a', {PLACE}, inputs=[3])", 'for parameter "inputs": at index 0: expected dict'),
        ("v1alpha1.ui_button(text='x')", "v1alpha1.ui_button: missing argument for name"),
        ("v1alpha1.cmd(name='a', arg=['x'])", 'unexpected keyword argument "arg" (did you mean args?)'),
        ("v1alpha1.cmd(name='a', args='x')", "value should be a List or Tuple of strings"),
        ("v1alpha1.cmd(name='a', start_on={'buttons': []})", "Unexpected attribute name: buttons"),
        ("v1alpha1.file_watch(name='a')", "spec.watchedPaths: Required value: cannot be an empty list"),
        ("v1alpha1.kubernetes_apply(name='a')", "must specify exactly ONE of .spec.yaml or .spec.applyCmd"),
        ("v1alpha1.kubernetes_apply(name='a', yaml='x', timeout='3')", 'missing unit in duration "3"'),
        ("v1alpha1.kubernetes_discovery(name='a')", "One or more watches or extraSelectors are required"),
        ("v1alpha1.config_map(name='a', data={'x': 1})", "value is not a string"),
        ("v1alpha1.http_get_action(path='/')", "missing port"),
        ("v1alpha1.ui_choice_input_spec(choices=3)", "unpacking choices: value should be a List or Tuple of strings"),
        ("x = v1alpha1.label_selector(match_labels={}); x['y'] = 1", "cannot insert into frozen hash table"),
        ("v1alpha1.nothing()", "nothing"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_place(tmp_path: Path, call: str, message: str):
    error = Project(tmp_path, {"Tiltfile": f"local_resource('web', 'true')\n{call}"}).error()
    assert message in error
    assert "Tiltfile:2:" in error


def test_every_kind_that_a_tiltfile_can_make_has_its_function(tmp_path: Path):
    names = [f"v1alpha1.{kind.function}" for kind in API_KINDS if kind.function]
    assert declared(tmp_path, f"print([{', '.join(names)}])") == ()


def test_the_secrets_that_an_object_applies_are_known(tmp_path: Path):
    secret = "apiVersion: v1\\nkind: Secret\\nmetadata: {name: s}\\nstringData: {password: swordfish}"
    text = f"local_resource('web', 'true')\nv1alpha1.kubernetes_apply('app', yaml='{secret}')"
    found = Project(tmp_path, {"Tiltfile": text}).declare()
    assert ("swordfish", "[redacted secret s:password]") in found.secrets
