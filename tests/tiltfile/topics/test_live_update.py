import pytest

from pytilt.model.images import LiveUpdate, Run, Sync
from pytilt.model.inference import InferenceMode
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, deployment


def project(tmp_path, steps):
    return Project(
        tmp_path,
        {
            "Tiltfile": f"docker_build('web', '.', live_update={steps})\nk8s_yaml('d.yaml')\n",
            "Dockerfile": DOCKERFILE,
            "d.yaml": deployment("web", "web"),
        },
    )


def test_steps_become_one_live_update(tmp_path):
    steps = (
        "[initial_sync(), fall_back_on(['a', 'b']), fall_back_on('c'), sync('x', '/x'), sync('.', '/y'), "
        "run('one'), run(['two', '2'], echo_off=True)]"
    )
    (image,) = project(tmp_path, steps).resource("web").images
    assert image.live_update == LiveUpdate(
        initial_sync=True,
        fall_back_on=tuple(str(tmp_path / name) for name in "abc"),
        syncs=(Sync(local=str(tmp_path / "x"), remote="/x"), Sync(local=str(tmp_path), remote="/y")),
        runs=(Run(argv=("sh", "-c", "one")), Run(argv=("two", "2"), echo_off=True)),
        base=str(tmp_path),
    )


def test_one_step_needs_no_list(tmp_path):
    (image,) = project(tmp_path, "sync('.', '/y')").resource("web").images
    assert image.live_update == LiveUpdate(syncs=(Sync(local=str(tmp_path), remote="/y"),), base=str(tmp_path))


def test_an_empty_list_is_no_live_update(tmp_path):
    (image,) = project(tmp_path, "[]").resource("web").images
    assert image.live_update is None


def test_a_container_of_kubernetes_can_be_restarted_though_tilt_cannot(tmp_path):
    (image,) = project(tmp_path, "[sync('.', '/y'), restart_container()]").resource("web").images
    assert image.live_update is not None
    assert image.live_update.restart


def test_syncs_may_name_files_of_a_base_image(tmp_path):
    files = {
        "Tiltfile": """
            docker_build('base', 'base', dockerfile='Dockerfile')
            docker_build('web', 'web', dockerfile_contents='FROM base', live_update=sync('base/src', '/src'))
            k8s_yaml('d.yaml')
            """,
        "Dockerfile": DOCKERFILE,
        "d.yaml": deployment("web", "web"),
    }
    assert Project(tmp_path, files).declare().resources


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ("[run('x'), sync('.', '/y')]", "live_update: all sync steps must precede all run steps"),
        (
            "[sync('.', '/y'), fall_back_on('a')]",
            "live_update: fall_back_on steps must appear at the start of the list",
        ),
        (
            "[sync('.', '/y'), initial_sync()]",
            "live_update: initial_sync must appear at most once, at the start of the list",
        ),
        ("[restart_container(), run('x')]", "live_update: restart container is only valid as the last step"),
        ("[3]", "live_update: 'steps' must be a list of live update steps - got value '3' of type 'int'"),
        ("[sync('.', 'y')]", 'live_update: spec.syncs[0]: Invalid value: "y": sync destination is not absolute'),
        ("[fall_back_on('a')]", "must contain at least 1 sync or 1 exec to run on live update"),
        ("[sync('/tmp', '/y')]", "sync step source '/tmp' is not a child of any watched filepaths ([ROOT])"),
        (
            "[fall_back_on('/tmp/z'), sync('.', '/y')]",
            "fall_back_on paths '/tmp/z' is not a child of any watched filepaths ([ROOT])",
        ),
    ],
)
def test_a_wrong_list_says_what_tilt_says(tmp_path, steps, message):
    assert message in project(tmp_path, steps).error()


def test_steps_that_no_image_takes_are_reported_with_their_places(tmp_path):
    project = Project(tmp_path, {"Tiltfile": "sync('a', '/b')\nrun('x', trigger=['t'])\n"})
    assert project.error() == (
        "found 2 live_update steps that were created but not used in a live_update:\n"
        "ROOT/Tiltfile:1:5: value 'sync step: 'ROOT/a'->'/b'' of type 'live_update_sync_step'\n"
        "\tROOT/Tiltfile:2:4: value 'run step: \"x\" (triggers: t)' of type 'live_update_run_step'"
    )


def test_a_trigger_must_be_a_text(tmp_path):
    message = "run cmd 'x' triggers contained value '3' of type 'int'. it may only contain strings"
    assert message in project(tmp_path, "run('x', trigger=[3])").error()


@pytest.mark.parametrize(
    ("said", "settings", "mode"),
    [
        ("None", "", InferenceMode.AUTO),
        ("'infer'", "", InferenceMode.INFER),
        ("'off'", "", InferenceMode.OFF),
        ("None", "update_settings(infer_live_update=False)", InferenceMode.OFF),
        ("'infer'", "update_settings(infer_live_update=False)", InferenceMode.INFER),
        ("None", "update_settings(update_mode='image')", InferenceMode.BUILT),
        ("[sync('.', '/srv')]", "update_settings(update_mode='image')", InferenceMode.BUILT),
        ("'off'", "update_settings(update_mode='image')", InferenceMode.OFF),
        ("None", "update_settings(infer_live_update=False, update_mode='image')", InferenceMode.OFF),
        (
            "[sync('.', '/srv')]",
            "update_settings(infer_live_update=False, update_mode='image')",
            InferenceMode.BUILT,
        ),
        (
            "None",
            "update_settings(infer_live_update=False)\nupdate_settings(infer_live_update=True)",
            InferenceMode.AUTO,
        ),
    ],
)
def test_a_word_in_place_of_steps_says_whether_they_are_inferred(tmp_path, said, settings, mode):
    files = {
        "Tiltfile": f"docker_build('web', '.', live_update={said})\nk8s_yaml('d.yaml')\n{settings}\n",
        "Dockerfile": DOCKERFILE,
        "d.yaml": deployment("web", "web"),
    }
    (image,) = Project(tmp_path, files).resource("web").images
    assert (image.live_update, image.inference) == (None, mode)


def test_another_word_is_refused(tmp_path):
    problem = project(tmp_path, "'always'").error()
    assert "live_update: a list of steps, 'infer' or 'off' is expected; got 'always'" in problem
