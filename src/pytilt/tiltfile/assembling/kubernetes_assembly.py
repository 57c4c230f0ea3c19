"""From Kubernetes objects and calls of `k8s_resource` to resources."""

from collections.abc import Collection, Iterable, Sequence
from typing import TypeVar

from msgspec.structs import asdict, replace

from pytilt.cluster import grouping, objects, selecting, workloads
from pytilt.cluster.grouping import Groups, WorkloadGroup
from pytilt.cluster.order import ordered
from pytilt.errors import UserError
from pytilt.model.names import UNCATEGORIZED, ImageName, ResourceName
from pytilt.model.resources import CustomDeploy, ImageLocator, KubeObject, KubernetesDeploy, PodReadiness, ResourceSpec
from pytilt.tiltfile.arguments.triggers import model_mode
from pytilt.tiltfile.assembling.images_assembly import ImageIndex
from pytilt.tiltfile.running.declared import DeclaredDeploy, ResourceOptions, ScriptResult


def kubernetes_resources(
    declared: ScriptResult, index: ImageIndex
) -> tuple[tuple[ResourceSpec, ...], ResourceSpec | None]:
    """The resources of workloads and groups, and the one of everything else.

    Args:
        declared: what the Tiltfile declared.
        index: its images.

    Raises:
        UserError: a call of `k8s_resource` does not fit the objects.
    """
    search = _ImageSearch(declared, index)
    own = [_own_group(options, search) for options in declared.options if options.own]
    taken_objects = {id(o) for group in own for o in group.objects}
    wanted = [o for o in declared.objects if id(o) not in taken_objects]
    groups = _grouped(wanted, declared, search)
    for group in own:
        _check_name(group.name, groups.names, (), "")
        groups = replace(groups, groups=(*groups.groups, group))
    taken = {one.name for one in declared.locals}
    deploys = {one.name: one for one in declared.deploys}
    for group in groups.groups:
        if group.name in deploys:
            raise UserError(f'error making resource for {group.name}: k8s_resource named "{group.name}" already exists')
    groups = replace(groups, groups=(*(WorkloadGroup(name=name) for name in deploys), *groups.groups))
    for group in groups.groups:
        _check_name(group.name, (), taken, f"error making resource for workload {_shown(group)}: ")
    groups = _with_unsaid(groups, declared, search, taken)
    configured = _Configured(groups, taken)
    for options in declared.options:
        configured.apply(options)
    configured.groups = grouping.with_services(configured.groups)
    made = tuple(
        _resource(
            group,
            configured.options.get(group.name, ()),
            declared,
            search,
            index,
            deploys.get(configured.origin(group.name)),
        )
        for group in configured.groups.groups
    )
    return made, _uncategorized(configured.groups.rest, declared)


def _own_group(options: ResourceOptions, search: "_ImageSearch") -> WorkloadGroup:
    """The group of objects that were given to `k8s_resource` itself.

    Raises:
        UserError: they do not run the image that was given beside them.
    """
    images = {name for o in options.own for name in search.images(o)}
    if options.image is not None and search.find(options.image) not in images:
        raise UserError(
            f'k8s_resource "{options.name}": image "{options.image}" is in none of its objects',
            where=options.position,
            hint="name it in the YAML of a container, or leave `image` out",
        )
    workload = next((o for o in options.own if search.is_workload(o)), None)
    return WorkloadGroup(name=ResourceName(options.name), objects=ordered(options.own), workload=workload)


def _grouped(wanted: list[KubeObject], declared: ScriptResult, search: "_ImageSearch") -> grouping.Groups:
    name, place = declared.workload_name, declared.workload_name_place
    try:
        return grouping.group(wanted, is_workload=search.is_workload, workload_name=name)
    except UserError as error:
        if name is None or error.where:
            raise
        message = f"error applying workload_to_resource_function: {error.message}"
        raise UserError(message, where=place, hint=error.hint) from error


def _with_unsaid(
    groups: Groups, declared: ScriptResult, search: "_ImageSearch", taken: Collection[str]
) -> grouping.Groups:
    """The groups, and those of custom resources that no `k8s_kind` calls workloads, but that run an image.

    For Tilt they are plain objects: where `objects` names one, it goes there, and they take no name that is used.
    """
    fragments = [fragment for options in declared.options for fragment in options.objects]
    used = {name for one in declared.options if one.grouped or one.new_name for name in (one.name, one.new_name)}

    def is_free(o: KubeObject) -> bool:
        return search.is_unsaid(o) and not any(selecting.is_named(o, fragment) for fragment in fragments)

    return grouping.with_workloads(groups, is_free, {*taken, *used})


class _ImageSearch:
    """Finds images in objects, each object once."""

    def __init__(self, declared: ScriptResult, index: ImageIndex) -> None:
        self._index = index
        self._kinds = declared.kinds
        self._locators = declared.locators
        self._in_env = {name for name, image in index.images.items() if image.match_in_env_vars}
        self._found: dict[int, tuple[ImageName, ...]] = {}

    def find(self, text: str) -> ImageName | None:
        """The image of the Tiltfile that a reference means."""
        return self._index.find(text)

    def is_workload(self, o: KubeObject) -> bool:
        """Does this object get a resource of its own?"""
        if self._locators:
            workloads.check_located(o, self._locators)
        named = workloads.is_known(o) and bool(self.images(o))
        return named or workloads.is_workload(o, (), self._kinds, self._locators)

    def is_unsaid(self, o: KubeObject) -> bool:
        """Is it a custom resource that is a workload only by an image that its pod template names?"""
        return not workloads.is_known(o) and bool(self.images(o))

    def images(self, o: KubeObject) -> tuple[ImageName, ...]:
        """The images of the Tiltfile that an object names."""
        if id(o) not in self._found:
            named = [self._index.find(text) for text in workloads.references_in(o, self._locators)]
            if self._in_env:
                values = [self._index.find(str(entry.get("value") or "")) for entry in workloads.environment(o)]
                named += [name for name in values if name in self._in_env]
            self._found[id(o)] = tuple(dict.fromkeys(name for name in named if name))
        return self._found[id(o)]


class _Configured:
    """The groups, while calls of `k8s_resource` rename them and add objects."""

    def __init__(self, groups: Groups, taken: Collection[str]) -> None:
        self.groups = groups
        self.options: dict[str, tuple[ResourceOptions, ...]] = {}
        self._taken = taken
        self._names = set(groups.names)
        self._origins: dict[ResourceName, ResourceName] = {}

    def origin(self, name: ResourceName) -> ResourceName:
        """The name that a group had before it was renamed."""
        return self._origins.get(name, name)

    def apply(self, options: ResourceOptions) -> None:
        """Do what one call asks for."""
        name = options.name
        if options.grouped:
            _check_name(name, self._names, self._taken, "")
            self._names.add(ResourceName(name))
        elif name not in self._names:
            raise UserError(
                f'k8s_resource specified unknown resource "{name}". known k8s resources: '
                f"{', '.join(self.groups.names)}",
                where=options.position,
            )
        self.options[name] = (*self.options.get(name, ()), options)
        if options.new_name and options.new_name != name:
            name = self._rename(options)
        if options.objects:
            self.groups = grouping.assign(self.groups, ResourceName(name), options.objects)

    def _rename(self, options: ResourceOptions) -> str:
        old, new = ResourceName(options.name), ResourceName(options.new_name)
        reason = f'{options.position}: k8s_resource specified to rename "{old}" to "{new}": '
        _check_name(new, self._names, self._taken, reason)
        self.groups = grouping.rename(self.groups, old, new)
        self.options[new] = self.options.pop(old)
        self._origins[new] = self._origins.pop(old, old)
        self._names = (self._names - {old}) | {new}
        return new


def _check_name(name: str, kubernetes: Collection[str], local: Collection[str], reason: str) -> None:
    for kind, names in (("k8s_resource", kubernetes), ("local_resource", local)):
        if name in names:
            raise UserError(f'{reason}{kind} named "{name}" already exists')


def _shown(group: WorkloadGroup) -> str:
    return grouping.workload_id(group.workload) if group.workload else group.name


def _resource(
    group: WorkloadGroup,
    options: Sequence[ResourceOptions],
    declared: ScriptResult,
    search: _ImageSearch,
    index: ImageIndex,
    custom: DeclaredDeploy | None,
) -> ResourceSpec:
    images = tuple(dict.fromkeys(name for o in group.objects for name in search.images(o)))
    if custom is not None:
        missing = [dep for dep in custom.image_deps if not index.find(dep)]
        if missing:
            raise UserError(f'resource "{group.name}": image build "{missing[0]}" not found')
        images = tuple(found for each in custom.images if (found := index.find(each)))
    selectors = tuple(selector for one in options for selector in one.extra_pod_selectors)
    workload = group.workload
    plain = KubernetesDeploy(
        objects=group.objects,
        images=tuple(name for name in images if not index.images[name].live_update_only),
        port_forwards=tuple(forward for one in options for forward in one.port_forwards),
        pod_readiness=_readiness(group.objects, options, declared, pods_expected=bool(selectors or images)),
        extra_pod_selectors=selectors,
        selectors_only=_last(one.selectors_only for one in options),
        locators=_locators(group.objects, declared.locators),
        repair_drift=_last(one.repair_drift for one in options),
        workload=f"{objects.kind(workload)}/{objects.name(workload)}" if workload else "",
    )
    deploy = _by_commands(plain, custom) if custom else plain
    auto_init = _last(one.auto_init for one in options)
    return ResourceSpec(
        name=group.name,
        deploy=deploy,
        images=index.needed(images),
        labels=tuple(dict.fromkeys(label for one in options for label in one.labels)),
        links=tuple(link for one in options for link in one.links),
        trigger_mode=model_mode(
            _last(one.trigger_mode for one in options) or declared.trigger_mode, auto_init=auto_init is not False
        ),
        resource_deps=tuple(ResourceName(name) for one in options for name in one.resource_deps),
        each_update=tuple(ResourceName(name) for one in options for name in one.each_update),
        debounce_seconds=_last(one.debounce_seconds for one in options) or 0.0,
    )


def _by_commands(deploy: KubernetesDeploy, custom: DeclaredDeploy) -> CustomDeploy:
    """The same, deployed by commands of the user's instead of from objects."""
    return CustomDeploy(**asdict(deploy), commands=replace(custom.commands, files=custom.files))


def _uncategorized(rest: Sequence[KubeObject], declared: ScriptResult) -> ResourceSpec | None:
    if not rest:
        return None
    deploy = KubernetesDeploy(
        objects=ordered(rest),
        pod_readiness=PodReadiness.IGNORE,
        locators=_locators(rest, declared.locators),
    )
    return ResourceSpec(name=UNCATEGORIZED, deploy=deploy)


def _readiness(
    wanted: Sequence[KubeObject], options: Sequence[ResourceOptions], declared: ScriptResult, *, pods_expected: bool
) -> PodReadiness:
    said = _last(one.pod_readiness for one in options)
    if said:
        return said
    by_kind = workloads.readiness(wanted, declared.kinds)
    if by_kind:
        return by_kind
    plain = any(one.grouped for one in options) and not pods_expected
    return PodReadiness.IGNORE if plain else PodReadiness.WAIT


Choice = TypeVar("Choice")


def _last(choices: Iterable[Choice | None]) -> Choice | None:
    """What the last call said that said anything."""
    return next((choice for choice in reversed(list(choices)) if choice is not None), None)


def _locators(wanted: Sequence[KubeObject], locators: Sequence[ImageLocator]) -> tuple[ImageLocator, ...]:
    return tuple(
        one
        for one in locators
        if any(
            selecting.matches(o, kind=one.kind, api_version=one.api_version, name=one.name, namespace=one.namespace)
            for o in wanted
        )
    )
