import pytest
from rich.cells import cell_len

from pytilt.hud.columns import cells, columns, short_url, titles
from pytilt.hud.pieces import length
from pytilt.model.resources import Link
from pytilt.store.objects import Store
from pytilt.views.rows import rows
from tests import samples


def found(*objects):
    store = Store()
    for each in objects:
        store.put(each)
    return rows(store.snapshot())


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (79, ["RESOURCE", "STATUS", "UPDATE", "AGE", "RECENT"]),
        (119, ["RESOURCE", "STATUS", "UPDATE", "AGE", "RECENT", "RESTARTS", "MODE", "ENDPOINTS"]),
        (249, ["RESOURCE", "STATUS", "UPDATE", "AGE", "RECENT", "RESTARTS", "MODE", "ENDPOINTS", "POD"]),
    ],
)
def test_a_wider_terminal_shows_more_columns(width, shown):
    assert [column.title for column in columns(width, 10)] == shown


@pytest.mark.parametrize("width", range(79, 260, 7))
@pytest.mark.parametrize("longest", [3, 14, 60])
def test_no_line_is_wider_than_the_table(width, longest):
    chosen = columns(width, longest)
    assert length(titles(chosen)) <= width
    for row in (*found(*samples.crashing()), *found(*samples.building())):
        assert 4 + length(cells(chosen, row, samples.NOON)) <= width


@pytest.mark.parametrize("name", ["日本語サービス", "émoji-🚀-service", "日本語サービス" * 9])
@pytest.mark.parametrize("width", [79, 120, 249])
def test_names_are_cut_and_filled_by_their_cells(name, width):
    (row, *_) = found(*samples.frame(), samples.local(name, 1))
    (*_, plain) = found(*samples.frame())
    chosen = columns(width, cell_len(name))
    assert length(cells(chosen, row, samples.NOON)) == length(cells(chosen, plain, samples.NOON))


def test_before_there_is_any_room_there_are_columns_all_the_same():
    assert [column.title for column in columns(0, 0)] == ["RESOURCE", "STATUS", "UPDATE", "AGE", "RECENT"]


def test_restarts_are_with_the_status_where_they_have_no_column():
    catalog = found(*samples.crashing())[1]
    assert "CrashLoopBackOff ↻2" in "".join(p.text for p in cells(columns(79, 10), catalog, samples.NOON))


@pytest.mark.parametrize(
    ("link", "short"),
    [
        (Link(url="http://localhost:8200/"), ":8200"),
        (Link(url="http://localhost:8200/a/b"), ":8200/a/b"),
        (Link(url="https://shop.example.com/x"), "shop.example.com/x"),
        (Link(url="http://10.0.0.1:80"), "10.0.0.1:80"),
        (Link(url="http://localhost:1", name="style"), "style"),
    ],
)
def test_an_endpoint_in_few_characters(link, short):
    assert short_url(link) == short
