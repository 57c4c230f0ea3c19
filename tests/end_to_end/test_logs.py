import json

COUNTING = """
    apiVersion: v1
    kind: Pod
    metadata: {name: counter}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: main
        image: busybox
        imagePullPolicy: IfNotPresent
        volumeMounts: [{name: count, mountPath: /count}]
        command:
        - sh
        - -c
        - |
          n=0; echo >> /count/runs; run=$(wc -l < /count/runs)
          while [ $n -lt 200 ]; do n=$((n+1)); echo "run $run line $n"; done
          [ $run -lt 2 ] && exit 1
          sleep 1000
      volumes: [{name: count, emptyDir: {}}]
    """


def messages(output):
    """The texts of the lines of `tilt logs`, without the column of names."""
    return [line.partition("│ ")[2] or line for line in output.splitlines()]


def test_no_line_of_a_container_that_restarts_is_lost_or_reported_twice(tilt_on_cluster):
    tilt = tilt_on_cluster({"Tiltfile": "k8s_yaml('counter.yaml')\nk8s_resource('counter')", "counter.yaml": COUNTING})
    with tilt.up() as session:
        session.says("run 2 line 200")
        seen = [line for line in messages(tilt.ok("logs", "counter")) if line.startswith("run ")]
        assert seen == [f"run {run} line {line}" for run in (1, 2) for line in range(1, 201)]


def test_every_line_of_a_chatty_command_is_kept_in_order(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "local_resource('chatty', cmd='seq -f \"line %.0f\" 20000')"})
    with tilt.up() as session:
        session.settles("chatty")
        wanted = [f"line {number}" for number in range(1, 20001)]
        assert [line for line in messages(tilt.ok("logs", "chatty")) if line.startswith("line ")] == wanted
        session.says("line 20000\n")
        assert [line for line in messages(session.output) if line.startswith("line ")] == wanted


def test_logs_are_selected_by_resource_by_number_of_lines_and_as_json(tilt_alone):
    tiltfile = """
        def declare(name):
            local_resource(name, cmd='for n in 1 2 3; do echo %s $n; done' % name)
        declare('a')
        declare('b')
        local_resource('bad', cmd='echo no; exit 3')
        """
    tilt = tilt_alone({"Tiltfile": tiltfile})
    with tilt.up() as session:
        session.settles("a", "b")
        session.fails("bad")
        assert tilt.ok("logs", "a").splitlines()[-3:] == ["a 1", "a 2", "a 3"]
        assert "a 1" not in tilt.ok("logs", "b")
        both = tilt.ok("logs", "a", "b").splitlines()
        assert {"            a │ a 3", "            b │ b 3"} <= set(both)
        assert tilt.ok("logs", "--tail", "2", "b").splitlines() == ["b 2", "b 3"]
        line = json.loads(tilt.ok("logs", "--json", "--tail", "1", "b"))
        assert (line["resource"], line["message"], line["source"], line["level"]) == ("b", "b 3", "build", "info")
        errors = messages(tilt.ok("logs", "--level", "error", "bad"))
        assert [line for line in errors if line] == [
            "Initial Build",  # headers are always seen
            'ERROR: Build Failed: Command "echo no; exit 3" failed: exit status 3',
        ]
        unknown = tilt.run("logs", "c")
        assert unknown.code == 1
        assert 'No such resource "c"' in unknown.output


def test_followed_logs_go_on_until_the_session_ends(tilt_alone):
    tilt = tilt_alone({"Tiltfile": "local_resource('a', cmd='cat word', deps=['word'])", "word": "first\n"})
    with tilt.up() as session:
        session.settles("a")
        with tilt.start("logs", "-f", "a") as following:
            following.says("first")
            tilt.save("word", "second\n")
            following.says("second")
            session.stop()
            assert following.ended() == 0
