from scripts.page_types import TARGET, types


def test_the_types_of_the_page_are_those_of_the_models():
    assert TARGET.read_text() == types(), "run scripts/page_types.py"
