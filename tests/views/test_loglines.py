import pytest

from pytilt.model.logs import Level
from pytilt.views.loglines import clock, finds, links, loudness, unfolded


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"level":"info","msg":"stored","items":3}', "info stored items=3"),
        ('{"severity":"WARNING","message":"slow","path":"/a b"}', 'warning slow path="/a b"'),
        ('{"ts":1,"lvl":"debug","event":"x","nested":{"a":[1]}}', 'debug x nested={"a":[1]}'),
        ('{"msg":"only a message"}', "only a message"),
        ('{"time":"now","msg":"m","ok":true,"none":null,"empty":""}', 'm ok=true none=null empty=""'),
        ('{"no":"message"}', '{"no":"message"}'),
        ("{not json}", "{not json}"),
        ("plain text", "plain text"),
        ("[1, 2]", "[1, 2]"),
    ],
)
def test_a_json_line_is_unfolded_to_words(text, shown):
    assert unfolded(text) == shown


@pytest.mark.parametrize(
    ("text", "level", "loud"),
    [
        ('{"level":"error","msg":"x"}', Level.INFO, Level.ERROR),
        ('{"level":"warn","msg":"x"}', Level.INFO, Level.WARN),
        ('{"level":"info","msg":"error"}', Level.INFO, Level.INFO),
        ("error: no json", Level.INFO, Level.INFO),
        ('{"level":"error"}', Level.WARN, Level.WARN),
    ],
)
def test_a_json_line_is_as_loud_as_it_says(text, level, loud):
    assert loudness(text, level) is loud


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("open http://localhost:8200/.", ["http://localhost:8200/"]),
        ("(https://a.b/c?d=e) and http://f.g", ["https://a.b/c?d=e", "http://f.g"]),
        ("no address: http://", []),
    ],
)
def test_addresses_are_found_without_the_punctuation_around_them(text, urls):
    assert [text[span.start : span.end] for span in links(text)] == urls


def test_capital_letters_matter_when_the_words_have_some():
    assert [span.start for span in finds("Error error", "error")] == [0, 6]
    assert [span.start for span in finds("Error error", "Error")] == [0]
    assert list(finds("anything", "")) == []


def test_the_clock_of_a_line():
    assert clock("2026-03-02T12:00:01.123456Z") == "12:00:01"
