"""The built binaries, one for each architecture; the build hook puts them beside this module."""

import os
import sys
from pathlib import Path

from pytilt.errors import ApplyError

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Of a machine, in Go's words."""


def binary(architecture: str) -> bytes:
    """The static Linux executable.

    Args:
        architecture: of the machine that runs it, in Go's words: `amd64` or `arm64`.

    Raises:
        ApplyError: this installation was built without one for the architecture.
    """
    file = Path(__file__).with_name("bin") / f"synclet-linux-{architecture}"
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise ApplyError(
            f"this pytilt has no `synclet` for {architecture} machines",
            hint="install a wheel, or from source with Go on the machine",
        ) from error


def own_program() -> str | None:
    """The path of the executable for this machine; None where it is no Linux, or there is none that may be executed."""
    architecture = _ARCHITECTURES.get(os.uname().machine) if sys.platform == "linux" else None
    file = Path(__file__).with_name("bin") / f"synclet-linux-{architecture}"
    return str(file) if os.access(file, os.X_OK) else None
