from datetime import UTC, datetime, timedelta

import pytest

from pytilt.images.pruning import StoredImage, human_size, stale_images
from pytilt.model.resources import PruneSettings

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def image(name: str, hours: float, *tags: str) -> StoredImage:
    return StoredImage(id=name, tags=tags or (f"web:{name}",), since=NOW - timedelta(hours=hours))


def gone(*images: StoredImage, keep: int = 0, hours: float = 6) -> list[str]:
    settings = PruneSettings(max_age_seconds=hours * 3600, keep_recent=keep)
    return [each.id for each in stale_images(images, {"web", "localhost:5001/web"}, settings, NOW)]


def test_what_is_younger_than_the_limit_stays():
    assert gone(image("old", 7), image("young", 5)) == ["old"]


def test_an_age_below_zero_spares_nothing():
    assert gone(image("new", 0), hours=-1) == ["new"]


def test_the_newest_of_the_old_ones_stay():
    assert gone(image("a", 9), image("b", 8), image("c", 7), keep=2) == ["a"]


def test_images_of_others_stay_also_if_they_have_one_of_our_names_too():
    assert gone(image("other", 9, "api:1"), image("both", 9, "web:1", "api:1"), image("none", 9, "nonsense:::")) == []


def test_an_image_with_its_name_in_the_registry_too_goes():
    assert gone(image("pushed", 9, "web:1", "localhost:5001/web:1")) == ["pushed"]


@pytest.mark.parametrize(("number", "shown"), [(0, "0B"), (999, "999B"), (2_470_014, "2.47MB"), (3 * 10**12, "3TB")])
def test_sizes_are_shown_as_docker_does(number, shown):
    assert human_size(number) == shown
