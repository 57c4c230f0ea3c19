import pytest

from pytilt.images.docker.failures import build_failure, client_failure, is_corruption, tidied


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("failed to solve with frontend dockerfile.v0: failed to build LLB: x", "x"),
        ("failed to solve: rpc error: code = Unknown desc = x", "x"),
        ("executor failed running [sh]: runc did not terminate sucessfully", "executor failed running [sh]"),
        ('failed to compute cache key: "/a" not found: not found', '"/a" not found'),
        ('failed to compute cache key: failed to calculate checksum of ref abc::d: "/a": not found', '"/a": not found'),
        (
            "failed to compute cache key: failed to walk /t/buildkit-mount1: lstat /t/buildkit-mount1/a: no such file",
            "a: no such file",
        ),
    ],
)
def test_buildkits_own_affairs_are_left_out(message: str, expected: str) -> None:
    assert tidied(message) == expected


@pytest.mark.parametrize(
    ("message", "where", "hint"),
    [
        ("dockerfile parse error line 2: unknown instruction: FOO", "/src/Dockerfile:2", "mend that line"),
        ("dockerfile parse error on line 7: FROM requires either one or three arguments", "/src/Dockerfile:7", "mend"),
        ("executor failed running [/bin/sh -c make]: exit code: 2", None, "the step's command failed"),
        ("executor failed running [/bin/sh -c nope]: exit code: 127", None, "program is not in the image"),
        ("The command '/bin/sh -c make' returned a non-zero code: 137", None, "want of memory"),
        ('"/nope" not found', None, "build context"),
        ("COPY failed: file not found in build context or excluded by .dockerignore", None, "build context"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", None, "`docker login`"),
        ("write /x: no space left on device", None, "make room"),
        ('Head "https://r/v2/": dial tcp: lookup r: no such host', None, "cannot reach the registry"),
        ("target stage x could not be found", None, "`target=`"),
        ("something new", None, "the log above"),
    ],
)
def test_a_failure_says_where_and_what_to_do(message: str, where: str | None, hint: str) -> None:
    error = build_failure(message, dockerfile="/src/Dockerfile")
    assert error.where == where
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    "words",
    [
        "executor failed running [/bin/sh -c make]: exit code: 2",
        'process "/bin/sh -c make" did not complete successfully: exit code: 2',
        "The command '/bin/sh -c make' returned a non-zero code: 2",
    ],
)
def test_a_failing_step_is_named_once_and_its_output_repeated(words: str) -> None:
    error = build_failure(words, dockerfile="", step="[2/2] RUN make", output="no rule")
    assert error.message == "[2/2] RUN make: exit code: 2"
    assert str(error).startswith("[2/2] RUN make: exit code: 2\nno rule\nhint: ")


PLAIN = """\
#7 [2/2] RUN --mount=type=secret,id=t sh build.sh
#7 0.213 compiling file 1
#7 0.214 error: syntax error in main.c:12
#7 ERROR: process "/bin/sh -c sh build.sh" did not complete successfully: exit code: 2
------
 > [2/2] RUN --mount=type=secret,id=t sh build.sh:
0.213 compiling file 1
0.214 error: syntax error in main.c:12
------
Dockerfile:3
--------------------
   3 | >>> RUN --mount=type=secret,id=t sh build.sh
--------------------
ERROR: failed to solve: process "/bin/sh -c sh build.sh" did not complete successfully: exit code: 2
"""


def test_the_cli_names_the_failing_step_and_what_it_printed() -> None:
    error = client_failure(PLAIN, dockerfile="/src/Dockerfile")
    assert error.message == "[2/2] RUN --mount=type=secret,id=t sh build.sh: exit code: 2"
    assert error.output == "error: syntax error in main.c:12\ncompiling file 1"


def test_of_a_cli_that_says_something_else_the_end_is_repeated() -> None:
    error = client_failure("one\ndockerfile parse error line 3: unknown instruction: X\n", dockerfile="/src/Dockerfile")
    assert str(error).startswith("/src/Dockerfile:3: dockerfile parse error line 3: unknown instruction: X")


def test_corruption_is_reported_by_both_of_its_words() -> None:
    assert is_corruption('failed commit on ref "x": unexpected commit size: failed precondition')
    assert not is_corruption("failed precondition")
