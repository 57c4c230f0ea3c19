"""The extensions that a Tiltfile uses, as Tilt's API has them."""

from collections.abc import Mapping

from pytilt.model.base import Value


class UsedExtension(Value):
    """An `Extension`, or the `ExtensionRepo` that it is taken from."""

    plural: str
    """`extensions` or `extensionrepos`."""
    name: str
    annotations: tuple[tuple[str, str], ...] = ()
    spec: Mapping[str, str | list[str]]
    """With the API's names."""
    path: str = ""
    """On this machine: of the Tiltfile, or of the folder; empty for what nothing was taken from."""
    error: str = ""
    """Why it cannot be used; only of one that a client added, as others fail with the Tiltfile."""
    added: bool = False
    """Did a client add it beside the Tiltfile?"""
