import pytest

from pytilt.loop.pods.rollouts import rollout
from pytilt.model.logs import Level
from pytilt.model.pods import Condition, Container, ContainerState, Pod


def pod(*conditions: Condition, phase: str = "Pending", containers: tuple[Container, ...] = ()) -> Pod:
    return Pod(
        name="web-1",
        namespace="n",
        uid="u",
        created_at="2026-01-01T00:00:00Z",
        phase=phase,
        conditions=conditions,
        containers=containers,
    )


def condition(kind: str, second: int, status: str = "True") -> Condition:
    return Condition(type=kind, status=status, last_transition_time=f"2026-01-01T00:00:{second:02}Z")


def test_each_step_says_how_long_it_took():
    found = rollout(pod(condition("PodScheduled", 0), condition("Initialized", 3), condition("Ready", 5)))
    assert [step.text for step in found] == [
        "     ┊ Scheduled       - <1s",
        "     ┊ Initialized     - 3s",
        "     ┊ Ready           - 2s",
    ]


def test_what_has_not_come_true_is_not_reported():
    found = rollout(pod(condition("PodScheduled", 0), condition("Initialized", 1, "False"), condition("Ready", 5)))
    assert [step.name for step in found] == ["Scheduled"]


@pytest.mark.parametrize(
    ("container", "text"),
    [
        (
            Container(name="c", image="i", reason="ErrImagePull", message="no such image"),
            "     ┃ Not Ready - (ErrImagePull): no such image",
        ),
        (
            Container(name="c", image="i", state=ContainerState.TERMINATED, reason="Error", exit_code=3),
            "     ┃ Not Ready - (Error): exit code 3",
        ),
    ],
)
def test_a_container_that_does_not_run_says_why(container: Container, text: str):
    (step,) = rollout(pod(containers=(container,)))
    assert (step.text, step.level) == (text, Level.WARN)


def test_a_finished_pod_is_completed():
    assert [step.text for step in rollout(pod(phase="Succeeded"))] == ["     ┊ Completed"]
