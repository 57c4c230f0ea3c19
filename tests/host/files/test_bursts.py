"""While many files are written, events are read more rarely."""

from pytilt.host.files.bursts import Bursts


def test_a_few_saves_are_followed_at_once():
    bursts = Bursts()
    assert not any(bursts.pause(1, 10 + 0.01 * i) for i in range(20))


def test_the_pauses_of_a_burst_grow_until_it_is_over():
    bursts = Bursts()
    assert [bursts.pause(written, 10) for written in (20, 1, 178, 1, 1, 2)] == [0, 0.02, 0.02, 0.02, 0.04, 0.04]
    assert not bursts.pause(0, 10.01)
    assert bursts.pause(1, 10.03) == 0.04
    assert not bursts.pause(1, 10.1)
