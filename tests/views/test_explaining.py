import pytest

from pytilt.errors import UserError
from pytilt.model.api.words import GROUP, KINDS, KindWords, find_words
from pytilt.views.explaining import explain
from pytilt.views.shapes import FieldType, kind_shape, metadata_shape


def explained(word: str, *path: str, recursive: bool = False) -> str:
    words = find_words(word)
    assert words is not None
    return explain(words, path, recursive=recursive)


def without_text(shape: FieldType, place: str, seen: set[FieldType]) -> list[str]:
    """The fields of which nobody has said what they mean."""
    if shape in seen:
        return []
    seen.add(shape)
    bare = [f"{place}.{each.name}" for each in shape.fields if not each.text]
    return bare + [name for each in shape.fields for name in without_text(each.shape, f"{place}.{each.name}", seen)]


@pytest.mark.parametrize("words", [each for each in KINDS if each.group == GROUP], ids=lambda each: each.name)
def test_every_field_of_tilts_kinds_is_explained(words: KindWords):
    kind, seen = kind_shape(words), set[FieldType]()
    assert kind.text
    assert all(each.text for each in kind.parts)
    shapes = [metadata_shape(), *(each.shape for each in kind.parts)]
    assert [name for shape in shapes for name in without_text(shape, words.name, seen)] == []


@pytest.mark.parametrize("words", KINDS, ids=lambda each: each.resource)
def test_every_kind_is_explained_with_all_its_fields(words: KindWords):
    text = explain(words, (), recursive=True)
    assert text.startswith(
        f"GROUP:      {words.group}\nKIND:       {words.name}\nVERSION:    v1alpha1\n\nDESCRIPTION:\n"
    )
    assert "\n  metadata\t<ObjectMeta>\n    annotations\t<map[string]string>\n" in text


def test_a_kind_has_its_fields_in_their_order_with_what_they_mean():
    text = explained("cmd", "spec")
    assert (
        "FIELD: spec <CmdSpec>\n\n\nDESCRIPTION:\n    What runs, and when.\n    \nFIELDS:\n  args\t<[]string>\n" in text
    )
    assert "  restartOn\t<RestartOnSpec>\n    What starts an object again: a file that changed, a click.\n" in text


def test_a_field_may_be_inside_of_a_list():
    text = explained("uiresources", "status", "buildHistory", "spanID")
    assert text.endswith("FIELD: spanID <string>\n\n\nDESCRIPTION:\n    Its lines in the log.\n    \n")


def test_a_field_may_have_few_values():
    assert "FIELD: updateStatus <string>\nenum: none, pending, " in explained("uiresource", "status", "updateStatus")


def test_a_field_that_is_not_there_is_an_error_that_names_those_there_are():
    with pytest.raises(UserError, match='field "nix" does not exist') as raised:
        explained("cm", "nix")
    assert raised.value.hint == "there are: apiVersion, kind, metadata, data"
