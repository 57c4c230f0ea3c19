import pytest

from pytilt.errors import UserError
from pytilt.tiltfile.arguments.versions import version_matches


@pytest.mark.parametrize(
    ("constraint", "fits"),
    [
        (">=0.37.0", True),
        (">=0.37.3", False),
        (">0.36.9 <0.38.0", True),
        (">=0.30.0 <0.37.0 || >=0.37.1", True),
        ("0.37.2", True),
        ("!0.37.2", False),
        ("0.37.x", True),
        ("0.36.x", False),
        ("<1", True),
    ],
)
def test_a_version_fits_or_does_not(constraint, fits):
    assert version_matches("0.37.2", constraint) is fits


def test_what_is_no_constraint_is_refused():
    with pytest.raises(UserError, match="error parsing version constraint"):
        version_matches("0.37.2", "latest")
