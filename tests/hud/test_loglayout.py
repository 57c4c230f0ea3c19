import pytest

from pytilt.hud.loglayout import LogLook, body, height, lead, parts
from pytilt.hud.logwindow import shown
from pytilt.views.dots import Tone
from tests.samples import line


@pytest.mark.parametrize("text", ["", "short", "x" * 35, "a long line of words " * 9, "日本語" * 20])
@pytest.mark.parametrize("wrap", [True, False])
def test_a_text_takes_as_many_rows_as_it_has_parts(text, wrap):
    look = LogLook(names=False, wrap=wrap)
    found = parts(text, look, 34)
    assert len(found) == height(text, look, 34)
    assert "".join(part.text for part in found) == text


def test_names_and_times_are_before_the_first_part_only():
    look = LogLook(times=True)
    one = shown(line(0, "catalog", "text", seconds=0))
    assert "".join(piece.text for piece in lead(one, look, first=True)) == "12:00:00 catalog       │ "
    assert "".join(piece.text for piece in lead(one, look, first=False)) == "                       │ "


def test_lines_of_the_session_itself_are_said_by_tilt():
    assert lead(shown(line(0, "", "text")), LogLook(), first=True)[0].text.strip() == "tilt"


def test_links_and_found_words_are_marked_over_the_edge_of_a_part():
    text = "see http://localhost:8200/shop for more"
    look = LogLook(names=False, words="shop for")
    one = shown(line(0, "web", text))
    pieces = [piece for part in parts(text, look, 28) for piece in body(one, part, look, here=True)]
    assert "".join(piece.text for piece, _ in pieces) == text
    assert [piece.text for piece, _ in pieces if piece.tone is Tone.LINK] == ["http://localhost:8200/", "sh", "op"]
    assert "".join(piece.text for piece, hit in pieces if hit) == "shop for"
    assert {piece.action for piece, _ in pieces if piece.action} == {"app.open_link('http://localhost:8200/shop')"}


def test_elsewhere_found_words_are_marked_more_quietly():
    one = shown(line(0, "web", "error"))
    ((_, hit),) = body(one, parts("error", LogLook(), 80)[0], LogLook(words="error"), here=False)
    assert hit is False
