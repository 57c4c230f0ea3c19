import inspect
import re
from pathlib import Path

import pytest

from pytilt import settings
from pytilt.errors import UserError
from pytilt.settings import Settings


@pytest.mark.parametrize(("text", "size"), [("", 2**30), ("200M", 200 * 2**20), ("2g", 2**31), ("5000", 5000)])
def test_the_size_of_a_log_is_a_number_with_a_unit(text: str, size: int):
    assert Settings.from_environment({"HOME": "/h", "TILT_LOG_SIZE": text}).log_bytes == size


@pytest.mark.parametrize("text", ["0", "lots", "5T", "-1M", "²", "²M", "9" * 5000])
def test_a_size_that_is_none_is_refused(text: str):
    with pytest.raises(UserError, match="TILT_LOG_SIZE"):
        Settings.from_environment({"HOME": "/h", "TILT_LOG_SIZE": text})


@pytest.mark.parametrize("text", ["x", "-1", "65536", "²", "9" * 5000])
def test_a_port_that_is_none_is_refused(text: str):
    with pytest.raises(UserError, match="which is not a port"):
        Settings.from_environment({"HOME": "/h", "TILT_PORT": text})


@pytest.mark.parametrize(("text", "wanted"), [("", True), ("1", True), ("0", False), ("false", False)])
def test_buildkit_is_switched_off_as_docker_reads_it(text: str, wanted: bool):
    assert Settings.from_environment({"HOME": "/h", "DOCKER_BUILDKIT": text}).buildkit is wanted


def test_every_variable_that_is_read_is_in_the_docs():
    read = set(re.findall(r'env\.get\("([A-Z_]+)"', inspect.getsource(settings)))
    page = (Path(__file__).parents[1] / "docs" / "environment.md").read_text()
    assert {"TILT_PORT", "KUBECONFIG"} <= read
    assert [name for name in sorted(read) if not re.search(rf"\b{name}\b", page)] == []
