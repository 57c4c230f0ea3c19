"""The example `fastbuild`, and what else only a real container shows of `fast_build`."""

from tests.end_to_end.sessions import served


def example(tilt, port):
    """The example with this port for its forward."""
    tilt.edit("Tiltfile", "8400", str(port))
    return tilt, port


def test_on_a_cluster_a_save_runs_the_commands_and_restarts_the_program_in_its_container(tilt_on_cluster, new_port):
    saves_are_live(*example(tilt_on_cluster(example="fastbuild"), new_port()))


def test_on_the_built_in_context_it_does_the_same(tilt_on_engine, new_port):
    saves_are_live(*example(tilt_on_engine(example="fastbuild"), new_port()))


def saves_are_live(tilt, port):
    """Change the page, what is installed and the Dockerfile, one after the other."""
    with tilt.up() as session:
        session.settles("fastbuild")
        session.until(lambda: served(port) == "<p>One-Up!</p>\n", "the first page")
        container = session.container("fastbuild")
        tilt.edit("src/page.txt", "One-Up!", "Two-Up!")
        session.until(lambda: served(port) == "<p>Two-Up!</p>\n", "the new page")
        session.settles("fastbuild")
        assert session.container("fastbuild") == container
        assert session.strategies("fastbuild") == ["full", "live"]
        steps = [step["name"] for step in session.updates("fastbuild")[-1]["steps"]]
        assert [name for name in steps if name in ("event", "pack", "run", "restart")] == [
            "event", "pack", "run", "restart"
        ]  # fmt: skip
        assert "installing" not in session.says("1 File Changed: [src/page.txt]")
        tilt.edit("src/tools.txt", "date", "date\ncat")
        session.says("installing cat")
        session.settles("fastbuild")
        assert session.container("fastbuild") == container
        tilt.edit("src/page.txt", "Two-Up!", "Three-Up!")
        tilt.edit("Dockerfile", "WORKDIR /app", "WORKDIR /app\nENV CHANGED=yes")
        session.until(lambda: session.strategies("fastbuild")[-1] == "full", "a build")
        session.settles("fastbuild")
        session.until(lambda: served(port) == "<p>Three-Up!</p>\n", "the page of the build")
        assert session.container("fastbuild")[1] != container[1]
