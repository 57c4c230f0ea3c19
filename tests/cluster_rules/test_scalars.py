import math

import pytest

from pytilt.cluster import scalars

TAG = "tag:yaml.org,2002:"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-01", "2024-01-01"),
        ("12:30", "12:30"),
        ("yes", True),
        ("off", False),
        ("y", True),
        ("Y", True),
        ("n", False),
        ("N", False),
        ("tRue", "tRue"),
        ("0644", 0o644),
        ("0o17", 15),
        ("0O17", 15),
        ("-017", -15),
        ("0o8", "0o8"),
        ("08", 8),
        ("0x1F", 31),
        ("0X1f", 31),
        ("0b11", 3),
        ("-0b11", -3),
        ("0b2", "0b2"),
        ("-5", -5),
        ("+5", 5),
        ("--5", "--5"),
        ("0", 0),
        ("-0.0", 0),
        ("1_000", 1000),
        ("_1", "_1"),
        ("1_0.5", 10.5),
        (".5_5", 0.55),
        ("._5", "._5"),
        ("1e3", 1000),
        ("1.0", 1),
        ("5.", 5),
        (".5", 0.5),
        ("1.10", 1.1),
        ("1e400", "1e400"),
        ("1e21", 1e21),
        ("9223372036854775807", 9223372036854775807),
        ("18446744073709551615", 18446744073709551615.0),
        ("18446744073709551616", 18446744073709551616.0),
        ("0x7fffffffffffffffff", "0x7fffffffffffffffff"),
        ("~", None),
        ("", None),
        ("nUll", "nUll"),
        ("=", "="),
        ("1.2.3", "1.2.3"),
        (".iNf", ".iNf"),
        ("1 2", "1 2"),
        ("-", "-"),
        (".", "."),
    ],
)
def test_a_plain_text_means_what_it_means_to_kubernetes(text, value):
    found = scalars.value(scalars.PLAIN, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "1", "1"),
        ("int", "1_0", 10),
        ("float", "5", 5),
        ("float", "1.5", 1.5),
        ("bool", "y", True),
        ("null", "", None),
        ("timestamp", "2024-01-01", "2024-01-01"),
        ("binary", "aGVs\nbG8=\n", "hello"),
        ("binary", "/w==", "\ufffd"),
        ("set", "1", "1"),
    ],
)
def test_a_tag_says_what_a_text_means(tag, text, value):
    found = scalars.value(TAG + tag, text)
    assert found == value
    assert type(found) is type(value)


def test_a_tag_of_ones_own_makes_a_string():
    assert scalars.value("!vault", "5") == "5"


@pytest.mark.parametrize(
    ("tag", "text"),
    [("int", "x"), ("int", "1.5"), ("int", ""), ("float", "x"), ("bool", "x"), ("null", "x"), ("timestamp", "x")],
)
def test_a_text_that_is_not_what_its_tag_says_is_refused(tag, text):
    with pytest.raises(ValueError, match=f"`{text}` is no `!!{tag}`"):
        scalars.value(TAG + tag, text)


def test_binary_that_is_no_base64_is_refused():
    with pytest.raises(ValueError, match="`!!` is no `!!binary`: it is not valid base64"):
        scalars.value(f"{TAG}binary", "!!")


@pytest.mark.parametrize(("text", "name"), [(".inf", r"\+Inf"), ("-.INF", "-Inf"), (".nan", "NaN")])
def test_what_json_has_no_words_for_is_refused(text, name):
    with pytest.raises(ValueError, match=f"{name} is no value that Kubernetes knows"):
        scalars.value(scalars.PLAIN, text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("80", "80"),
        ("y", "true"),
        ("N", "false"),
        ("1.5", "1.5"),
        ("1.0", "1"),
        ("0x10", "16"),
        ("-0.0", "-0"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("100000.5", "100000.5"),
        ("1234567.5", "1.2345675e+06"),
        ("3.14159265358979", "3.1415927"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("1e39", ".inf"),
        ("12:30", "12:30"),
    ],
)
def test_keys_are_strings(text, key):
    assert scalars.key(scalars.PLAIN, text) == key


@pytest.mark.parametrize(("text", "message"), [("~", "a key cannot be null"), ("18446744073709551615", "too large")])
def test_a_key_that_kubernetes_does_not_take_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        scalars.key(scalars.PLAIN, text)


def test_a_float_that_json_cannot_hand_on_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        scalars.number(math.nan)
