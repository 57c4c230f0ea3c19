import base64
import json
import random
from urllib.parse import quote

import pytest

from pytilt.cluster.redaction import Redactor, forms

PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n\nMzEfYyjiWA4R4M2bS1GB4t7\n-----END KEY-----\n"
ODD = 'p@ss w"ord<1>\\'


def knowing(*values: str) -> Redactor:
    redactor = Redactor()
    redactor.learn((value, f"[{number}]") for number, value in enumerate(values))
    return redactor


@pytest.mark.parametrize(
    "text",
    [
        ODD,
        json.dumps(ODD)[1:-1],
        json.dumps(json.dumps(ODD))[3:-3],
        'p@ss w\\"ord\\u003c1\\u003e\\\\',
        quote(ODD, safe=""),
        base64.b64encode(ODD.encode()).decode(),
        base64.b64encode(f"{ODD}\n".encode()).decode(),
        base64.urlsafe_b64encode(ODD.encode()).decode().rstrip("="),
    ],
)
def test_a_value_is_found_in_every_form_and_without_its_last_newline(text: str):
    assert knowing(f"{ODD}\n")(f"see {text}!").startswith("see [0]")


@pytest.mark.parametrize("before", ["", "u:", "us:", "user:"])
def test_a_value_is_found_within_base64_of_something_longer(before: str):
    encoded = base64.b64encode(f"{before}correct-horse".encode()).decode()
    shown = knowing("correct-horse")(f"Authorization: Basic {encoded}")
    assert "[0]" in shown
    left = shown.removeprefix("Authorization: Basic ").split("[0]")
    assert len("".join(left)) <= len(base64.b64encode(f"{before}xx".encode()))


def test_each_line_of_a_value_of_several_lines_is_a_secret_and_the_armour_is_none():
    redactor = knowing(PEM)
    assert [redactor(line) for line in PEM.splitlines()] == [
        "-----BEGIN KEY-----",
        "[0]",
        "",
        "[0]",
        "-----END KEY-----",
    ]
    assert redactor(json.dumps({"key": PEM})) == '{"key": "[0]"}'


@pytest.mark.parametrize("line", ["logging:", "[mysqld]", "[[plugins.inputs]]", "==========", "}", "short"])
def test_a_line_that_says_nothing_is_no_secret(line: str):
    assert knowing(f"{line}\nthe-real-secret\n")(f"{line} the-real-secret") == f"{line} [0]"


def test_wrapped_base64_is_found_line_by_line():
    value = random.Random(1).randbytes(200)
    encoded = base64.b64encode(value).decode()
    redactor = knowing(value.decode(errors="surrogateescape"))
    for width in (64, 76):
        assert redactor(encoded[:width]) == "[0]"
        assert redactor(encoded[width : 2 * width]) == "[0]"


def test_short_values_are_no_secrets():
    assert forms("1234") == set()
    assert knowing("1234")("1234") == "1234"


def test_secrets_that_overlap_leave_nothing_of_each_other():
    assert knowing("abcdefgh", "efghijkl")("xabcdefghijklx") == "x[0]x"
    assert knowing("swordfish", "swordfish-two")("swordfish-two") == "[1]"


def test_a_secret_is_found_wherever_it_is():
    dice = random.Random(7)

    def word(least: int, most: int) -> str:
        return "".join(dice.choice("ab1=é") for _ in range(dice.randint(least, most)))

    for _ in range(3000):
        value, text = word(5, 30), word(0, 20)
        assert value not in knowing(value)(f"{text}{value}{word(0, 600)}")


def test_what_is_learnt_twice_is_not_new():
    redactor = knowing("swordfish")
    assert not redactor.learn([("swordfish", "[again]")])
    assert redactor
    assert not Redactor()


@pytest.mark.parametrize("width", [64, 76, 1000])
def test_a_key_is_found_when_its_lines_are_broken_elsewhere(width: int):
    body = base64.b64encode(random.Random(7).randbytes(200)).decode()
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    redactor = knowing("\n".join(["-----BEGIN KEY-----", *lines, "-----END KEY-----", ""]))
    for line in (body[at : at + width] for at in range(0, len(body), width)):
        assert redactor(line).replace("[0]", "") == ""
