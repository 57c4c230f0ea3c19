"""`tilt down`: delete what a project declares, and its namespaces when nothing of anybody else is left in them.

Custom resources go first, while the operators still run that have to remove their finalizers.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from msgspec.structs import replace

from pytilt.cluster import finalizers, objects, order
from pytilt.cluster.injection import MANAGED_BY, MANAGED_BY_LABEL
from pytilt.cluster.redaction import Redactor
from pytilt.cluster.seam import ChangeType, Cluster
from pytilt.cluster.yaml import parse
from pytilt.errors import ApplyError, PytiltError, UserError, WorkError
from pytilt.loop.api.kubernetes_applies import declared_applies, delete_commands
from pytilt.loop.apply.object_deletion import KEEP, ObjectDeletion
from pytilt.loop.commands.deploy_commands import DeployCommandRunner
from pytilt.loop.commands.teardown_commands import TeardownCommands, needed_by_cluster
from pytilt.model.clusters import ObjectRef
from pytilt.model.logs import Level
from pytilt.model.names import UNCATEGORIZED, ResourceName
from pytilt.model.resources import Declaration, DeployCommands, KubeObject, ResourceSpec

OCCUPANTS = (
    ("v1", "Pod"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
)
"""Kinds of objects that people put into a namespace; one of these that is not ours keeps it."""

OF_EVERY_NAMESPACE = frozenset({("ConfigMap", "kube-root-ca.crt"), ("Service", "kubernetes")})
"""What the cluster itself puts there."""

GONE_SECONDS = 30.0
"""How long objects with finalizers may take to go."""

_LAST = {"CustomResourceDefinition": 1, "Namespace": 2}
"""Kinds that hold objects of other resources go after those."""

Notify = Callable[[str], None]
"""Called with one line."""

_Identity = tuple[str, str, str]
"""Kind, namespace, name."""


class Teardown:
    """Deletes what a project declares.

    Args:
        cluster: where it is.
        notify: called with what is deleted, and what is left and why.
        commands: runs the delete commands of resources that were deployed by some.
        local: runs the teardown commands of local resources.
        seconds: how long objects with finalizers are waited for.
    """

    def __init__(
        self,
        cluster: Cluster,
        notify: Notify,
        *,
        commands: DeployCommandRunner | None = None,
        local: TeardownCommands | None = None,
        seconds: float = GONE_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._redactor = Redactor()
        self._notify: Notify = lambda line: notify(self._redactor(line))
        self._commands = commands
        self._local = local
        self._seconds = seconds
        self._deletion = ObjectDeletion(cluster, self._notify, seconds)
        self._deleted: list[ObjectRef] = []
        self._refused: list[str] = []

    async def run(
        self,
        declaration: Declaration,
        *,
        delete_namespaces: bool,
        delete_volumes: bool,
        secrets: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Delete the objects of all enabled resources: custom resources, dependents before what they need, namespaces.

        A local resource is torn down before the objects, unless something in the cluster needs it: then after them.

        Args:
            declaration: what the Tiltfile declares.
            delete_namespaces: delete declared namespaces whatever is in them.
            delete_volumes: delete declared volume claims too.
            secrets: what must not be shown, and what is shown instead; the declared ones are known.

        Raises:
            ApplyError: the cluster refuses to delete an object, one does not go, or a command failed; all others were.
            ClusterUnreachableError: no answer.
        """
        self._redactor.learn([*declaration.secrets, *secrets])
        declared = by_rank([*self._of_applies(declaration), *removal_order(declaration)])
        chosen = [each for each in declared if delete_volumes or not _is_claim(each)]
        targets = [each for each in chosen if objects.name(each)]
        for each in chosen:
            if each not in targets:
                prefix = objects.metadata(each).get("generateName")
                self._notify(f"Not deleting {objects.kind(each)}/{prefix}…: the cluster has chosen its name")
        await self._tear_down_local(declaration, needed=False)
        namespaces = [each for each in targets if objects.kind(each) == "Namespace"]
        custom = await self._custom(targets, declaration)
        for ref in custom:
            self._notify(f"Deleting via kubectl: {ref}")
        left, refused = await self._deletion.run(custom)
        self._refused += refused
        await self._run_delete_commands(declaration)
        for each in targets:
            if each not in namespaces and not order.is_custom(objects.api_version(each)):
                await self._delete(objects.ref(each))
        default = (await self._cluster.info()).namespace if namespaces or delete_volumes else ""
        if delete_volumes:
            await self._delete_claims(targets, default)
        mine = {_identity(each, default) for each in targets}
        kept = []
        for each in namespaces:
            foreign = "" if delete_namespaces else await self._foreign(objects.name(each), mine)
            if foreign:
                kept.append(f"{objects.name(each)} (it has {foreign})")
            else:
                await self._delete(objects.ref(each))
        if kept:
            self._notify(f"Not deleting namespaces: {', '.join(kept)}")
            self._notify("Run with --delete-namespaces to delete namespaces as well.")
        await self._tear_down_local(declaration, needed=True)
        await self._conclude(left)

    async def _tear_down_local(self, declaration: Declaration, *, needed: bool) -> None:
        """Run the teardown commands of those that something in the cluster needs, or of all others."""
        if self._local is not None:
            later = needed_by_cluster(declaration)
            enabled = [each for each in declaration.resources if each.name in declaration.enabled]
            chosen = [each for each in _dependents_first(enabled) if (each.name in later) is needed]
            self._refused += await self._local.run(chosen, self._notify)

    async def _run_delete_commands(self, declaration: Declaration) -> None:
        enabled = [each for each in declaration.resources if each.name in declaration.enabled]
        for resource in _dependents_first(enabled):
            commands = resource.deploy.commands
            if commands is not None:
                await self._run_delete(resource.name, commands, declaration.updates.apply_timeout_seconds)
        for each in declared_applies(declaration):
            if (commands := delete_commands(each)) is not None:
                await self._run_delete(each.name, commands, declaration.updates.apply_timeout_seconds)

    async def _run_delete(self, name: str, commands: DeployCommands, seconds: float) -> None:
        if self._commands is None:
            return
        try:
            await self._commands.delete(commands, self._log, seconds=seconds)
        except WorkError as problem:
            self._refused.append(f"{name}: {problem}")

    def _of_applies(self, declaration: Declaration) -> list[KubeObject]:
        """The objects of `v1alpha1.kubernetes_apply`, dependents first."""
        found: list[KubeObject] = []
        for each in declared_applies(declaration):
            try:
                wanted = parse(each.spec.yaml, "spec.yaml")
            except UserError as problem:
                self._refused.append(f"kubernetesapply {each.name}: {problem}")
                continue
            kept = [one for one in wanted if not _outlives(one)]
            found += [one for stage in order.deletion_stages(kept) for one in stage]
            if each.spec.apply_cmd is not None and each.spec.delete_cmd is None:
                self._notify(f"Not deleting what kubernetesapply {each.name} applied: it has no delete command")
        return found

    def _log(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG002 - as in `Log`
        for line in text.splitlines():
            self._notify(line)

    async def _custom(self, targets: Sequence[KubeObject], declaration: Declaration) -> list[ObjectRef]:
        """The declared custom resources, and those of declared kinds, which end with their definition."""
        found = {objects.ref(each): None for each in targets if order.is_custom(objects.api_version(each))}
        defined = list(filter(None, map(_defined, targets)))
        default = (await self._cluster.info()).namespace if defined else ""
        known = {objects.identity(ref, default) for ref in found}
        known |= {objects.identity(ref, default) for ref in map(objects.ref, _kept(declaration))}
        for api_version, kind in defined:
            try:
                listed = [objects.ref(each) async for each in _listed(self._cluster, api_version, kind, "")]
            except PytiltError:
                continue  # the definition is not there, or its objects may not be read
            found.update({ref: None for ref in listed if objects.identity(ref, default) not in known})
        return list(found)

    async def _delete(self, ref: ObjectRef) -> None:
        self._notify(f"Deleting via kubectl: {ref}")
        try:
            if await self._cluster.delete(ref):
                self._deleted.append(ref)
        except WorkError as problem:
            self._refused.append(str(problem))

    async def _conclude(self, left: Sequence[ObjectRef]) -> None:
        """See those gone that have finalizers, and say which do not go."""
        held = await self._deletion.held(self._deleted)
        stuck, refused = await self._deletion.run(held)
        self._refused += refused
        described = await self._deletion.described([*left, *stuck])
        if self._refused:
            raise ApplyError(self._redactor("\n".join([*self._refused, *described])))
        if described:
            raise finalizers.stuck(described, self._seconds)

    async def _delete_claims(self, targets: Sequence[KubeObject], default: str) -> None:
        """Delete the claims that StatefulSets made for their pods: Kubernetes leaves those to the user."""
        for each in targets:
            namespace = objects.namespace(each) or default
            for template in objects.items(each, "spec", "volumeClaimTemplates"):
                name = re.compile(rf"{re.escape(objects.name(template))}-{re.escape(objects.name(each))}-\d+")
                async for claim in _listed(self._cluster, "v1", "PersistentVolumeClaim", namespace):
                    if name.fullmatch(objects.name(claim)):
                        await self._delete(objects.ref(claim))

    async def _foreign(self, namespace: str, mine: set[_Identity]) -> str:
        """Something in a namespace that this project did not put there, as `Kind/name`; empty when there is none."""
        for api_version, kind in OCCUPANTS:
            async for each in _listed(self._cluster, api_version, kind, namespace):
                name = objects.name(each)
                ours = (kind, namespace, name) in mine or (kind, name) in OF_EVERY_NAMESPACE
                if not ours and not _derived(each):
                    return f"{kind}/{name}"
        return ""


def removal_order(declaration: Declaration) -> tuple[KubeObject, ...]:
    """The objects to delete in their order: dependents first, else the reverse of the Tiltfile; kept ones left out."""
    enabled = [each for each in declaration.resources if each.name in declaration.enabled]
    found: list[KubeObject] = []
    for resource in _dependents_first(enabled):
        kept = [each for each in resource.deploy.objects if not _outlives(each)]
        found += [each for stage in order.deletion_stages(kept) for each in stage]
    return by_rank(found)


def by_rank(found: Iterable[KubeObject]) -> tuple[KubeObject, ...]:
    """Objects in the order of their deletion, what holds others last."""
    return tuple(sorted(found, key=lambda each: _LAST.get(objects.kind(each), 0)))


def _outlives(each: KubeObject) -> bool:
    return objects.annotations(each).get(KEEP[0]) == KEEP[1]


def _kept(declaration: Declaration) -> Iterable[KubeObject]:
    """The declared objects that are to outlive the project."""
    for resource in declaration.resources:
        yield from filter(_outlives, resource.deploy.objects)


def _defined(each: KubeObject) -> tuple[str, str] | None:
    """The version and kind that a CustomResourceDefinition defines."""
    if objects.kind(each) != "CustomResourceDefinition":
        return None
    spec = objects.mapping(each, "spec")
    served = next((str(one.get("name")) for one in objects.items(spec, "versions") if one.get("served")), "")
    kind = objects.mapping(spec, "names").get("kind")
    return (f"{spec.get('group')}/{served}", str(kind)) if served and kind else None


def _dependents_first(resources: Sequence[ResourceSpec]) -> Iterable[ResourceSpec]:
    by_name = {each.name: each for each in resources}
    done: dict[ResourceName, ResourceSpec] = {}

    def visit(name: ResourceName) -> None:
        if name in by_name and name not in done:
            for needed in by_name[name].resource_deps:
                visit(needed)
            done[name] = by_name[name]

    for each in resources:
        visit(each.name)
    return reversed(done.values())


async def _listed(cluster: Cluster, api_version: str, kind: str, namespace: str) -> AsyncIterator[KubeObject]:
    async for change in cluster.watch(api_version, kind, namespace=namespace):
        if change.type is ChangeType.LISTED:
            return
        yield change.object


def _derived(each: KubeObject) -> bool:
    """Does it belong to another object, go away already, or come from us?"""
    meta = objects.metadata(each)
    ours = objects.labels(each).get(MANAGED_BY_LABEL) == MANAGED_BY
    return bool(meta.get("ownerReferences") or meta.get("deletionTimestamp")) or ours


def _identity(each: KubeObject, default: str) -> _Identity:
    return objects.kind(each), objects.namespace(each) or default, objects.name(each)


def _is_claim(each: KubeObject) -> bool:
    return objects.kind(each) == "PersistentVolumeClaim"


def disabling(declaration: Declaration) -> Declaration:
    """What a declaration takes with it when its resources are disabled: what runs, not what holds others or data."""
    resources = tuple(
        replace(each, deploy=replace(each.deploy, objects=_without_holders(each.deploy.objects)))
        for each in declaration.resources
        if each.name != UNCATEGORIZED and each.deploy.in_cluster
    )
    return replace(declaration, resources=resources, objects=())


def _without_holders(declared: Iterable[KubeObject]) -> tuple[KubeObject, ...]:
    return tuple(o for o in declared if objects.kind(o) not in order.HOLDING_OTHERS)
