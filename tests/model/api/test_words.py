import pytest

from pytilt.model.api.words import KINDS, find_words
from pytilt.views.api import kinds


def test_the_words_are_those_of_the_kinds_that_a_session_serves():
    served = [(kind.name, kind.plural, kind.group, kind.short, kind.verbs) for kind in kinds()]
    assert [(kind.name, kind.plural, kind.group, kind.short, kind.verbs) for kind in KINDS] == served


@pytest.mark.parametrize("word", ["uiresource", "UIResources", "uiresources.tilt.dev"])
def test_a_kind_is_found_by_any_of_its_words(word: str):
    found = find_words(word)
    assert found is not None
    assert found.plural == "uiresources"


def test_a_short_name_is_one_too_and_others_are_none():
    assert [each.name for each in (find_words("cm"), find_words("kapp")) if each] == ["ConfigMap", "KubernetesApply"]
    assert find_words("pods") is None
