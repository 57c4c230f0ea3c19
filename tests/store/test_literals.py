import re

import pytest

from pytilt.store.literals import required


@pytest.mark.parametrize(
    ("pattern", "choices"),
    [
        ("one", (("one",),)),
        ("(?i)The Needle", (("the needle",),)),
        ("(?i)RÉF", (("r",), ("f",))),
        ("ab+c", (("ab",), ("bc",))),
        ("a{2,3}b", (("a",), ("ab",))),
        ("on*e", (("o",), ("e",))),
        ("(ab)?c", (("c",),)),
        ("(foo|bar)x", (("foo", "bar"), ("x",))),
        ("foo|ba*r", (("foo", "b"),)),
        ("x|", ()),
        (r"needle \w+ (?:haystack)+", (("needle ",), (" ",), ("haystack",))),
        ("[ot]nx", (("nx",),)),
        ("(?x) a b # c", (("ab",),)),
        ("(?i:abc)d", (("d",),)),
        ("(?=abc)d", (("d",),)),
        (r"\d{5}", ()),
        ("", ()),
    ],
)
def test_the_words_of_a_pattern_are_in_every_line_that_has_it(pattern: str, choices: tuple[tuple[str, ...], ...]):
    assert required(pattern, re.compile(pattern).flags).choices == choices


@pytest.mark.parametrize("pattern", ["one", "a.b", "^a$", r"\d+|\w", "[a-z]*x", "(a|b)?c", "a(?=b)", r"(a)\1"])
def test_what_cannot_match_a_newline_is_searched_for_in_many_lines_at_once(pattern: str):
    assert required(pattern, re.compile(pattern).flags).one_line


@pytest.mark.parametrize(
    "pattern", [r"a\nb", r"\s", "[^a]", r"\D", r"[\s]", r"\Aa", r"a\Z", "(?s)a.b", "(?s:.)", "[\\t-~]", "(?<!a)[^b]"]
)
def test_what_may_match_a_newline_is_not(pattern: str):
    assert not required(pattern, re.compile(pattern).flags).one_line


@pytest.mark.parametrize(("pattern", "bare"), [("one", True), ("(?i)One", True), ("on.", False), ("a\nb", False)])
def test_a_word_alone_needs_no_second_look(pattern: str, bare: bool):
    assert required(pattern, re.compile(pattern).flags).bare == bare
