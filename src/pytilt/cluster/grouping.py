"""Which objects make up a resource, and what it is called."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from pytilt.cluster import objects, selecting, workloads
from pytilt.cluster.order import ordered
from pytilt.errors import UserError
from pytilt.model.base import Value
from pytilt.model.names import ResourceName
from pytilt.model.resources import KubeObject


class WorkloadGroup(Value):
    """The objects of one resource."""

    name: ResourceName
    objects: tuple[KubeObject, ...] = ()
    """In the order of applying."""
    workload: KubeObject | None = None
    """The object that it was made for; None for a group of plain objects."""


class Groups(Value):
    """All objects, each in at most one group."""

    groups: tuple[WorkloadGroup, ...] = ()
    """In the order of their workloads in the YAML."""
    rest: tuple[KubeObject, ...] = ()
    """What belongs to no workload, in the order of the YAML."""

    @property
    def names(self) -> tuple[ResourceName, ...]:
        """The names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def objects(self) -> tuple[KubeObject, ...]:
        """All of them: those of the groups, then the rest."""
        return (*(o for group in self.groups for o in group.objects), *self.rest)

    def get(self, name: str) -> WorkloadGroup | None:
        """The group of that name."""
        return next((group for group in self.groups if group.name == name), None)


def group(
    wanted: Sequence[KubeObject],
    *,
    is_workload: Callable[[KubeObject], bool],
    workload_name: Callable[[KubeObject], str] | None = None,
) -> Groups:
    """Make a group for every workload, with the Services that lead to its pods, but for those of custom resources.

    Args:
        wanted: the objects, in the order of the YAML.
        is_workload: see `workloads.is_workload`.
        workload_name: names a workload (`workload_to_resource_function`); else the shortest unique name is taken.

    Raises:
        UserError: two workloads were given the same name.
    """
    found = [o for o in wanted if is_workload(o)]
    rest = _Rest(wanted, found)
    groups = [
        WorkloadGroup(name=name, objects=ordered([workload, *_services(workload, rest)]), workload=workload)
        for name, workload in zip(_names(found, workload_name), found, strict=True)
    ]
    return _with_plain_templates(groups, rest)


def _services(workload: KubeObject, rest: "_Rest") -> tuple[KubeObject, ...]:
    return rest.take_services(workload) if workloads.is_known(workload) else ()


def with_services(groups: Groups) -> Groups:
    """Give the custom resources that hold pod templates the Services that lead to their pods.

    To be called once everything else is assigned: for Tilt these Services belong to nobody, and Tiltfiles name them.
    """
    rest = _Rest(groups.rest, ())
    made = []
    for one in groups.groups:
        custom = one.workload is not None and not workloads.is_known(one.workload)
        services = rest.take_services(one.workload) if one.workload is not None and custom else ()
        joined = ordered([*one.objects, *services])
        made.append(WorkloadGroup(name=one.name, objects=joined, workload=one.workload) if services else one)
    return Groups(groups=tuple(made), rest=rest.objects)


def with_workloads(groups: Groups, workload: Callable[[KubeObject], bool], taken: Collection[str]) -> Groups:
    """Make groups for workloads among the rest that no Tiltfile knows to be some, so they take no name from others.

    Args:
        groups: what there is.
        workload: is an object one of them?
        taken: further names that are not free.
    """
    found = [o for o in groups.rest if workload(o)]
    names, made = {*groups.names, *taken}, []
    for o in found:
        free = next((name for name in selecting.fragments(o) if name not in names), "")
        if free:
            names.add(free)
            made.append(WorkloadGroup(name=ResourceName(free), objects=(o,), workload=o))
    rest = tuple(o for o in groups.rest if not any(o is one.workload for one in made))
    return Groups(groups=(*groups.groups, *made), rest=rest)


def assign(groups: Groups, name: ResourceName, fragments: Sequence[str]) -> Groups:
    """Give objects of the rest to a group, which is made if there is none of that name.

    Args:
        groups: what there is.
        name: of the group.
        fragments: `name[:kind[:namespace]]` of the objects.

    Raises:
        UserError: a fragment names no object, several, or one that is taken.
    """
    everything, rest = groups.objects, list(groups.rest)
    taken = []
    for fragment in fragments:
        picked = selecting.pick(fragment, everything, rest)
        rest = [o for o in rest if o is not picked]
        taken.append(picked)
    old = groups.get(name) or WorkloadGroup(name=name)
    new = WorkloadGroup(name=name, objects=ordered([*old.objects, *taken]), workload=old.workload)
    kept = tuple(new if one is old else one for one in groups.groups)
    return Groups(groups=kept if groups.get(name) else (*kept, new), rest=tuple(rest))


def rename(groups: Groups, old: str, new: ResourceName) -> Groups:
    """Give a group another name."""
    renamed = tuple(
        WorkloadGroup(name=new, objects=one.objects, workload=one.workload) if one.name == old else one
        for one in groups.groups
    )
    return Groups(groups=renamed, rest=groups.rest)


def unique_names(wanted: Sequence[KubeObject], *, parts: int = 1) -> tuple[str, ...]:
    """The shortest name for each object that no other has: `name`, `name:kind`, `name:kind:namespace`, ….

    Args:
        wanted: the objects.
        parts: how many parts a name has at least; 2 for the lists in logs.
    """
    candidates = [selecting.fragments(o)[parts - 1 :] for o in wanted]
    counts = Counter(name for names in candidates for name in names)
    return tuple(
        next((name for name in names if counts[name] == 1), f"{names[-1]}:{index}")
        for index, names in enumerate(candidates)
    )


def workload_id(o: KubeObject) -> str:
    """How messages name a workload: `name:kind:namespace:group`, in lower case."""
    parts = (objects.name(o), objects.kind(o), objects.namespace_or_default(o), objects.group(objects.api_version(o)))
    return ":".join(parts).lower()


def _names(found: Sequence[KubeObject], workload_name: Callable[[KubeObject], str] | None) -> tuple[ResourceName, ...]:
    if workload_name is None:
        return tuple(ResourceName(name) for name in unique_names(found))
    taken: dict[str, KubeObject] = {}
    for o in found:
        name = workload_name(o)
        if name in taken:
            raise UserError(
                f"both '{workload_id(o)}' and '{workload_id(taken[name])}' mapped to resource name '{name}'",
                hint="let the function that was given to `workload_to_resource_function` return different names",
            )
        taken[name] = o
    return tuple(ResourceName(name) for name in taken)


def _with_plain_templates(groups: list[WorkloadGroup], rest: "_Rest") -> Groups:
    """Give objects that make pods but name no image a group too, named after them."""
    places = {group.name: index for index, group in enumerate(groups)}
    for o in rest.take_templates():
        members = (o, *rest.take_services(o))
        name = ResourceName(objects.name(o))
        if name in places:
            old = groups[places[name]]
            groups[places[name]] = WorkloadGroup(
                name=name, objects=ordered([*old.objects, *members]), workload=old.workload
            )
        else:
            places[name] = len(groups)
            groups.append(WorkloadGroup(name=name, objects=ordered(members), workload=o))
    return Groups(groups=tuple(groups), rest=rest.objects)


class _Rest:
    """The objects that are in no group yet, and quick ways to find some of them."""

    def __init__(self, wanted: Sequence[KubeObject], taken: Sequence[KubeObject]) -> None:
        gone = {id(o) for o in taken}
        self._left = {place: o for place, o in enumerate(wanted) if id(o) not in gone}
        self._services: dict[tuple[str, str], list[int]] = {}
        for place, o in self._left.items():
            selector = objects.mapping(o, "spec", "selector")
            if objects.kind(o) == "Service" and objects.api_version(o) == "v1" and selector:
                # Whatever a Service selects has all pairs of its selector, so the first one finds it.
                key, value = next(iter(selector.items()))
                self._services.setdefault((str(key), str(value)), []).append(place)

    @property
    def objects(self) -> tuple[KubeObject, ...]:
        """What is left, in the order of the YAML."""
        return tuple(self._left.values())

    def take_services(self, workload: KubeObject) -> tuple[KubeObject, ...]:
        """Remove and return the Services that lead to the pods of a workload, in the order of the YAML."""
        found = set()
        for template in workloads.templates(workload):
            labels = objects.labels(template)
            near = {place for pair in labels.items() for place in self._services.get(pair, ()) if place in self._left}
            found |= {place for place in near if _leads_to(self._left[place], workload, labels)}
        return self._take(found)

    def take_templates(self) -> tuple[KubeObject, ...]:
        """Remove and return the objects that make pods."""
        return self._take({place for place, o in self._left.items() if workloads.makes_pods(o)})

    def _take(self, places: set[int]) -> tuple[KubeObject, ...]:
        return tuple(self._left.pop(place) for place in sorted(places))


def _leads_to(service: KubeObject, workload: KubeObject, labels: Mapping[str, str]) -> bool:
    # A Service that names no namespace may go with a workload that names one, as in Tilt.
    space = objects.namespace_or_default(service)
    near = space in (objects.DEFAULT_NAMESPACE, objects.namespace_or_default(workload))
    return near and selecting.selector_matches(service, labels)
