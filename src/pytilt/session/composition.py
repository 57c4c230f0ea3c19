"""Puts the program together: every part of a session is made here, by hand, from top to bottom."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from importlib import import_module

from pytilt.cluster.seam import ContainerRef
from pytilt.docker.engine import Engine
from pytilt.host import memory
from pytilt.host.files import FileWatcher
from pytilt.host.files.following import FollowingWatcher
from pytilt.host.files.outputs import own_outputs
from pytilt.host.processes import HostRunner
from pytilt.host.state import StateDirectory
from pytilt.liveupdate.direct import DirectRunner
from pytilt.liveupdate.keeping import KeptFiles
from pytilt.liveupdate.receiver import Receiver, ReceiverOpener, ReceiverOptions
from pytilt.loop.api.cmds import Cmds
from pytilt.loop.api.file_watches import FileWatches
from pytilt.loop.api.kubernetes_applies import KubernetesApplies
from pytilt.loop.api.stop_buttons import StopButtons, stop_button
from pytilt.loop.api.toggles import Toggles
from pytilt.loop.apply.apply_records import ApplyRecords
from pytilt.loop.apply.drifting import Drifting
from pytilt.loop.apply.synced_pods import SyncedPods
from pytilt.loop.commands.probing import ReadinessProber
from pytilt.loop.commands.processes import CommandProcesses, command_processes
from pytilt.loop.evaluation.evaluating import Evaluating
from pytilt.loop.evaluation.resource_deletion import ResourceDeletion
from pytilt.loop.images.lost_images import LostImages
from pytilt.loop.kinds.compose import ComposeKind
from pytilt.loop.kinds.custom_deploy import CustomDeployKind
from pytilt.loop.kinds.kubernetes import KubernetesKind
from pytilt.loop.kinds.local import LocalKind
from pytilt.loop.kinds.protocol import ResourceKinds
from pytilt.loop.live_updates.keeper import Keeper
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.loop.live_updates.syncing import Syncing
from pytilt.loop.planning.freshness import running_targets
from pytilt.loop.planning.schedule import Slots, Start
from pytilt.loop.planning.verdict import Verdict
from pytilt.loop.pods.confirmations import Confirmations
from pytilt.loop.pods.connecting import Connecting
from pytilt.loop.pods.direct_forwards import DirectForwards
from pytilt.loop.pods.forwarding import Forwarding
from pytilt.loop.pods.pod_logs import PodLogs
from pytilt.loop.pods.rollouts import Rollouts
from pytilt.loop.pods.runtimes import Runtimes
from pytilt.loop.session import run_session
from pytilt.loop.updates.outcomes import Done
from pytilt.loop.updates.recent_changes import RecentChanges
from pytilt.loop.updates.updating import Updating, Work
from pytilt.loop.updates.watching import Watching
from pytilt.model.base import Value
from pytilt.model.extensions import UsedExtension
from pytilt.model.files import Ignore
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ResourceName, SpanId
from pytilt.model.objects import Resource, Session, Tiltfile
from pytilt.model.resources import ComposeDeploy, CustomDeploy, KubernetesDeploy, LocalDeploy, UpdateSettings
from pytilt.model.times import steady_clock
from pytilt.model.updates import Reason, Strategy
from pytilt.server.binding import first_client
from pytilt.session.clusters import Access, connected
from pytilt.session.commands import command_environ, deploy_commands
from pytilt.session.earlier import BuildLimits, project_records, recording_imaging
from pytilt.session.evaluators import evaluator
from pytilt.session.places import new_session_dir
from pytilt.session.project import SessionProject
from pytilt.session.pruning import prune_now_and_then
from pytilt.session.registry import Registration
from pytilt.settings import Settings
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store, utc_now
from pytilt.store.segments import Limits
from pytilt.store.spans import Span
from pytilt.synclet.binaries import own_program

SERVER_SECONDS = 2.0
"""So long after its start the server of a session is got ready, if nobody has come before."""

_CPUS = os.cpu_count() or 1

PARALLEL_BUILDS = 2 * _CPUS
"""Images that are built at a time: building is mostly waiting for the engine."""


SLOTS = Slots(commands=max(3, _CPUS), builds=max(3, PARALLEL_BUILDS), applies=max(3, 4 * _CPUS), repeats=64)
"""Updates that run at a time, unless the Tiltfile says how many; three of any kind, as in Tilt, on a small machine.
Those that most likely have nothing to do only wait for answers."""


class SessionOptions(Value):
    """What the command line says of a session."""

    ci: bool = False
    host: str
    port: int
    listener: socket.socket | None = None
    """Of the server; None where there is none."""
    registration: Registration
    forward_ports: bool = True
    ci_timeout_seconds: float | None = None
    force: bool = False
    """Build and apply everything, whatever earlier sessions did."""


class SessionRequests:
    """What may be asked of a session from outside."""

    def __init__(self, watching: Watching, updating: Updating, evaluating: Evaluating) -> None:
        self._watching = watching
        self._updating = updating
        self._evaluating = evaluating

    def trigger(self, name: ResourceName, reason: Reason) -> None:
        """See `server.requests.Requests.trigger`."""
        if name == TILTFILE:
            self._evaluating.trigger(reason)
        else:
            self._updating.trigger(name, reason)

    def stop(self, name: ResourceName) -> None:
        """Stop the running update of a resource, or the running evaluation."""
        if name == TILTFILE:
            self._evaluating.stop()
        else:
            self._updating.stop(name)

    async def set_enabled(self, names: Sequence[ResourceName], *, enabled: bool) -> None:
        """See `server.requests.Requests.set_enabled`."""
        await self._evaluating.set_enabled(names, enabled=enabled)

    def set_args(self, args: Sequence[str]) -> bool:
        """See `server.requests.Requests.set_args`."""
        return self._evaluating.set_args(args)

    def add_extension(self, extension: UsedExtension) -> bool:
        """See `server.requests.Requests.add_extension`."""
        return self._evaluating.add_extension(extension)

    def remove_extension(self, extension: UsedExtension) -> bool:
        """See `server.requests.Requests.remove_extension`."""
        return self._evaluating.remove_extension(extension)

    async def catch_up(self) -> None:
        """See `server.requests.Requests.catch_up`."""
        await self._watching.caught_up()
        # What follows from it is noted in one turn of the loop of updates, which was woken before this goes on.
        await asyncio.sleep(0)


_STARTED_SECONDS = 3.0
"""When most of what a start needs is not needed any more."""

Show = Callable[[Store, LogStore], Awaitable[None]]
"""Shows a session to the person, without end."""


async def run(project: SessionProject, options: SessionOptions, runner: HostRunner, show: Show) -> Verdict:
    """Run a session until its verdict, or until cancelled.

    Args:
        project: the Tiltfile, and where what it declares is to run.
        options: what the command line says.
        runner: starts processes.
        show: shows it.

    Raises:
        UserError: the state directory cannot be written.
    """
    settings, store = project.settings, _store(project, options)
    async with (
        session_log(settings) as logs,
        Engine(settings) as engine,
        FileWatcher() as watcher,
        _kept_files(settings) as keeper,
        _connected(project, runner, engine, logs) as access,
    ):
        watching = _watching(store, watcher, logs)
        environ = command_environ(project, access.kubeconfig, host=options.host, port=options.port)
        processes, records = _processes(project, runner, environ), project_records(project, used=not options.force)
        limits = BuildLimits(parallel=PARALLEL_BUILDS, restarts=not options.ci)
        imaging = recording_imaging(store, engine, runner, project, records, access.cluster, limits)
        applies, runtimes = ApplyRecords(records, access.cluster), Runtimes(store, logs, access.cluster, options.host)
        commands, synced = deploy_commands(runner, access, project, environ), SyncedPods(store, access.cluster, records)
        kubernetes = KubernetesKind(store, access.cluster, imaging, runtimes, records=applies, synced=synced)
        custom = CustomDeployKind(store, imaging, commands, kubernetes.applied_objects, synced)
        kinds = _kinds(kubernetes, custom, LocalKind(store, logs, processes), ComposeKind(store))
        receivers, changes = _receivers(store, access), RecentChanges(store, watching)
        work = _strategies(store, kinds, Syncing(store, receivers, keeper, changes.arrived), applies, synced)
        connecting = Connecting(store, access.cluster, logs.span(TILTFILE, SpanId("cluster")))
        object_applies = KubernetesApplies(store, logs, access.cluster, commands)
        asked = (applies.has, connecting.look, runtimes.turn)
        updating = Updating(store, logs, watching, work, project.root, SLOTS, *asked)
        tiltfile = evaluator(project, "ci" if options.ci else "up", runner, access.kubeconfig)
        deletion = ResourceDeletion(store, logs, updating, kinds)
        evaluating = Evaluating(store, logs, watching, updating, deletion, tiltfile)
        lost_images = LostImages(store, logs, imaging, updating.repair)
        drifting = Drifting(store, logs, access.cluster, kubernetes.applied_objects, updating.repair)
        pod_logs, requests = PodLogs(store, logs, access.containers), SessionRequests(watching, updating, evaluating)
        tasks = {
            "files": watching.run(),
            "updates": updating.run(),
            "tiltfile": evaluating.run(),
            "runtimes": kinds.run(),
            "pod logs": pod_logs.run(),
            **_live_updates(receivers, keeper),
            **_objects(store, watching, evaluating, requests, Cmds(store, logs, processes)),
            **_in_cluster(connecting, drifting, lost_images, Rollouts(store, logs), object_applies),
            **_now_and_then(store, logs, engine, access, options),
            "show": show(store, logs),
        }
        if options.forward_ports:
            tasks["forwards"] = _forwarding(store, logs, access, options, receivers, changes)
        if options.listener is not None:
            tasks["server"] = _serve(store, logs, requests, options.listener, options)
        _keep_what_was_made()
        return await run_session(store, tasks, pod_logs.caught_up, Confirmations(records))


def _connected(
    project: SessionProject, runner: HostRunner, engine: Engine, logs: LogStore
) -> AbstractAsyncContextManager[Access]:
    log = logs.span(TILTFILE, SpanId("cluster"))

    def report(line: str) -> None:
        log(f"{line}\n", level=Level.WARN)

    return connected(project.target, project.root, project.settings, runner, engine, report, expected=project.deploys)


def _receivers(store: Store, access: Access) -> Receivers:
    """Keeps the ways into containers open; what is sent goes straight to their helpers where this machine can."""
    return Receivers(store, _receiver_opener(access), DirectRunner(own_program()))


def _receiver_opener(access: Access) -> ReceiverOpener:
    """Opens the ways into containers, whose modules few sessions need that only begin again."""

    @asynccontextmanager
    async def opened(ref: ContainerRef, options: ReceiverOptions) -> AsyncIterator[Receiver]:
        await asyncio.to_thread(import_module, "pytilt.liveupdate.opening")
        from pytilt.liveupdate.opening import open_receiver

        async with open_receiver(access.containers, ref, options) as receiver:
            yield receiver

    return opened


def _keep_what_was_made() -> None:
    """What the start has made stays: to look for garbage among it would halt the session for 25 ms now and then."""
    gc.freeze()
    gc.enable()
    asyncio.get_running_loop().call_later(_STARTED_SECONDS, memory.release)


def _processes(project: SessionProject, runner: HostRunner, environ: Mapping[str, str]) -> CommandProcesses:
    """Runs users' commands with this environment; those of probes have the session's own."""
    prober = ReadinessProber(runner, project.settings.environ, project.root)
    return CommandProcesses(runner, command_processes(environ), prober)


def _objects(
    store: Store, watching: Watching, evaluating: Evaluating, requests: SessionRequests, cmds: Cmds
) -> Mapping[str, Awaitable[None]]:
    """The controllers of the objects that Tiltfiles and clients make."""
    return {
        "cmds": cmds.run(),
        "file watches": FileWatches(store, watching).run(),
        "stop buttons": StopButtons(store, requests.stop).run(),
        "toggles": Toggles(store, evaluating.follow_switches).run(),
    }


def _live_updates(receivers: Receivers, keeper: Keeper) -> Mapping[str, Awaitable[None]]:
    """What live updates go through, and what remembers them."""
    return {"live updates": receivers.run(), "kept files": keeper.run()}


def _now_and_then(
    store: Store, logs: LogStore, engine: Engine, access: Access, options: SessionOptions
) -> Mapping[str, Awaitable[None]]:
    """What is looked after now and then."""
    pruning = prune_now_and_then(store, logs, engine, access, ci=options.ci)
    return {"pruning": pruning, "record": options.registration.keep()}


def _in_cluster(
    connecting: Connecting,
    drifting: Drifting,
    lost_images: LostImages,
    rollouts: Rollouts,
    applies: KubernetesApplies,
) -> Mapping[str, Awaitable[None]]:
    """The controllers of what is in the cluster beside the resources."""
    return {
        "cluster": connecting.run(),
        "drift": drifting.run(),
        "lost images": lost_images.run(),
        "rollouts": rollouts.run(),
        "kubernetes applies": applies.run(),
    }


def _forwarding(
    store: Store, logs: LogStore, access: Access, options: SessionOptions, receivers: Receivers, changes: RecentChanges
) -> Awaitable[None]:
    direct = DirectForwards(receivers.follower_in, plainly=access.containers.forwards_plainly)
    return Forwarding(store, logs, access.containers, options.host, direct, settle=changes.settle).run()


def _kinds(
    kubernetes: KubernetesKind, custom: CustomDeployKind, local: LocalKind, compose: ComposeKind
) -> ResourceKinds:
    """Each kind of resource under the struct that declares it."""
    return ResourceKinds(
        {KubernetesDeploy: kubernetes, CustomDeploy: custom, LocalDeploy: local, ComposeDeploy: compose}
    )


async def _serve(
    store: Store,
    logs: LogStore,
    requests: SessionRequests,
    listener: socket.socket,
    options: SessionOptions,
) -> None:
    # Most sessions of a pipeline are never asked for anything, and to import the server takes long.
    with suppress(TimeoutError):
        await asyncio.wait_for(first_client(listener), None if options.ci else SERVER_SECONDS)
    await asyncio.to_thread(import_module, "pytilt.server.serving")
    await asyncio.to_thread(import_module, "pytilt.server.app")
    from pytilt.server.app import build_app
    from pytilt.server.serving import serve
    from pytilt.store.scanner_pool import ScannerPool

    async with ScannerPool() as scanners:
        app = build_app(store, logs, scanners, requests, token=options.registration.token, host=options.host)
        await serve(app, listener)


def _strategies(
    store: Store, kinds: ResourceKinds, syncing: Syncing, applies: ApplyRecords, synced: SyncedPods
) -> Mapping[Strategy, Work]:
    async def full(resource: Resource, start: Start, span: Span, settings: UpdateSettings) -> Done:
        done = await kinds.update(resource, start, span, settings)
        syncing.forget_built(resource)
        return done

    async def live(resource: Resource, start: Start, span: Span, _: UpdateSettings) -> Done:
        applies.synced(resource.name)
        synced.note(resource.name, (each.pod for each in running_targets(store.snapshot(), resource)))
        return await syncing.update(resource, start, span)

    return {Strategy.FULL: full, Strategy.LIVE: live, Strategy.COMMAND: kinds.update}


def _watching(store: Store, watcher: FileWatcher, logs: LogStore) -> Watching:
    own = tuple(Ignore(base=path) for path in own_outputs())  # else what is printed would be built, and printed
    return Watching(store, FollowingWatcher(watcher), logs.span(TILTFILE, SpanId("files")), own)


def _store(project: SessionProject, options: SessionOptions) -> Store:
    """The store of a session before anything has happened."""
    # What `tilt ci` waits for ends by its times, which no change of the machine's clock is to bring about.
    store = Store(steady_clock(utc_now) if options.ci else None)
    session = Session(
        name="Tiltfile",
        tiltfile_path=project.tiltfile,
        ci=options.ci,
        ci_timeout_seconds=options.ci_timeout_seconds,
        pid=os.getpid(),
    )
    store.put(session)
    store.put(Tiltfile(name=TILTFILE, path=project.tiltfile, args=project.args))
    store.put(stop_button(TILTFILE))
    return store


@asynccontextmanager
async def _kept_files(settings: Settings) -> AsyncIterator[Keeper]:
    with closing(KeptFiles(StateDirectory(settings.state_dir).below("kept"))) as kept:
        yield Keeper(kept)


@asynccontextmanager
async def session_log(settings: Settings) -> AsyncIterator[LogStore]:
    """The log of a session, in a folder of its own.

    Raises:
        UserError: the folder cannot be made.
    """
    limits = Limits(bytes_kept=settings.log_bytes)
    with closing(LogStore(new_session_dir(settings) / "log", limits=limits)) as logs:
        yield logs
