"""The helper, as an image would bring it."""

import os
from pathlib import Path

import pytest

from pytilt.synclet.binaries import binary


@pytest.fixture(scope="session")
def helper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("helper") / "synclet"
    place.write_bytes(binary({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]))
    place.chmod(0o755)
    return place
