import signal

import pytest

from tests.end_to_end.sessions import PATIENCE_SECONDS, is_overloaded, is_running, until

SERVING = {
    "serve.sh": """
        echo me $$
        sleep 1000 &
        echo child $!
        sh -c 'sleep 1000 & echo grandchild $!; wait' &
        wait
        """,
    "Tiltfile": """
        local_resource('server', serve_cmd='sh serve.sh')
        local_resource('busy', cmd='echo command $$; sleep 1000', allow_parallel=True)
        """,
}
STUBBORN = {
    "stubborn.sh": "trap '' TERM INT HUP; echo me $$; while true; do sleep 1; done",
    "Tiltfile": "local_resource('server', serve_cmd='sh stubborn.sh')",
}


def pid_of(session, word):
    return int(session.says(f"│ {word} ").split()[2])


def pids_of(session):
    return [pid_of(session, word) for word in ("me", "child", "grandchild", "command")]


def test_no_process_outlives_a_session_that_was_killed(tilt_alone):
    tilt = tilt_alone(SERVING)
    with tilt.up() as session:
        pids = pids_of(session)
        assert all(map(is_running, pids))
        session.kill()
    until(lambda: not any(map(is_running, pids)), "the children to end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_session_with_all_its_processes(tilt_alone, number):
    tilt = tilt_alone(SERVING)
    with tilt.up() as session:
        pids = pids_of(session)
        in_order = session.stop(number)
    until(lambda: not any(map(is_running, pids)), "the processes to end", seconds=0 if in_order else PATIENCE_SECONDS)


def test_a_process_that_ignores_signals_does_not_keep_a_session_from_ending(tilt_alone):
    tilt = tilt_alone(STUBBORN)
    with tilt.up() as session:
        pid = pid_of(session, "me")
        in_order = session.stop()
    until(lambda: not is_running(pid), "the process to end", seconds=0 if in_order else PATIENCE_SECONDS)


def test_a_second_signal_ends_a_session_at_once(tilt_alone):
    tilt = tilt_alone(STUBBORN)
    with tilt.up() as session:
        pid = pid_of(session, "me")
        session.process.send_signal(signal.SIGINT)
        session.process.send_signal(signal.SIGTERM)
        assert session.ended() in (0, 130, 143)  # 0: both signals came while the first was handled
    until(lambda: not is_running(pid), "the server to end")


BUILDING = {
    "Dockerfile": "FROM busybox\nRUN sleep 30; echo never\n",
    "pod.yaml": """
        apiVersion: v1
        kind: Pod
        metadata: {name: web}
        spec: {containers: [{name: main, image: e2e/slow}]}
        """,
    "Tiltfile": "docker_build('e2e/slow', '.')\nk8s_yaml('pod.yaml')",
}


def test_a_signal_ends_a_session_in_the_middle_of_a_build(tilt_on_cluster):
    with tilt_on_cluster(BUILDING).up() as session:
        session.says("[2/2] RUN sleep 30")
        session.stop()


@pytest.mark.parametrize("word", ["up", "ci"])
def test_a_signal_ends_a_session_in_the_middle_of_an_evaluation(tilt_alone, word):
    tilt = tilt_alone({"Tiltfile": "local('echo me $$; sleep 1000')"})
    with tilt.start(word) as session:
        pid = int(session.says("→ me ").split()[2])
        if word == "up":
            in_order = session.stop()
        else:
            session.process.send_signal(signal.SIGINT)
            assert session.ended() == 130
            in_order = not is_overloaded()
    until(lambda: not is_running(pid), "the command to end", seconds=0 if in_order else PATIENCE_SECONDS)
