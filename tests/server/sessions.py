"""A session of a store that the test fills by hand, behind a real server."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.extensions import UsedExtension
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.resources import LocalDeploy, ResourceSpec
from pytilt.model.updates import Reason
from pytilt.server.app import build_app
from pytilt.server.binding import bind
from pytilt.server.serving import serve
from pytilt.store.logs import LogStore
from pytilt.store.objects import Clock, Store, utc_now
from pytilt.store.scanner_pool import LogScanner
from pytilt.testing.scanner import InlineScanner
from tests.loop.waiting import running

TOKEN = "secret"


class Asked:
    """Remembers what was asked of the session."""

    def __init__(self) -> None:
        self.triggered: list[tuple[str, Reason]] = []
        self.enabled: dict[str, bool] = {}
        self.args: list[str] = []
        self.barriers = 0
        self.added: dict[tuple[str, str], UsedExtension] = {}

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        """See `Requests`."""
        self.triggered.append((name, reason))

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        """See `Requests`."""
        self.enabled.update(dict.fromkeys(names, enabled))

    def set_args(self, args: Sequence[str]) -> bool:
        """See `Requests`."""
        changed = self.args != list(args)
        self.args = list(args)
        return changed

    def add_extension(self, extension: UsedExtension) -> bool:
        """See `Requests`."""
        key = (extension.plural, extension.name)
        return self.added.setdefault(key, extension) is extension

    def remove_extension(self, extension: UsedExtension) -> bool:
        """See `Requests`."""
        return self.added.pop((extension.plural, extension.name), None) is not None

    async def catch_up(self) -> None:
        """See `Requests`."""
        self.barriers += 1


PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of servers that have no TLS: by default each would read all authorities of this machine."""


class Served:
    """The session.

    Args:
        folder: takes its log.
        token: what requests must show.
        clock: returns the time of the lines of its log.
        scanner: scans its log; None: in this process.
    """

    def __init__(
        self, folder: Path, token: str | None = TOKEN, clock: Clock = utc_now, scanner: LogScanner | None = None
    ) -> None:
        self.store = Store()
        self.logs = LogStore(folder / "log", clock)
        self.asked = Asked()
        self.app = build_app(
            self.store, self.logs, scanner or InlineScanner(), self.asked, token=token, host="localhost"
        )
        self.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", args=("web",)))

    def add(self, *names: str, enabled: bool = True, labels: Sequence[str] = (), after: Sequence[str] = ()) -> None:
        """Put resources into the store."""
        deps = tuple(map(ResourceName, after))
        for name in names:
            spec = ResourceSpec(name=ResourceName(name), deploy=LocalDeploy(), labels=tuple(labels), resource_deps=deps)
            order = len(self.store.snapshot().all(Resource)) + 2
            self.store.put(Resource(name=name, spec=spec, enabled=enabled, order=order))
            self.store.put(ConfigMap(name=f"{name}-disable", data={"isDisabled": "false" if enabled else "true"}))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Have it listen; the port."""
        with await bind("127.0.0.1", 0) as listener:
            async with running(serve(self.app, listener)):
                yield listener.getsockname()[1]
