import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded

from pytilt.engines.health.grpc import HealthCheck, Status

HEALTHY = b"\0\0\0\0\2\x08\1"
SICK = b"\0\0\0\0\2\x08\2"
EMPTY = b"\0\0\0\0\0"


class Server:
    """The other side of one call."""

    def __init__(self, check):
        self.http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.http.initiate_connection()
        self.events = self.http.receive_data(check.question)

    def answer(self, message, headers=(), trailers=(), *, padded=None):
        self.http.send_headers(1, [(":status", "200"), *headers], end_stream=not (message or trailers))
        if message:
            self.http.send_data(1, message, pad_length=padded)
        if trailers:
            self.http.send_headers(1, list(trailers), end_stream=True)
        return self.http.data_to_send()


def asked(service=""):
    server = Server(HealthCheck("a:1", service))
    (request,) = (each for each in server.events if isinstance(each, RequestReceived))
    data = b"".join(each.data for each in server.events if isinstance(each, DataReceived))
    assert any(isinstance(each, StreamEnded) for each in server.events)
    return dict(request.headers), data


def test_the_question_is_one_call_on_a_connection_of_its_own():
    headers, data = asked("shop")
    assert (headers[":path"], headers[":authority"]) == ("/grpc.health.v1.Health/Check", "a:1")
    assert (headers["content-type"], headers["te"]) == ("application/grpc", "trailers")
    assert data == b"\0\0\0\0\6" + b"\x0a\4shop"


def test_the_server_as_a_whole_has_no_name():
    assert asked()[1] == EMPTY


@pytest.mark.parametrize(("length", "number"), [(300, b"\xac\x02"), (20_000, b"\xa0\x9c\x01")])
def test_a_long_name_of_a_service_is_sent_whole(length, number):
    assert asked("s" * length)[1].endswith(b"\x0a" + number + b"s" * length)


def reset(server):
    server.http.reset_stream(1)
    return server.http.data_to_send()


def go_away(server):
    server.http.close_connection()
    return server.http.data_to_send()


@pytest.mark.parametrize(
    ("answer", "status", "failure"),
    [
        (lambda server: server.answer(HEALTHY), Status.SERVING, ""),
        (lambda server: server.answer(HEALTHY, padded=2), Status.SERVING, ""),
        (lambda server: server.answer(SICK), Status.NOT_SERVING, ""),
        (lambda server: server.answer(EMPTY), Status.UNKNOWN, ""),
        (lambda server: server.answer(b"", [("grpc-status", "14")]), None, "grpc status 14"),
        (
            lambda server: server.answer(b"", (), [("grpc-status", "5"), ("grpc-message", "unknown service")]),
            None,
            "unknown service",
        ),
        (
            lambda server: server.answer(b"", [("grpc-status", "12")]),
            None,
            "this server does not implement the grpc health protocol (grpc.health.v1.Health)",
        ),
        (reset, None, ""),
        (go_away, None, ""),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_answer_is_read_whatever_pieces_it_comes_in(answer, status, failure, size):
    check = HealthCheck("a:1")
    said = answer(Server(check))
    for start in range(0, len(said), size):
        check.receive(said[start : start + size])
    assert (check.status, check.failure, check.over) == (status, failure, True)


def test_what_the_server_wants_confirmed_is_confirmed():
    check = HealthCheck("a:1")
    server = Server(check)
    server.http.ping(b"12345678")
    reply = check.receive(server.http.data_to_send())
    assert any(event.__class__.__name__ == "PingAckReceived" for event in server.http.receive_data(reply))
    assert not check.over


@pytest.mark.parametrize("said", [b"\0" * 100, b"\0\0\7\0\0\0\0\0\1" + HEALTHY])
def test_what_is_not_http_2_ends_the_call(said):
    check = HealthCheck("a:1")
    check.receive(said)
    assert (check.status, check.over) == (None, True)
    assert check.failure.startswith("this is not HTTP/2")
