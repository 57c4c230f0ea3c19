import itertools

from pytilt.views.resource_tree import LARGEST, ResourceTree, RowStatus

OK, BAD, WAITS = RowStatus("ok", "ok"), RowStatus("error", "not_applicable"), RowStatus("pending", "pending")
DIAMOND = {"web": ["db"], "api": ["db"], "e2e": ["web", "api"]}


def drawn(tree: ResourceTree, roots: list[str]) -> list[str]:
    return [f"{line.lead}{line.text}{[name for name, _ in line.also] or ''}" for line in tree.lines(roots)]


def test_resources_are_below_those_that_they_depend_on():
    tree = ResourceTree({"db": OK, "web": OK, "api": OK, "e2e": BAD, "bad": BAD}, DIAMOND)
    assert drawn(tree, tree.whole()) == [
        "├── bad (build error)",
        "└── db (ok)",
        "    ├── api (ok)",
        "    │   └── e2e (build error)",
        "    └── web (ok)",
        "        └── e2e (build error)",
    ]
    assert tree.counts(tree.whole()) == (5, {"ok": 3, "errors": 2})


def test_what_several_depend_on_may_be_drawn_once():
    tree = ResourceTree(
        {"db": OK, "web": OK, "api": OK, "e2e": BAD, "deep": OK}, {**DIAMOND, "deep": ["e2e"]}, dedupe=True
    )
    assert drawn(tree, tree.whole())[-2:] == ["    └── web (ok)", "        └── e2e (build error)['api']"]


def test_blockers_are_those_that_wait_for_nothing_that_is_bad():
    tree = ResourceTree({"db": BAD, "web": WAITS, "api": OK, "e2e": WAITS, "x": BAD}, DIAMOND)
    assert tree.blockers() == ["db", "x"]
    assert ResourceTree({"db": OK}, {}).blockers() == []


def test_a_tree_does_not_grow_without_end():
    layers = [(f"{layer}-a", f"{layer}-b") for layer in range(30)]
    names = [name for layer in layers for name in layer]
    below = {name: list(before) for before, layer in itertools.pairwise(layers) for name in layer}
    tree = ResourceTree(dict.fromkeys(names, OK), below)
    assert len(tree.lines(tree.whole())) == LARGEST + 1


def test_a_status_is_one_word():
    words = {RowStatus(*each).judged[0] for each in (("in_progress", "ok"), ("ok", "pending"), ("none", "none"))}
    assert words == {"building", "starting", "not started"}
