"""`tilt ci` and containers that fail at first: red once Kubernetes backs off or a limit is reached, not before."""

import pytest

from tests.end_to_end.conftest import InFolder
from tests.end_to_end.texts import deployment

ONCE = "if [ -e /seen/before ]; then {then}; else touch /seen/before; exit 1; fi"
VOLUMES = "volumes: [{name: seen, emptyDir: {}}]"
CONTAINER = "{name: main, image: busybox, command: [sh, -c, '%s'], volumeMounts: [{name: seen, mountPath: /seen}]}"
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  backoffLimit: %d
  template:
    spec:
      restartPolicy: %s
      containers: [%s]
      %s
"""


def web(script: str) -> str:
    """A Deployment whose containers run a script, over and over."""
    return deployment(CONTAINER % script, more=VOLUMES)


def once(retries: int, policy: str, script: str) -> str:
    """A Job that is retried so many times."""
    return JOB % (retries, policy, CONTAINER % script, VOLUMES)


ONCE_PROJECT = {
    "Tiltfile": "k8s_yaml(['web.yaml', 'once.yaml'])",
    "web.yaml": web(ONCE.format(then="sleep 1000")),
    "once.yaml": once(3, "OnFailure", ONCE.format(then="exit 0")),
}
FAILING = {
    "a Deployment": (web("exit 3"), "web: pod web-"),
    "a Job": (once(1, "Never", "exit 3"), "once: pod once-"),
}


def test_containers_that_fail_once_are_no_failure_on_a_cluster(tilt_on_cluster: InFolder):
    assert "SUCCESS" in tilt_on_cluster(ONCE_PROJECT).ok("ci")


def test_containers_that_fail_once_are_no_failure_on_the_engine(tilt_on_engine: InFolder):
    assert "SUCCESS" in tilt_on_engine(ONCE_PROJECT).ok("ci")


@pytest.mark.parametrize("what", FAILING)
def test_a_container_that_fails_again_and_again_is_one_on_a_cluster(tilt_on_cluster: InFolder, what: str):
    text, reason = FAILING[what]
    ended = tilt_on_cluster({"Tiltfile": "k8s_yaml('app.yaml')", "app.yaml": text}).run("ci")
    assert ended.code == 1
    assert reason in ended.output, ended.output
    assert "exit code 3" in ended.output


@pytest.mark.parametrize("what", FAILING)
def test_a_container_that_fails_again_and_again_is_one_on_the_engine(tilt_on_engine: InFolder, what: str):
    text, reason = FAILING[what]
    ended = tilt_on_engine({"Tiltfile": "k8s_yaml('app.yaml')", "app.yaml": text}).run("ci")
    assert ended.code == 1
    assert reason in ended.output, ended.output
    assert "exit code 3" in ended.output
