"""The built binaries, one for each architecture; the build hook puts them beside this module."""

from pathlib import Path

from pytilt.errors import ApplyError


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
