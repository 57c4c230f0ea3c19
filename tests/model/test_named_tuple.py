from __future__ import annotations

import copy
import pickle

import pytest

from pytilt.model.named_tuple import NamedTuple


class Point(NamedTuple):
    x: int
    y: int = 2

    @property
    def total(self) -> int:
        return self.x + self.y


def test_its_items_have_names_and_defaults():
    assert (Point(1), Point(x=1, y=2), Point(1).total) == ((1, 2), (1, 2), 3)
    assert (Point(1)._replace(y=5), Point(1)._asdict(), Point._fields) == (Point(1, 5), {"x": 1, "y": 2}, ("x", "y"))
    assert repr(Point(1)) == "Point(x=1, y=2)"
    x, y = Point(1)
    assert (x, y) == (1, 2)


@pytest.mark.parametrize(("given", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"z": 1}), ((1,), {"x": 1})])
def test_other_items_are_an_error(given: tuple[int, ...], named: dict[str, int]):
    with pytest.raises(TypeError):
        Point(*given, **named)


def test_an_item_cannot_be_set():
    point = Point(1)
    with pytest.raises(AttributeError):
        point.x = 5  # type: ignore[misc]  # that it fails is what is tested


def test_it_is_copied_as_what_it_is():
    assert [type(each) for each in (copy.copy(Point(1)), pickle.loads(pickle.dumps(Point(1))))] == [Point, Point]
