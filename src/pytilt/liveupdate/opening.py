"""Opening the way into a container: by the helper of its image, by one that is copied into it, or by its own shell."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

from pytilt.cluster.seam import ContainerRef, Containers
from pytilt.errors import NodeUnreachableError, SyncError
from pytilt.liveupdate.copying import COPY_TIMEOUT_SECONDS, bring_helper, copy_command
from pytilt.liveupdate.helper_stream import listening
from pytilt.liveupdate.receiver import OPEN_TIMEOUT_SECONDS, Receiver, ReceiverOptions
from pytilt.liveupdate.shell import open_shell
from pytilt.liveupdate.stalls import StallLimits
from pytilt.liveupdate.synclet_receiver import HelperReceiver, greet
from pytilt.model.live_updates import Way
from pytilt.synclet import verbs

_NOTHING_WORKS = (
    "images that pytilt builds with a live update bring the helper, also those `FROM scratch`; others need `sh`, "
    "`head`, `tar` and `rm` in their `$PATH`"
)


@contextlib.asynccontextmanager
async def open_receiver(
    containers: Containers,
    ref: ContainerRef,
    options: ReceiverOptions,
    *,
    root: str = "/",
    limits: StallLimits | None = None,
) -> AsyncIterator[Receiver]:
    """Open the first way that works; see `ReceiverOpener`.

    Args:
        containers: the cluster's.
        ref: which container.
        options: what is known of it.
        root: the directory in it that stands for its root.
        limits: how long the container may take nothing.
    """
    ways: dict[Way, Callable[[], AbstractAsyncContextManager[Receiver]]] = {
        Way.LAYER: partial(_open_layer, containers, ref, root, options, limits),
        Way.COPY: partial(_open_copy, containers, ref, root, options, limits),
        Way.SHELL: partial(open_shell, containers, ref, root=root),
    }
    if not options.helper:
        del ways[Way.LAYER], ways[Way.COPY]
    elif not options.layer:
        del ways[Way.LAYER]
    problems: list[SyncError] = []
    async with contextlib.AsyncExitStack() as stack:
        for way in ways.values():
            try:
                receiver = await stack.enter_async_context(way())
            except NodeUnreachableError:
                raise
            except SyncError as problem:
                problems.append(problem)
            else:
                break
        else:
            raise _none(ref, problems)
        yield receiver


@contextlib.asynccontextmanager
async def _open_layer(
    containers: Containers, ref: ContainerRef, root: str, options: ReceiverOptions, limits: StallLimits | None
) -> AsyncIterator[HelperReceiver]:
    argv = [verbs.PATH, *verbs.receive(root)]
    async with containers.exec(ref, argv) as stream, listening(stream) as answers:
        async with _in_time(ref, OPEN_TIMEOUT_SECONDS):
            receiver = await greet(answers, Way.LAYER, zips=options.far, earlier=options.earlier, limits=limits)
        yield receiver


@contextlib.asynccontextmanager
async def _open_copy(
    containers: Containers, ref: ContainerRef, root: str, options: ReceiverOptions, limits: StallLimits | None
) -> AsyncIterator[HelperReceiver]:
    argv = await asyncio.to_thread(copy_command, root, options.places)
    async with containers.exec(ref, argv) as stream, listening(stream) as answers:
        async with _in_time(ref, COPY_TIMEOUT_SECONDS):
            await bring_helper(answers)
            receiver = await greet(answers, Way.COPY, zips=options.far, earlier=options.earlier, limits=limits)
        yield receiver


@contextlib.asynccontextmanager
async def _in_time(ref: ContainerRef, seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise SyncError(f"container `{ref.container}` of pod `{ref.pod}` did not answer within {seconds:g} s") from None


def _none(ref: ContainerRef, problems: list[SyncError]) -> SyncError:
    if len(problems) == 1:
        return problems[0]
    reasons = "; ".join(dict.fromkeys(problem.message for problem in problems))
    return SyncError(
        f"no way into container `{ref.container}` of pod `{ref.pod}` for files: {reasons}", hint=_NOTHING_WORKS
    )
