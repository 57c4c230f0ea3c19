import pytest

from pytilt.model.lines import Selection, Source
from pytilt.model.names import ResourceName, SpanId
from pytilt.model.times import time_of
from pytilt.store.blocks import BlockIndex

WEB = Source(resource=ResourceName("web"), span=SpanId("pod:web"))
DB = Source(resource=ResourceName("db"), span=SpanId("pod:db"))


@pytest.fixture
def index() -> BlockIndex:
    """Ten blocks of three lines, of two resources in turn, a second apart."""
    made = BlockIndex()
    for number in range(10):
        made.add(DB if number % 2 else WEB, number * 10**6, 3, 100 * number, 90)
    return made


def test_blocks_are_found_by_the_numbers_of_their_lines(index: BlockIndex):
    assert list(index.keys(Selection(), range(4, 9))) == [1, 2]
    assert [index.entry(key).number for key in index.keys(Selection(), range(30))] == list(range(0, 30, 3))


def test_blocks_are_found_by_resource_and_time(index: BlockIndex):
    web = Selection(resources=frozenset({WEB.resource}), since=time_of(3 * 10**6), until=time_of(8 * 10**6))
    assert list(index.keys(web, range(30))) == [4, 6]


def test_what_is_dropped_is_gone_and_the_rest_keeps_its_keys(index: BlockIndex):
    assert index.drop(450) == 15
    assert (index.first_number, len(index), index.next_number) == (15, 5, 30)
    assert list(index.keys(Selection(resources=frozenset({DB.resource})), range(30))) == [5, 7, 9]
    assert index.entry(7).begin == 700


def test_a_position_leads_to_its_block(index: BlockIndex):
    assert (index.at(0), index.at(95), index.at(190), index.at(901)) == (0, None, 1, 9)
