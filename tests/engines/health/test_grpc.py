import pytest

from pytilt.engines.health.grpc import PREFACE, HealthCheck, Status

SETTINGS = b"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\xfa"
HEADERS = b"\0\0\1\1\4\0\0\0\1\x88"
SERVING = b"\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\1"
NOT_SERVING = b"\0\0\7\0\0\0\0\0\1\0\0\0\0\2\x08\2"
EMPTY = b"\0\0\5\0\0\0\0\0\1\0\0\0\0\0"
PADDED = b"\0\0\x0a\0\x08\0\0\0\1\2\0\0\0\0\2\x08\1\0\0"
TRAILERS_ONLY = b"\0\0\1\1\5\0\0\0\1\x88"
RESET = b"\0\0\4\3\0\0\0\0\1\0\0\0\2"
GOAWAY = b"\0\0\x08\7\0\0\0\0\0\0\0\0\1\0\0\0\1"


def test_the_question_is_one_call_on_a_connection_of_its_own():
    question = HealthCheck("a:1", "shop").question
    assert question.startswith(PREFACE + b"\0\0\0\4\0\0\0\0\0")
    assert b"\0\x05:path\x1c/grpc.health.v1.Health/Check" in question
    assert b"\0\x0a:authority\x03a:1" in question
    assert question.endswith(b"\0\0\x0b\0\1\0\0\0\1" + b"\0\0\0\0\6" + b"\x0a\4shop")


def test_the_server_as_a_whole_has_no_name():
    assert HealthCheck("a:1").question.endswith(b"\0\0\5\0\1\0\0\0\1" + b"\0\0\0\0\0")


def test_a_long_name_of_a_service_is_sent_whole():
    assert HealthCheck("a:1", "s" * 300).question.endswith(b"\0\0\0\x01\x2f" + b"\x0a\xac\x02" + b"s" * 300)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (SERVING, Status.SERVING),
        (PADDED, Status.SERVING),
        (NOT_SERVING, Status.NOT_SERVING),
        (EMPTY, Status.UNKNOWN),
        (TRAILERS_ONLY, None),
        (RESET, None),
        (GOAWAY, None),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_answer_is_read_whatever_pieces_it_comes_in(answer, status, size):
    check, said = HealthCheck("a:1"), SETTINGS + (b"" if answer is TRAILERS_ONLY else HEADERS) + answer
    for start in range(0, len(said), size):
        check.receive(said[start : start + size])
    assert (check.status, check.over) == (status, True)


def test_what_the_server_wants_confirmed_is_confirmed_once():
    check = HealthCheck("a:1")
    ping = b"\0\0\x08\6\0\0\0\0\0" + b"12345678"
    assert check.receive(SETTINGS + ping) == b"\0\0\0\4\1\0\0\0\0" + b"\0\0\x08\6\1\0\0\0\0" + b"12345678"
    assert check.receive(b"\0\0\0\4\1\0\0\0\0") == b""
    assert not check.over
