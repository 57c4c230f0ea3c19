from pytilt.loop.planning.identity_cache import IdentityCache


class Finding:
    """Counts how often something is found."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


def test_an_answer_is_found_once_for_the_same_objects():
    answers, find = IdentityCache[int](), Finding()
    one, equal = ["one"], ["one"]
    assert [answers.get("a", (one,), find) for _ in range(2)] == [1, 1]
    assert answers.get("b", (one,), find) == 2
    assert answers.get("a", (equal,), find) == 3
    assert answers.get("a", (one,), find) == 4
    assert answers.get("a", (one, one), find) == 5


def test_the_oldest_answers_are_forgotten():
    answers, find, given = IdentityCache[int](limit=2), Finding(), (object(),)
    for name in "abc":
        answers.get(name, given, find)
    assert [answers.get(name, given, find) for name in "bca"] == [2, 3, 4]
