import re

from hypothesis import given
from hypothesis import strategies as st

from pytilt.cli.objects.describe import described


@given(st.text(alphabet="aBC1٣é-_ ", max_size=8))
def test_the_name_of_a_field_is_split_into_its_words(name: str):
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+", name)
    title = " ".join(word[0].upper() + word[1:] for word in words)
    *_, line = described({"spec": {name: 5}})
    assert line == f"  {title}:  5"


def test_acronyms_are_capitals():
    *_, first, second, third = described({"spec": {"podIP": 1, "uid": 2, "apiURLPath": 3}})
    assert [line.split(":")[0].strip() for line in (first, second, third)] == ["API URL Path", "Pod IP", "UID"]
