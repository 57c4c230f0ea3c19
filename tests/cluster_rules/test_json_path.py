import pytest

from pytilt.cluster.json_path import find
from pytilt.errors import UserError

ROOT = {
    "spec": {
        "image": "a",
        "dotted.key": "d",
        "parts": [{"name": "x", "image": "b", "n": 1}, {"name": "y", "image": "c", "n": 2}, {"image": "e"}],
    }
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("{.spec.image}", ["a"]),
        (".spec.image", ["a"]),
        ("spec.image", ["a"]),
        ("{$.spec.image}", ["a"]),
        ("{.spec['image']}", ["a"]),
        ("{.spec['dotted.key']}", ["d"]),
        (r"{.spec.dotted\.key}", ["d"]),
        ("{.spec['image','dotted.key']}", ["a", "d"]),
        ("{.spec.parts[*].image}", ["b", "c", "e"]),
        ("{.spec.parts[0].image}", ["b"]),
        ("{.spec.parts[-1].image}", ["e"]),
        ("{.spec.parts[0,1].image}", ["b", "c"]),
        ("{.spec.parts[1:].image}", ["c", "e"]),
        ("{.spec.parts[::2].image}", ["b", "e"]),
        ('{.spec.parts[?(@.name=="y")].image}', ["c"]),
        ("{.spec.parts[?(@.name != 'y')].image}", ["b"]),
        ("{.spec.parts[?(@.n > 1)].image}", ["c"]),
        ("{.spec.parts[?(@.name)].image}", ["b", "c"]),
        ("{..image}", ["a", "b", "c", "e"]),
        ("{.spec..name}", ["x", "y"]),
        ("{.spec.*}", ["a", "d", ROOT["spec"]["parts"]]),
        ("{.nothing.there}", []),
        ("{.spec.image.deeper[0]}", []),
        ("{.spec.parts[7].image}", []),
    ],
)
def test_a_path_leads_to_its_values(path, values):
    assert [place.value for place in find(path, ROOT)] == values


@pytest.mark.parametrize("path", ["", "{}", "{.a[}", "{.a[b]}", "{.a b}", "{.a[?(b)]}", "{.a[?(@.b==c)]}"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(UserError, match="is not a JSON path"):
        find(path, ROOT)


def test_a_place_can_be_written_to():
    root = {"a": [{"b": "old"}]}
    place = find("{.a[0].b}", root)[0]
    place.holder[place.key] = "new"
    assert root == {"a": [{"b": "new"}]}
