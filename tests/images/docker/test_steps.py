import pytest

from pytilt.images.docker.steps import BuildSteps, duration, size
from pytilt.images.docker.trace import Output, Trace, TransferStatus, Vertex


def printed(steps: BuildSteps, *traces: Trace) -> list[str]:
    return [line.text for trace in traces for line in steps.feed(trace)]


def vertex(name: str, *, digest: str = "a", started: float = 1, completed: float = 0, error: str = "") -> Vertex:
    return Vertex(digest=digest, name=name, started=started, completed=completed, error=error)


def test_a_step_reports_its_beginning_its_output_and_how_long_it_took() -> None:
    lines = printed(
        BuildSteps(),
        Trace(vertexes=(vertex("[2/2] RUN make", started=0),)),
        Trace(vertexes=(vertex("[2/2] RUN make"),)),
        Trace(outputs=(Output(vertex="a", data=b"one\ntw"),)),
        Trace(outputs=(Output(vertex="a", data=b"o\nthree"),)),
        Trace(vertexes=(vertex("[2/2] RUN make", completed=2.5),)),
    )
    assert lines == ["[2/2] RUN make", "  → one", "  → two", "  → three", "[2/2] RUN make [done: 1.5s]"]


def test_steps_from_the_cache_and_quick_steps_say_little() -> None:
    cached = Vertex(digest="a", name="[1/2] FROM x", started=1, completed=2, cached=True)
    quick = vertex("[2/2] COPY . .", digest="b", completed=1.005)
    assert printed(BuildSteps(), Trace(vertexes=(cached, quick))) == ["[1/2] FROM x [cached]", "[2/2] COPY . ."]


def test_buildkits_own_steps_are_hidden_unless_they_fail_or_read_the_context() -> None:
    hidden = vertex("[internal] load metadata for x", digest="a", completed=3)
    reading = vertex("copy /context /", digest="b", completed=3)
    failing = vertex("[internal] load y", digest="c", completed=3, error="no")
    assert printed(BuildSteps(), Trace(vertexes=(hidden, reading, failing))) == [
        "[background] read source files",
        "[background] read source files [done: 2s]",
        "",
        "ERROR IN: [internal] load y",
    ]


def test_a_failing_step_is_remembered_with_its_error_and_the_end_of_its_output() -> None:
    steps = BuildSteps()
    output = "".join(f"compiling file {number}\n" for number in range(200)) + "error: syntax error in main.c:12"
    name = "[2/2] RUN make"
    printed(steps, Trace(vertexes=(vertex(name),)), Trace(outputs=(Output(vertex="a", data=output.encode()),)))
    lines = printed(steps, Trace(vertexes=(vertex(name, completed=2, error="exit code: 1"),)))
    assert lines == ["  → error: syntax error in main.c:12", "", "ERROR IN: [2/2] RUN make"]
    assert steps.failed_name == name
    said = steps.failed_output.splitlines()
    assert said == ["error: syntax error in main.c:12", *(f"compiling file {number}" for number in range(196, 200))]


def test_a_character_that_comes_in_two_messages_is_one() -> None:
    steps, letter = BuildSteps(), "日".encode()
    printed(steps, Trace(vertexes=(vertex("RUN x"),)), Trace(outputs=(Output(vertex="a", data=letter[:1]),)))
    assert printed(steps, Trace(outputs=(Output(vertex="a", data=letter[1:] + b"\n"),))) == ["  → 日"]


def test_of_a_line_that_is_rewritten_the_last_state_is_reported() -> None:
    steps = BuildSteps()
    printed(steps, Trace(vertexes=(vertex("RUN x"),)))
    assert printed(steps, Trace(outputs=(Output(vertex="a", data=b"10%\r50%\r100%\r\nnext\n"),))) == [
        "  → 100%",
        "  → next",
    ]


def test_transfers_are_reported_when_they_begin_and_every_two_seconds() -> None:
    steps = BuildSteps()

    def at(current: int, seconds: float, layer: str = "l1") -> list[str]:
        status = TransferStatus(id=layer, vertex="a", current=current, total=1_000_000, timestamp=seconds)
        return printed(steps, Trace(statuses=(status,)))

    printed(steps, Trace(vertexes=(vertex("[1/2] FROM x"),)))
    assert at(10, 1) == ["[1/2] FROM x 10B / 1.00MB"]
    assert at(500_000, 2) == []
    assert at(600_000, 3.5) == ["[1/2] FROM x 600.00kB / 1.00MB"]
    assert at(0, 3.6, "l2") == ["[1/2] FROM x 600.00kB / 2.00MB"]


def test_lines_of_a_step_replace_each_other_by_its_stage() -> None:
    (line,) = BuildSteps().feed(Trace(vertexes=(vertex("[build 2/3] RUN echo [x]"),)))
    assert line.progress == "[build 2/3]"


@pytest.mark.parametrize(("count", "text"), [(0, "0B"), (999, "999B"), (1500, "1.50kB"), (2_000_000_000, "2.00GB")])
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2679, "267ms"), (1, "1s"), (1.5, "1.5s"), (123.25, "2m3.25s"), (3600, "1h0m0s")],
)
def test_durations_are_written_as_go_does(seconds: float, text: str) -> None:
    assert duration(seconds) == text
