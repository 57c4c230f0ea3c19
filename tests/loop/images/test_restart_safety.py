from typing import Any

import pytest
from msgspec.structs import replace

from pytilt.liveupdate.inferring import UnseenTree
from pytilt.liveupdate.planning import FileKind
from pytilt.loop.images.restart_safety import restart_problem, restarts_safely
from pytilt.loop.live_updates.inference import inferences
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild, HelperMode, Image, ImageConfig
from pytilt.model.inference import InferenceMode
from pytilt.model.names import ImageName
from pytilt.model.objects import Resource
from pytilt.model.resources import KubeObject
from tests.loop.declaring import deployment, image, kubernetes

FLASK = "FROM python\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . /app\n"
PYTHON = ImageConfig(command=("python", "/app/main.py"))


class Files(UnseenTree):
    """A context with nothing but one program."""

    def kind(self, path: str) -> FileKind:
        return FileKind.FILE if path == "/p/app/usr/bin/perl" else FileKind.GONE


def app(contents: str = FLASK, **fields: object) -> Image:
    build = DockerBuild(context="/p/app", contents=contents)
    return image("app", build=build, files=FileRule(paths=("/p/app",)), **fields)  # type: ignore[arg-type]  # of an image


def pod(container: dict[str, Any] | None = None, kind: str = "Deployment", **spec: object) -> KubeObject:
    found = {**deployment("app", "app"), "kind": kind}
    template = found["spec"]["template"]["spec"]
    template.update(spec)
    template["containers"][0].update(container or {})
    return found


def problem(o: KubeObject, found: Image | None = None, config: ImageConfig = PYTHON) -> str:
    found = found or app()
    return restart_problem(kubernetes("app", o, images=(found,)), found, config, Files())


@pytest.mark.parametrize(
    "command",
    [
        "python /app/main.py",
        "python3.12 -u main.py",
        "python -m uvicorn main:app --port 80",
        "/usr/local/bin/python -m app",
        "sh -c 'cd /app && exec python main.py'",
        "env DEBUG=1 python main.py",
        "docker-entrypoint.sh node server.js",
        "npx tsx server.ts",
        "poetry run gunicorn app:app",
        "gunicorn -w 4 app:app",
        "ruby app.rb",
        "perl -w app.pl",
        "deno run main.ts",
        "php -S 0.0.0.0:80",
    ],
)
def test_a_program_of_an_interpreter_is_started_again(command: str) -> None:
    words = ["sh", "-c", command[len("sh -c '") : -1]] if command.startswith("sh -c") else command.split()
    assert problem(pod({"command": words})) == ""


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/app/server"], "what it starts cannot be seen from its command"),
        (["java", "-jar", "app.jar"], "`java` is not known to run the project's sources"),
        (["tini", "--", "python", "main.py"], "`tini` is made to be the first process of a container"),
        (["sh", "-c", "migrate; python main.py"], "what it starts cannot be seen from its command"),
        (["python"], "what it starts cannot be seen from its command"),
        (["node", "--inspect"], "`node` names no script"),
        (["celery", "worker"], "`celery` may leave files that its next start minds"),
        (["gunicorn", "-p", "/tmp/x", "app:app"], "`gunicorn` may leave files that its next start minds"),
        (["python", "main.py", "--pidfile=/tmp/x"], "`--pidfile=/tmp/x` leaves a file that the next start minds"),
    ],
)
def test_any_other_program_is_not(command: list[str], why: str) -> None:
    assert problem(pod({"command": command})) == why


@pytest.mark.parametrize(
    ("o", "why"),
    [
        (pod({"livenessProbe": {"periodSeconds": 5, "failureThreshold": 1}}),
         "its `livenessProbe` waits 5 seconds only"),
        (pod({"livenessProbe": {"initialDelaySeconds": 60}}), "its `livenessProbe` waits 30 seconds only"),
        (pod({"startupProbe": {"httpGet": {}}}), "its `startupProbe` waits for new containers only"),
        (pod({"lifecycle": {"postStart": {"exec": {}}}}), "its `postStart` hook runs in new containers only"),
        (pod({"lifecycle": {"preStop": {"exec": {"command": ["kill", "-15", "1"]}}}}),
         "a probe or a hook looks at process 1"),
        (pod({"readinessProbe": {"exec": {"command": ["cat", "/proc/1/stat"]}}}),
         "a probe or a hook looks at process 1"),
        (pod({"tty": True}), "it has a terminal"),
        (pod({"securityContext": {"readOnlyRootFilesystem": True}}), "its file system is read-only"),
        (pod(shareProcessNamespace=True), "its pod has `shareProcessNamespace`"),
        (pod(kind="Job"), "`python /app/main.py` ends by itself"),
        (pod({"image": "other"}), "nothing runs it"),
    ],
)  # fmt: skip
def test_nor_is_one_whose_pod_would_notice(o: KubeObject, why: str) -> None:
    assert problem(o) == why


def test_a_patient_probe_is_no_reason() -> None:
    probe = {"httpGet": {"path": "/"}, "initialDelaySeconds": 5}
    assert problem(pod({"livenessProbe": probe, "readinessProbe": {"httpGet": {"path": "/"}}})) == ""


@pytest.mark.parametrize(
    ("found", "config", "why"),
    [
        (app(helper=HelperMode.OFF), PYTHON, "`synclet` is not used there"),
        (app(inference=InferenceMode.OFF), PYTHON, "`synclet` is not used there"),
        (app(match_in_env_vars=True), PYTHON, "`synclet` is not used there"),
        (app("FROM python\nCOPY python /usr/bin/python\n"), PYTHON, "`python` may be a program of the project's own"),
        (
            app("FROM perl\nCOPY . /\n"),
            ImageConfig(command=("perl", "x")),
            "`perl` may be a program of the project's own",
        ),
        (app(), replace(PYTHON, triggers=1), "it is not known what its Dockerfile copies"),
        (app("FROM python\nRUN true\n"), PYTHON, "it is not known what its Dockerfile copies"),
    ],
)  # fmt: skip
def test_what_the_image_is_counts_too(found: Image, config: ImageConfig, why: str) -> None:
    assert problem(pod(), found, config) == why


def test_an_image_is_prepared_only_if_that_is_safe_wherever_it_runs_and_of_use() -> None:
    found = app()
    web, job = kubernetes("web", pod(), images=(found,)), kubernetes("job", pod(kind="Job"), images=(found,))
    assert restarts_safely([web], found, PYTHON, Files())
    assert not restarts_safely([web, job], found, PYTHON, Files())
    assert not restarts_safely([], found, PYTHON, Files())
    reloads = ImageConfig(command=("uvicorn", "--reload", "main:app"))
    assert not restarts_safely([web], found, reloads, Files())  # it sees changes by itself


def test_what_cannot_be_started_again_is_built_and_it_is_said_why_and_what_to_write() -> None:
    spec = kubernetes("app", pod({"startupProbe": {"httpGet": {}}}), images=(app(),))
    (answer,) = inferences(Resource(name="app", spec=spec), {ImageName("app"): PYTHON}, {ImageName("app")})
    assert answer.rules is None
    assert answer.why == (
        "`python /app/main.py` in container `main` is not known to see changed files, and is not started again by "
        "itself: its `startupProbe` waits for new containers only; `live_update='infer'` would sync it and start the "
        "program again"
    )
    resource = Resource(name="app", spec=kubernetes("app", pod(), images=(app(),)))
    (answer,) = inferences(resource, {ImageName("app"): PYTHON}, {ImageName("app")})
    assert answer.rules is not None
    assert answer.rules.supervised
    (answer,) = inferences(resource, {ImageName("app"): PYTHON})
    assert "its image has no `synclet`" in answer.why
