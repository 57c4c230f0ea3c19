import sys

from pytilt.model.modules import lazy


def test_a_module_is_imported_when_it_is_first_used():
    colorsys = lazy("colorsys")
    sys.modules.pop("colorsys", None)
    assert "colorsys" not in sys.modules
    assert colorsys.rgb_to_hsv(0.0, 0.0, 0.0) == (0.0, 0.0, 0.0)
    assert sys.modules["colorsys"].rgb_to_hls is colorsys.rgb_to_hls
