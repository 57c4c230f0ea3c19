from pytilt.store.objects import Store
from pytilt.views.dots import Dot
from pytilt.views.groups import Filter, Show, groups
from pytilt.views.rows import rows
from tests import samples


def found(*objects):
    store = Store()
    for each in objects:
        store.put(each)
    return rows(store.snapshot())


def names(some):
    return {group.title: [row.name for row in group.rows] for group in some}


def test_rows_are_in_the_groups_of_their_labels_by_name_and_the_rest_last():
    assert names(groups(found(*samples.shop()))) == {
        "backend": ["db", "catalog", "cart"],
        "checks": ["lint", "docs"],
        "frontend": ["web"],
        "without label": ["(Tiltfile)"],
    }


def test_without_labels_there_is_one_group_in_the_order_of_the_display():
    plain = found(*samples.frame(), samples.local("b", 1), samples.local("a", 2))
    (only,) = groups(plain)
    assert (only.label, [row.name for row in only.rows]) == ("", ["b", "a", "(Tiltfile)"])


def test_the_unhealthy_alone():
    assert names(groups(found(*samples.crashing()), Filter(show=Show.UNHEALTHY))) == {"backend": ["catalog"]}


def test_the_pending_alone():
    shown = names(groups(found(*samples.building()), Filter(show=Show.PENDING)))
    assert shown == {"backend": ["db", "catalog"], "frontend": ["web"]}


def test_a_text_in_any_case():
    wanted = Filter(text="CA")
    assert names(groups(found(*samples.shop()), wanted)) == {"backend": ["catalog", "cart"]}
    assert wanted.shown == '"CA"'


def test_a_filter_that_hides_nothing_is_not_active():
    assert not Filter().active
    assert Filter(show=Show.PENDING).shown == "pending"


def test_a_group_counts_its_dots_the_worst_first():
    (backend, *_) = groups(found(*samples.crashing()))
    assert backend.counts == ((Dot.ERROR, 1), (Dot.OK, 2))
