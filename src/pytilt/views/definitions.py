"""What a resource is, in words for people: how its images are built and kept fresh, what is applied."""

from collections.abc import Sequence

from pytilt.cluster import yaml
from pytilt.model.base import Value
from pytilt.model.cluster_events import ClusterEvent, ResourceEvents
from pytilt.model.commands import Command
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import CustomBuild, DockerBuild, Image, LiveUpdate
from pytilt.model.names import TILTFILE, ResourceName
from pytilt.model.objects import Resource, Runtime, Tiltfile
from pytilt.model.pods import Pod
from pytilt.model.resources import Deploy, KubeObject, PortForwardSpec
from pytilt.model.updates import Update
from pytilt.store.objects import Snapshot
from pytilt.views.hiding import without_data
from pytilt.views.rows import live_lines
from pytilt.views.statuses import ordered


class Fact(Value):
    """Something that is so: `context`, `/p/web`."""

    name: str
    values: tuple[str, ...]


class ImageDefinition(Value):
    """How an image is built, and how the containers that run it are kept fresh."""

    name: str
    facts: tuple[Fact, ...] = ()
    live_update: tuple[str, ...] = ()
    """The steps, as a Tiltfile has them; empty where every change asks for a build."""


class Definition(Value):
    """A resource as it was declared, and what belongs to it."""

    facts: tuple[Fact, ...] = ()
    images: tuple[ImageDefinition, ...] = ()
    yaml: str = ""
    """What was applied last, or will be; without the values of Secrets. Empty for what is not deployed to a cluster."""
    changes: str = ""
    """How that differs from what was applied before, as a unified diff; empty: nothing was before in this session."""


class Detail(Value):
    """What the page of one resource shows beside its row."""

    name: ResourceName
    updates: tuple[Update, ...] = ()
    """Those that run first, then those that ended, newest first."""
    definition: Definition
    pods: tuple[Pod, ...] = ()
    """The one that counts comes first."""
    live: tuple[str, ...] = ()
    """How its containers are updated in place, and why that cannot be done."""
    events: tuple[ClusterEvent, ...] = ()
    """What the cluster says of its objects, the newest first."""
    waits_for: tuple[ResourceName, ...] = ()
    needed_by: tuple[ResourceName, ...] = ()


class Lane(Value):
    """The updates of one resource, or of the Tiltfile."""

    name: ResourceName
    updates: tuple[Update, ...] = ()


def lanes(state: Snapshot) -> tuple[Lane, ...]:
    """The updates of the session, as far as they are kept."""
    tiltfile = state.get(Tiltfile, TILTFILE)
    own = () if tiltfile is None else (*filter(None, (tiltfile.status.current,)), *tiltfile.status.history)
    return (
        Lane(name=TILTFILE, updates=own),
        *(Lane(name=each.spec.name, updates=(*each.status.current, *each.status.history)) for each in ordered(state)),
    )


def detail(state: Snapshot, name: str) -> Detail | None:
    """Everything about one resource, or about the Tiltfile; None where there is no such thing.

    Args:
        state: the objects of the session.
        name: which.
    """
    if name == TILTFILE:
        tiltfile = state.get(Tiltfile, TILTFILE)
        return None if tiltfile is None else _tiltfile_detail(tiltfile)
    resource = state.get(Resource, name)
    if resource is None:
        return None
    runtime, events = state.get(Runtime, name), state.get(ResourceEvents, name)
    return Detail(
        name=resource.spec.name,
        updates=(*resource.status.current, *resource.status.history),
        definition=definition(resource),
        pods=runtime.status.pods if runtime else (),
        live=live_lines(state, name),
        events=events.events[::-1] if events else (),
        waits_for=resource.spec.resource_deps,
        needed_by=tuple(each.spec.name for each in ordered(state) if name in each.spec.resource_deps),
    )


def _tiltfile_detail(tiltfile: Tiltfile) -> Detail:
    status = tiltfile.status
    files = status.declaration.config_files if status.declaration else ()
    return Detail(
        name=TILTFILE,
        updates=(*filter(None, (status.current,)), *status.history),
        definition=Definition(
            facts=_filled(
                Fact(name="path", values=(tiltfile.path,)),
                Fact(name="arguments", values=tiltfile.args),
                Fact(name="files that it reads", values=files),
            )
        ),
    )


def definition(resource: Resource) -> Definition:
    """What a resource is."""
    spec, status = resource.spec, resource.status
    applied = _yaml(status.manifest)
    return Definition(
        facts=_filled(
            Fact(name="kind", values=(spec.deploy.target_type,)),
            Fact(name="trigger mode", values=(spec.trigger_mode.name.lower().replace("_", " "),)),
            Fact(name="labels", values=spec.labels),
            *_commands(spec.deploy),
            *_files(spec.deploy.files),
            Fact(name="port forwards", values=tuple(_forward(each) for each in spec.deploy.port_forwards)),
            Fact(name="links", values=tuple(link.url for link in spec.links)),
        ),
        images=tuple(_image(each) for each in spec.images),
        yaml=applied or _yaml(without_data(list(spec.deploy.objects))),
        changes=_diff(_yaml(status.manifest_before), applied),
    )


def _yaml(manifest: Sequence[KubeObject]) -> str:
    return yaml.dump(manifest) if manifest else ""


def _diff(before: str, after: str) -> str:
    """What changed from one YAML text to the other; empty where there was none before."""
    if not before or before == after:
        return ""
    from difflib import unified_diff  # imported here: in most sessions no declaration changes

    return "\n".join(
        unified_diff(before.splitlines(), after.splitlines(), "applied before", "applied last", lineterm="")
    )


def _filled(*facts: Fact) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.values)


def _commands(deploy: Deploy) -> tuple[Fact, ...]:
    found = (("command", deploy.update), ("serve command", deploy.serve))
    return tuple(Fact(name=name, values=(_command(each),)) for name, each in found if each is not None)


def _command(command: Command) -> str:
    return f"{command.shown}   (in {command.dir})"


def _forward(each: PortForwardSpec) -> str:
    local, container = each.local_port, each.container_port
    return f"{local}:{container}" if container and container != local else str(local)


def _files(rule: FileRule) -> tuple[Fact, ...]:
    return (Fact(name="watched", values=rule.paths), Fact(name="ignored", values=_ignored(rule.ignores)))


def _ignored(ignores: tuple[Ignore, ...]) -> tuple[str, ...]:
    return tuple(
        f"{pattern}   (below {each.base})" if pattern else each.base
        for each in ignores
        for pattern in each.patterns or ("",)
    )


def _image(image: Image) -> ImageDefinition:
    build = image.build
    return ImageDefinition(
        name=image.name,
        facts=_filled(
            *(_docker(build) if isinstance(build, DockerBuild) else _custom(build)),
            Fact(name="base images", values=tuple(image.base_images)),
            Fact(name="entrypoint", values=(" ".join(image.entrypoint),) if image.entrypoint else ()),
            *_files(image.files),
        ),
        live_update=_steps(image.live_update) if image.live_update else (),
    )


def _docker(build: DockerBuild) -> tuple[Fact, ...]:
    return (
        Fact(name="context", values=(build.context,)),
        Fact(name="Dockerfile", values=(build.dockerfile or "its text is in the Tiltfile",)),
        Fact(name="target", values=(build.target,) if build.target else ()),
        Fact(name="build arguments", values=tuple(name for name, _ in build.build_args)),
        Fact(name="platform", values=(build.platform,) if build.platform else ()),
        Fact(name="left out of the context", values=_ignored(build.context_ignores)),
    )


def _custom(build: CustomBuild) -> tuple[Fact, ...]:
    return (Fact(name="command", values=(_command(build.command),)),)


def _steps(rules: LiveUpdate) -> tuple[str, ...]:
    falls = (f"fall_back_on({list(rules.fall_back_on)!r})",) if rules.fall_back_on else ()
    syncs = tuple(
        f"sync({each.local!r}, {each.remote!r}{', follow_symlinks=True' if each.follow else ''})"
        for each in rules.syncs
    )
    runs = tuple(
        f"run({each.shown!r}, trigger={[p for t in each.triggers for p in t.patterns]!r})"
        if each.triggers
        else f"run({each.shown!r})"
        for each in rules.runs
    )
    first = ("initial_sync()",) if rules.initial_sync else ()
    last = ("restart_container()",) if rules.restart else ()
    return (*falls, *first, *syncs, *runs, *last)
