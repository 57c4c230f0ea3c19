"""`KubernetesApply` objects: each is applied when it is there, and again when it or what it needs changes."""

import asyncio
import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from pytilt.cluster import injection, objects, order
from pytilt.cluster.pods import apply_conditions
from pytilt.cluster.seam import Cluster
from pytilt.cluster.secrets import secrets
from pytilt.cluster.yaml import dump, parse
from pytilt.errors import ApplyError, PytiltError
from pytilt.loop.api.cmds import last_restart
from pytilt.loop.api.disabling import disable_status
from pytilt.loop.apply.object_apply import apply_objects
from pytilt.loop.apply.object_deletion import KEEP
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.model.api.buttons import UIButton
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.kubernetes_applies import (
    KubernetesApply,
    KubernetesApplyCmd,
    KubernetesApplySpec,
    KubernetesApplyStatus,
)
from pytilt.model.api.kubernetes_discoveries import (
    KubernetesDiscovery,
    KubernetesDiscoverySpec,
    KubernetesWatchRef,
)
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION, SPAN_ANNOTATION
from pytilt.model.base import Value
from pytilt.model.clusters import DEFAULT_CLUSTER, ObjectRef
from pytilt.model.commands import Command
from pytilt.model.durations import duration_of
from pytilt.model.images import Image
from pytilt.model.logs import Level, Log
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import ClusterState, ImageMap, Resource
from pytilt.model.resources import Declaration, DeployCommands, ImageLocator, KubeObject
from pytilt.model.stored import Owner
from pytilt.model.times import later
from pytilt.store.logs import LogStore
from pytilt.store.objects import Snapshot, Store
from pytilt.store.spans import Span

TIMEOUT_SECONDS = 30.0
"""The limit of an apply that names none; Tilt's."""


class ApplyInputs(Value):
    """What an apply goes by."""

    spec: KubernetesApplySpec
    images: tuple[tuple[ImageName, str], ...] = ()
    """The images, and their references as the cluster knows them."""

    @property
    def digest(self) -> str:
        """Of all of it, as Tilt encodes it."""
        text = msgspec.json.encode([self.spec, self.images], order="sorted")
        return base64.urlsafe_b64encode(hashlib.sha1(text, usedforsecurity=False).digest()).decode()


class ApplyRecord(Value):
    """What the last apply came to."""

    inputs: ApplyInputs | None = None
    """None: it never ran, or was undone."""
    ended_at: str = ""
    applied: tuple[KubeObject, ...] = ()


def due_inputs(wanted: KubernetesApply, last: ApplyRecord, state: Snapshot) -> ApplyInputs | None:
    """What is to be applied now; None when nothing is, or not yet.

    Args:
        wanted: the object.
        last: what the last apply came to.
        state: has the cluster, the images, the buttons and the watches.
    """
    cluster = state.get(ClusterState, wanted.spec.cluster or DEFAULT_CLUSTER)
    images = image_maps(wanted.spec, state)
    if cluster is None or cluster.info is None or images is None:
        return None
    references = tuple((name, each.status.reference) for name, each in images.items())
    if not all(reference for _, reference in references):
        return None
    inputs = ApplyInputs(spec=wanted.spec, images=references)
    restarted, _ = last_restart(wanted.spec.restart_on, state)
    return inputs if inputs != last.inputs or later(restarted, last.ended_at) else None


def image_maps(spec: KubernetesApplySpec, state: Snapshot) -> Mapping[ImageName, ImageMap] | None:
    """The images that an apply names, in its order; None while one of them is not there."""
    known = {sanitized(name): each for name, each in state.named(ImageMap).items()}
    found = [known.get(sanitized(name)) for name in spec.image_maps]
    return None if None in found else {each.spec.name: each for each in found if each is not None}


def sanitized(name: str) -> str:
    """The name of an image as that of an object."""
    return name.replace("/", "_").replace(":", "_")


class KubernetesApplies:
    """Carries out every KubernetesApply that is left to no other controller.

    Args:
        store: the session's objects.
        logs: takes what is done.
        cluster: where to apply.
        commands: runs those that apply and delete.
    """

    def __init__(self, store: Store, logs: LogStore, cluster: Cluster, commands: DeployCommandRunner) -> None:
        self._store = store
        self._logs = logs
        self._cluster = cluster
        self._commands = commands
        self._wakes: dict[str, asyncio.Event] = {}
        self._records: dict[str, ApplyRecord] = {}

    async def run(self) -> None:
        """Keep the cluster as they say, without end."""
        kinds = (KubernetesApply, ImageMap, ConfigMap, ClusterState, UIButton, ApiFileWatch)
        async with asyncio.TaskGroup() as group:
            async for _ in self._store.watch(*kinds):
                for each in self._store.snapshot().all(KubernetesApply):
                    if MANAGED_BY not in each.annotations and each.name not in self._wakes:
                        self._wakes[each.name] = asyncio.Event()
                        group.create_task(self._keep(each.name), name=f"kubernetesapply {each.name}")
                for wake in self._wakes.values():
                    wake.set()

    async def _keep(self, name: str) -> None:
        """Carry out one of them as long as it is there."""
        wake, last = self._wakes[name], None
        self._records[name] = ApplyRecord()
        while (each := self._store.get(KubernetesApply, name)) is not None and MANAGED_BY not in each.annotations:
            wake.clear()
            last = each
            if self._disabled(each):
                await self._undo(each, "deleting disabled Kubernetes objects")
                self._write(name, KubernetesApplyStatus())
                self._store.delete(KubernetesDiscovery, name)
            elif each.spec.cluster not in ("", DEFAULT_CLUSTER):
                self._write(name, KubernetesApplyStatus(error=f'there is no cluster "{each.spec.cluster}"'))
            elif inputs := due_inputs(each, self._records[name], self._store.snapshot()):
                await self._apply(each, inputs)
            await wake.wait()
        if last is not None:
            await self._undo(last, "garbage collecting Kubernetes objects")
        self._store.delete(KubernetesDiscovery, name)
        del self._wakes[name], self._records[name]

    def _disabled(self, each: KubernetesApply) -> bool:
        state, before = self._store.snapshot(), each.status.disable_status
        status = disable_status(state, each.spec.disable_source, before, self._store.now())
        self._store.put(replace(each, status=replace(each.status, disable_status=status)))
        return status.state == "Disabled"

    async def _apply(self, each: KubernetesApply, inputs: ApplyInputs) -> None:
        """Apply once; a failure is written into the status, and what was applied before stays."""
        began, before = self._store.now(), self._records[each.name]
        status = KubernetesApplyStatus(last_apply_start_time=began)
        applied: Sequence[KubeObject] = before.applied
        span = self._span(each)
        try:
            applied = await (self._apply_yaml(inputs, span) if each.spec.yaml else self._run_command(inputs, span))
            result = dump(_without_server_fields(one) for one in applied)
            found = apply_conditions(applied)
            status = replace(status, result_yaml=result, applied_input_hash=inputs.digest, conditions=found)
            if each.spec.delete_cmd is None:
                await self._delete(before.applied, applied, "garbage collecting removed Kubernetes objects", span)
        except PytiltError as problem:
            status = replace(status, error=str(problem))
            span(f"kubernetesapply {each.name}: {problem}\n", level=Level.ERROR)
        finally:
            span.close()
        ended = self._store.now()
        self._records[each.name] = ApplyRecord(inputs=inputs, ended_at=ended, applied=tuple(applied))
        self._write(each.name, replace(status, last_apply_time=ended))
        if not status.error:
            self._discover(each, applied)

    async def _apply_yaml(self, inputs: ApplyInputs, log: Log) -> list[KubeObject]:
        wanted = parse(inputs.spec.yaml, "spec.yaml")
        self._logs.hide(secrets(wanted))
        specs = self._images(inputs)
        made = injection.inject(wanted, dict(inputs.images), specs, _locators(inputs.spec))
        return await apply_objects(self._cluster, made, log, seconds=_seconds(inputs.spec))

    async def _run_command(self, inputs: ApplyInputs, log: Log) -> list[KubeObject]:
        return await self._commands.apply(
            _commands(inputs.spec), dict(inputs.images), log, seconds=_seconds(inputs.spec)
        )

    def _images(self, inputs: ApplyInputs) -> tuple[Image, ...]:
        found = (self._store.get(ImageMap, name) for name, _ in inputs.images)
        return tuple(each.spec for each in found if each is not None)

    async def _undo(self, each: KubernetesApply, what: str) -> None:
        """Delete what was applied."""
        record, self._records[each.name] = self._records[each.name], ApplyRecord()
        span = self._span(each)
        try:
            if record.inputs is not None and record.inputs.spec.delete_cmd is not None:
                span(f"Beginning {what}\n")
                spec = record.inputs.spec
                await self._commands.delete(_commands(spec), span, seconds=_seconds(spec))
            else:
                await self._delete(record.applied, (), what, span)
        except PytiltError as problem:
            span(f"Error {what}: {problem}\n", level=Level.ERROR)
        finally:
            span.close()

    async def _delete(self, before: Sequence[KubeObject], now: Sequence[KubeObject], what: str, log: Log) -> None:
        """Delete what was applied and is no more, but what somebody else has meanwhile."""
        refs = [objects.ref(each) for each in before if objects.annotations(each).get(KEEP[0]) != KEEP[1]]
        kept = {self._key(objects.ref(each)) for each in now} | self._others(before)
        batches = order.deletion_batches(ref for ref in refs if self._key(ref) not in kept)
        if batches:
            log(f"Beginning {what}\n")
        for batch in batches:
            for ref in batch:
                log(f"→ {ref}\n")
                await self._cluster.delete(ref)

    def _others(self, before: Sequence[KubeObject]) -> set[tuple[str, str, str, str]]:
        """What other objects and resources have applied or will apply."""
        applied = (record.applied for record in self._records.values() if record.applied is not before)
        found = {self._key(objects.ref(each)) for one in applied for each in one}
        for resource in self._store.snapshot().all(Resource):
            if resource.enabled:
                found |= {self._key(objects.ref(each)) for each in resource.spec.deploy.objects}
        return found

    def _key(self, ref: ObjectRef) -> tuple[str, str, str, str]:
        return objects.identity(ref, self._namespace())

    def _namespace(self) -> str:
        cluster = self._store.get(ClusterState, DEFAULT_CLUSTER)
        return cluster.info.namespace if cluster and cluster.info else objects.DEFAULT_NAMESPACE

    def _discover(self, each: KubernetesApply, applied: Sequence[KubeObject]) -> None:
        """Have its pods looked for, by an object that it owns."""
        spec = discovery_spec(each.spec, applied, self._namespace())
        if not spec.watches:
            self._store.delete(KubernetesDiscovery, each.name)
            return
        kept = {key: each.annotations[key] for key in (RESOURCE_ANNOTATION, SPAN_ANNOTATION) if key in each.annotations}
        owner = Owner(kind=KubernetesApply.kind, name=each.name)
        before = self._store.get(KubernetesDiscovery, each.name) or KubernetesDiscovery(name=each.name)
        changed = before.spec not in (spec, KubernetesDiscoverySpec())
        generation = before.generation + changed
        self._store.put(replace(before, owner=owner, annotations=kept, spec=spec, generation=generation))

    def _span(self, each: KubernetesApply) -> Span:
        resource = each.annotations.get(RESOURCE_ANNOTATION, "")
        span = each.annotations.get(SPAN_ANNOTATION) or f"kubernetesapply:{each.name}"
        return self._logs.span(ResourceName(resource), SpanId(span))

    def _write(self, name: str, status: KubernetesApplyStatus) -> None:
        self._store.change(
            KubernetesApply,
            name,
            lambda each: replace(each, status=replace(status, disable_status=each.status.disable_status)),
        )


def declared_applies(declaration: Declaration) -> tuple[KubernetesApply, ...]:
    """The objects of this kind that a Tiltfile declares and leaves to nobody else."""
    found = (each for each in declaration.objects if isinstance(each, KubernetesApply))
    return tuple(each for each in found if MANAGED_BY not in each.annotations)


def delete_commands(each: KubernetesApply) -> DeployCommands | None:
    """The commands of one that deletes by a command."""
    return _commands(each.spec) if each.spec.delete_cmd is not None and each.spec.apply_cmd is not None else None


def discovery_spec(spec: KubernetesApplySpec, applied: Sequence[KubeObject], namespace: str) -> KubernetesDiscoverySpec:
    """Where the pods of what was applied are looked for.

    Args:
        spec: what was applied, and how.
        applied: the objects as the cluster has them.
        namespace: where objects live that name none.
    """
    template = spec.kubernetes_discovery_template_spec
    if spec.discovery_strategy == "selectors-only":
        namespaces = dict.fromkeys(objects.namespace(each) or namespace for each in applied)
        watches = tuple(KubernetesWatchRef(namespace=each) for each in namespaces)
    else:
        watches = tuple(
            KubernetesWatchRef(
                uid=objects.uid(each), namespace=objects.namespace(each) or namespace, name=objects.name(each)
            )
            for each in applied
        )
    return KubernetesDiscoverySpec(
        watches=watches,
        extra_selectors=template.extra_selectors if template else (),
        port_forward_template_spec=spec.port_forward_template_spec,
        pod_log_stream_template_spec=spec.pod_log_stream_template_spec,
        cluster=spec.cluster or DEFAULT_CLUSTER,
    )


def _seconds(spec: KubernetesApplySpec) -> float:
    return duration_of(spec.timeout) or TIMEOUT_SECONDS


def _commands(spec: KubernetesApplySpec) -> DeployCommands:
    """Its commands; where it has none that deletes, its objects are deleted one by one and that one is never run."""
    if spec.apply_cmd is None:
        raise ApplyError("it has neither YAML nor a command")
    return DeployCommands(apply=_command(spec.apply_cmd), delete=_command(spec.delete_cmd or spec.apply_cmd))


def _command(cmd: KubernetesApplyCmd) -> Command:
    pairs = (each.partition("=") for each in cmd.env)
    return Command(argv=cmd.args, dir=cmd.dir or "/", env=tuple((name, value) for name, _, value in pairs))


def _locators(spec: KubernetesApplySpec) -> tuple[ImageLocator, ...]:
    return tuple(
        ImageLocator(
            kind=each.object_selector.kind_regexp,
            api_version=each.object_selector.api_version_regexp,
            name=each.object_selector.name_regexp,
            namespace=each.object_selector.namespace_regexp,
            paths=() if each.object else (each.path,),
            object_path=each.path if each.object else "",
            repo_field=each.object.repo_field if each.object else "",
            tag_field=each.object.tag_field if each.object else "",
        )
        for each in spec.image_locators
    )


def _without_server_fields(each: KubeObject) -> KubeObject:
    """Without what fills pages and nobody reads."""
    kept: Iterable[tuple[str, object]] = ((k, v) for k, v in objects.metadata(each).items() if k != "managedFields")
    return {**each, "metadata": dict(kept)}
