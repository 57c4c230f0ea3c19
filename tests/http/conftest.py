"""What tests of connections start from."""

from pathlib import Path

import pytest

from tests.http.certificates import Certificate, make_certificate


@pytest.fixture
async def certificate(tmp_path: Path) -> Certificate:
    """A certificate for `localhost`."""
    return await make_certificate(tmp_path)
