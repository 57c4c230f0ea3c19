"""The leader on this machine: a helper that brings batches straight to those in containers whose network it reaches.

On their way through API server, kubelet, runtime and shim they would pass four programs more.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Protocol

from pytilt.errors import CommandError
from pytilt.host.processes import PipedProcess, ProcessRequest, piped
from pytilt.host.processes.contract import Output
from pytilt.host.routes import has_own_route
from pytilt.liveupdate.carrying import Carrier
from pytilt.liveupdate.relaying import Follower, Relay
from pytilt.synclet import frames, verbs
from pytilt.synclet.frames import Decoder, FrameError, Relayed

START_SECONDS = 5.0
"""How long it may take to start."""

_AGAIN_SECONDS = (0.5, 60.0)
"""When it is started again that has ended: soon at first, later as it ends again and again."""


class PipedStarter(Protocol):
    """Starts a program that ends when its input does."""

    def __call__(
        self, request: ProcessRequest, output: Output, inherited: Sequence[int] = ()
    ) -> AbstractAsyncContextManager[PipedProcess]:
        """See `host.processes.piped`."""
        ...


class DirectLeader:
    """A `Leader`: one process of the helper on this machine.

    Args:
        carrier: grants port forwards to it.
    """

    def __init__(self, carrier: Carrier) -> None:
        self.relay = Relay(self._write, carrier)
        self._process: PipedProcess | None = None
        self._greeted: Callable[[], None] | None = None
        """To be called when it has greeted."""
        self._beginning = bytearray()
        self._decoder = Decoder()

    async def introduce(self, follower: Follower, key: bytes, address: str, seconds: float) -> None:
        """See `Leader.introduce`."""
        del seconds
        self._write(frames.join(follower.number, key, address))

    def begin(self, process: PipedProcess, greeted: Callable[[], None]) -> None:
        """Speak with the process, which has just been started.

        Args:
            process: what speaks.
            greeted: called once it can be used.
        """
        self._process, self._greeted = process, greeted
        self._write(frames.hello())

    def take(self, data: bytes) -> None:
        """Take what the process says; one that says anything wrong is ended."""
        if self._greeted is not None:
            self._beginning += data
            line, end, rest = self._beginning.partition(b"\n")
            if not end:
                return
            greeting = frames.read_greeting(bytes(line))
            if greeting is None or greeting.version != frames.VERSION:
                self._end()
                return
            greeted, self._greeted = self._greeted, None
            greeted()
            data = bytes(rest)
        try:
            for answer in self._decoder.feed(data):
                if isinstance(answer, Relayed):
                    self.relay.take(answer.number, answer.answer)
        except FrameError:
            self._end()

    def _write(self, message: bytes) -> None:
        if self._process is not None:
            self._process.write(message)

    def _end(self) -> None:
        if self._process is not None:
            self._process.finish()


class DirectRunner:
    """Keeps the helper on this machine running, from when it is needed first.

    Args:
        program: its path; None: there is none for this machine.
        reaches: does this machine reach an address by a route of its own?
        start: starts it.
    """

    def __init__(
        self, program: str | None, reaches: Callable[[str], bool] = has_own_route, start: PipedStarter = piped
    ) -> None:
        self._program = program
        self._reaches = reaches
        self._start = start
        self._wanted = asyncio.Event()
        self._leader: DirectLeader | None = None
        self._ready = asyncio.Event()
        """Is there a leader, or will there be none?"""

    async def reaches(self, address: str) -> bool:
        """May what listens at an address be one of the helpers in containers?"""
        return bool(self._program and address) and await asyncio.to_thread(self._reaches, address)

    async def leader(self, *, seconds: float = START_SECONDS) -> DirectLeader | None:
        """The helper that runs now; it is started for the first who asks. None where it does not start in that time."""
        self._wanted.set()
        try:
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        except TimeoutError:
            return None
        return self._leader

    async def run(self) -> None:
        """Start it when it is wanted, and again when it has ended; leaving ends it."""
        await self._wanted.wait()
        if self._program is None:
            self._ready.set()
        soonest, latest = _AGAIN_SECONDS
        seconds = soonest
        while self._program is not None:
            began = time.monotonic()
            try:
                await self._live(self._program)
            except CommandError:
                self._ready.set()  # nobody may execute it here
                return
            seconds = soonest if time.monotonic() - began > latest else min(2 * seconds, latest)
            await asyncio.sleep(seconds)

    async def _live(self, program: str) -> None:
        """Start one and wait for its end."""
        carrier = Carrier()
        leader = DirectLeader(carrier)
        request = ProcessRequest(argv=(program, *verbs.relay(carrier.descriptor)), dir="/")
        try:
            async with self._start(request, leader.take, (carrier.descriptor,)) as process:
                carrier.begin(process.kill)
                leader.begin(process, partial(self._use, leader))
                await process.wait()
        finally:
            self._leader = None
            self._ready.clear()
            leader.relay.end()
            carrier.close()

    def _use(self, leader: DirectLeader) -> None:
        self._leader = leader
        self._ready.set()
