import pytest
from rich.cells import cell_len

from pytilt.hud.options import DARK
from pytilt.hud.pieces import Piece, both_ends, cut, fit, fit_middle, length, link, segments, wrapped
from pytilt.hud.themes import palette
from pytilt.views.dots import Tone


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [("web", 5, "web  "), ("catalog", 5, "cata…"), ("catalog", 7, "catalog"), ("日本語", 4, "日 …"), ("x", 0, "")],
)
def test_a_text_is_cut_or_filled_to_its_cells(text, width, fitted):
    assert fit(text, width) == fitted


def test_a_text_may_be_at_the_right():
    assert fit("3m", 4, right=True) == "  3m"


def test_the_end_of_a_pod_name_is_kept():
    assert fit_middle("catalog-79f5bd4c66-lw9vd", 15) == "catalog…6-lw9vd"
    assert fit_middle("db-0", 6) == "db-0  "


@pytest.mark.parametrize("width", [5, 11, 12])
def test_a_pod_name_is_cut_by_its_cells(width):
    assert cell_len(fit_middle("日本語サービス-7c9d", width)) == width


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("the quick brown fox", 19, ["the quick brown fox"]),
        ("the quick brown fox", 12, ["the quick", "  brown fox"]),
        ("  File main.py is gone", 14, ["  File main.py", "  is gone"]),
        ("x" * 25 + " y", 10, ["x" * 10, "x" * 10, "xxxxx y"]),
        ("日本語サービス", 6, ["日本語", "サービ", "ス"]),
        ("", 6, [""]),
    ],
)
def test_a_text_is_wrapped_between_words_where_that_is_possible(text, width, lines):
    assert wrapped(text, width) == lines


def test_pieces_beyond_the_width_are_left_out_and_the_last_is_cut():
    pieces = [Piece(text="abc"), Piece(text="defg", tone=Tone.OK), Piece(text="h")]
    assert [piece.text for piece in cut(pieces, 5)] == ["abc", "d…"]
    assert cut(pieces, 3) == pieces[:1]


def test_both_ends_of_a_line_are_used_and_the_right_one_wins():
    line = both_ends([Piece(text="left")], [Piece(text="right")], 12)
    assert "".join(piece.text for piece in line) == "left   right"
    assert "".join(piece.text for piece in both_ends([Piece(text="left")], [Piece(text="right")], 8)) == "l… right"


def test_a_link_opens_when_it_is_clicked():
    piece = link("http://localhost:8200/it's", "web")
    (segment,) = segments([piece], palette(DARK))
    assert segment.style is not None
    assert segment.style.meta == {"@click": """app.open_link("http://localhost:8200/it's")"""}
    assert length([piece]) == 3
