"""What clients may ask of a session, beside reading it."""

from collections.abc import Sequence
from typing import Protocol

from starlette.requests import Request

from pytilt.model.extensions import UsedExtension
from pytilt.model.names import ResourceName
from pytilt.model.updates import Reason


class Requests(Protocol):
    """What a request may ask of the session."""

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        """Ask for an update of a resource, or for an evaluation of the Tiltfile."""
        ...

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        """Enable or disable resources."""
        ...

    def set_args(self, args: Sequence[str]) -> bool:
        """Evaluate the Tiltfile with other arguments; return whether they differ from before."""
        ...

    def add_extension(self, extension: UsedExtension) -> bool:
        """Evaluate with an extension, or a repository of them, beside the Tiltfile; False: the name is taken."""
        ...

    def remove_extension(self, extension: UsedExtension) -> bool:
        """Evaluate without one that was added; False: there is none."""
        ...

    async def catch_up(self) -> None:
        """Wait until every change on disk up to this moment is known, and what is due because of it."""
        ...


async def catch_up(request: Request, requests: Requests) -> None:
    """Look at the disk before a question is answered, where it wants that."""
    if request.query_params.get("barrier"):
        await requests.catch_up()
