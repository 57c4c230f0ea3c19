"""What Tilt's API has an object for and a session here has not: builds, applies, log streams, extensions. Pure.

Each is made of the resource that it belongs to, with Tilt's name and fields.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from pytilt import TILT_VERSION, __date__
from pytilt.cluster.block_yaml import block_yaml
from pytilt.cluster.secrets import is_secret, without_values
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.api.metadata import MANAGED_BY, RESOURCE_ANNOTATION, SPAN_ANNOTATION
from pytilt.model.api.toggles import SWITCH_KEY, switch_name
from pytilt.model.api.words import GROUP_VERSION
from pytilt.model.images import CustomBuild, DockerBuild, Image
from pytilt.model.names import TILTFILE
from pytilt.model.objects import ImageMap, Resource, Runtime, Session, Tiltfile
from pytilt.model.pods import ContainerState
from pytilt.model.stored import TILTFILE_OWNER
from pytilt.model.updates import Outcome
from pytilt.store.objects import Snapshot
from pytilt.views.api_objects import owner_references, uid
from pytilt.views.discoveries import discovery, found_pods
from pytilt.views.result_images import image_maps, image_target
from pytilt.views.result_values import compact, sanitized

Json = dict[str, Any]

Made = Iterator[tuple[str, Json]]
"""Names, and the objects of these names."""


def docker_images(state: Snapshot) -> Made:
    """The images that are built from a Dockerfile."""
    yield from _builds(state, "DockerImage", DockerBuild)


def cmd_images(state: Snapshot) -> Made:
    """The images that a command builds."""
    yield from _builds(state, "CmdImage", CustomBuild)


def kubernetes_applies(state: Snapshot) -> Made:
    """What is applied for resources; beside the objects of this kind that Tiltfiles and clients make."""
    for resource in state.all(Resource):
        deploy = resource.spec.deploy
        if not deploy.in_cluster:
            continue
        forwards = [
            compact({"localPort": each.local_port, "containerPort": each.container_port, "host": each.host})
            for each in deploy.port_forwards
        ]
        commands = deploy.commands
        spec = compact(
            {
                "yaml": block_yaml([without_values(each) if is_secret(each) else each for each in deploy.objects]),
                "imageMaps": image_maps(deploy.images),
                "portForwardTemplateSpec": {"forwards": forwards} if forwards else None,
                "applyCmd": {"args": list(commands.apply.argv), "dir": commands.apply.dir} if commands else None,
                "deleteCmd": {"args": list(commands.delete.argv), "dir": commands.delete.dir} if commands else None,
                "disableSource": {"configMap": {"name": switch_name(resource.name), "key": SWITCH_KEY}},
                "cluster": "default",
            }
        )
        managed = {MANAGED_BY: "buildcontrol"}
        yield _object(state, resource, "KubernetesApply", resource.name, spec, _applied(resource), managed)


def pod_log_streams(state: Snapshot) -> Made:
    """The pods whose logs are followed."""
    found = {each.name: each for each in _discoveries(state)}
    for each in found.values():
        resource = each.annotations.get(RESOURCE_ANNOTATION, each.name if state.get(Resource, each.name) else "")
        for pod in found_pods(each):
            name = f"{each.name}-{pod.namespace}-{pod.name}"
            metadata = {
                "name": name,
                "uid": uid("PodLogStream", each),
                "creationTimestamp": pod.created_at,
                "annotations": {RESOURCE_ANNOTATION: resource, SPAN_ANNOTATION: f"pod:{resource}:{pod.name}"},
                "ownerReferences": owner_references(_owner_of(each), uid(each.kind, each)),
            }
            containers = [
                {"name": one.name, "active": one.state is ContainerState.RUNNING} for one in pod.containers if one.id
            ]
            yield (
                name,
                {
                    "apiVersion": GROUP_VERSION,
                    "kind": "PodLogStream",
                    "metadata": metadata,
                    "spec": {"namespace": pod.namespace, "pod": pod.name, "cluster": "default"},
                    "status": compact({"containerStatuses": containers}),
                },
            )


def ui_sessions(state: Snapshot) -> Made:
    """What Tilt's page asks for first."""
    for session in state.all(Session):
        metadata = {"name": session.name, "uid": uid("UISession", session), "creationTimestamp": session.created_at}
        build = {"version": TILT_VERSION, "date": __date__}
        status = {
            "runningTiltBuild": build,
            "tiltStartTime": session.created_at,
            "tiltfileKey": session.tiltfile_path,
            "versionSettings": {"checkUpdates": False},
        }
        yield (
            session.name,
            {"apiVersion": GROUP_VERSION, "kind": "UISession", "metadata": metadata, "spec": {}, "status": status},
        )


def extensions(state: Snapshot) -> Made:
    """The extensions that the Tiltfile uses."""
    yield from _used(state, "Extension", "extensions")


def extension_repos(state: Snapshot) -> Made:
    """The repositories of extensions that the Tiltfile uses."""
    yield from _used(state, "ExtensionRepo", "extensionrepos")


def _used(state: Snapshot, kind: str, plural: str) -> Made:
    for tiltfile in state.all(Tiltfile):
        known = {(each.plural, each.name) for each in tiltfile.status.extensions}
        due = (each for each in tiltfile.added if (each.plural, each.name) not in known)
        for each in (*tiltfile.status.extensions, *due):
            if each.plural == plural:
                metadata: dict[str, object] = {
                    "name": each.name,
                    "uid": uid(kind, msgspec.structs.replace(tiltfile, name=each.name)),
                    "creationTimestamp": tiltfile.created_at,
                }
                if not each.added:
                    metadata["annotations"] = {RESOURCE_ANNOTATION: TILTFILE, **dict(each.annotations)}
                    metadata["ownerReferences"] = owner_references(TILTFILE_OWNER, uid(Tiltfile.kind, tiltfile))
                yield (
                    each.name,
                    {
                        "apiVersion": GROUP_VERSION,
                        "kind": kind,
                        "metadata": metadata,
                        "spec": dict(each.spec),
                        "status": compact({"path": each.path, "error": each.error}),
                    },
                )


def _builds(state: Snapshot, kind: str, builder: type[DockerBuild | CustomBuild]) -> Made:
    for resource, image in _images(state):
        if isinstance(image.build, builder) and not image.live_update_only:
            details = dict(image_target(resource.spec, image, ())["BuildDetails"])
            details.pop("Deps", None)
            details["ref"] = image.name
            spec = {**details, "cluster": "default", "clusterNeeds": "push" if image.deployed else "build"}
            yield _object(state, resource, kind, _name(resource, image), spec, _build_status(state, resource, image))


def _build_status(state: Snapshot, resource: Resource, image: Image) -> Json:
    """How the last build went, by the last update of its resource."""
    made, status = state.get(ImageMap, image.name), resource.status
    current = next((each for each in status.current if each.strategy.value == "full"), None)
    reference = ""
    if made is not None:
        reference = made.status.reference or (made.status.built.reference if made.status.built else "")
    if current is not None:
        return compact({"ref": reference, "building": {"startedAt": current.started_at}})
    last = next((each for each in status.history if each.strategy.value == "full"), None)
    if last is None:
        return {"waiting": {"reason": "waiting for the first build"}}
    error = last.error if last.outcome is Outcome.FAILED and not reference else ""
    ended = compact({"startedAt": last.started_at, "finishedAt": last.finished_at, "error": error})
    return compact({"ref": reference, "completed": ended})


def _applied(resource: Resource) -> Json:
    status = resource.status
    last = next((each for each in status.history if each.strategy.value == "full"), None)
    result = [
        {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": compact({"name": ref.name, "namespace": ref.namespace, "uid": one}),
        }
        for ref, one in zip(status.applied, status.applied_uids, strict=False)
    ]
    return compact(
        {
            "resultYAML": block_yaml(result) if result else "",
            "error": last.error if last and last.outcome is Outcome.FAILED else "",
            "lastApplyStartTime": last.started_at if last else "",
            "lastApplyTime": status.deployed_at or (last.finished_at if last else ""),
            "disableStatus": {"state": "Enabled" if resource.enabled else "Disabled"},
            "conditions": list(msgspec.to_builtins(status.applied_conditions)),
        }
    )


def _images(state: Snapshot) -> Iterator[tuple[Resource, Image]]:
    for resource in state.all(Resource):
        for image in resource.spec.images:
            yield resource, image


def _discoveries(state: Snapshot) -> Iterator[KubernetesDiscovery]:
    for resource in state.all(Resource):
        found = discovery(resource, state.get(Runtime, resource.name))
        if found is not None:
            yield found
    yield from state.all(KubernetesDiscovery)


def _owner_of(each: KubernetesDiscovery) -> Any:  # noqa: ANN401 - the owner's own type
    return msgspec.structs.replace(TILTFILE_OWNER, kind=each.kind, name=each.name)


def _name(resource: Resource, image: Image) -> str:
    return sanitized(f"{resource.name}:{image_maps((image.name,))[0]}")


def _object(
    state: Snapshot,
    resource: Resource,
    kind: str,
    name: str,
    spec: Json,
    status: Json,
    annotations: dict[str, str] | None = None,
) -> tuple[str, Json]:
    tiltfile = state.get(Tiltfile, TILTFILE)
    named = msgspec.structs.replace(resource, name=name)
    metadata = {
        "name": name,
        "uid": uid(kind, named),
        "resourceVersion": str(resource.version),
        "creationTimestamp": resource.created_at,
        "annotations": {
            RESOURCE_ANNOTATION: resource.name,
            SPAN_ANNOTATION: f"{kind.lower()}:{name}",
            **(annotations or {}),
        },
        "ownerReferences": owner_references(TILTFILE_OWNER, uid(Tiltfile.kind, tiltfile)) if tiltfile else [],
    }
    return name, {"apiVersion": GROUP_VERSION, "kind": kind, "metadata": metadata, "spec": spec, "status": status}


DERIVED: tuple[tuple[str, str, tuple[str, ...], Callable[[Snapshot], Made]], ...] = (
    ("DockerImage", "dockerimages", (), docker_images),
    ("CmdImage", "cmdimages", (), cmd_images),
    ("PodLogStream", "podlogstreams", ("pls",), pod_log_streams),
    ("ExtensionRepo", "extensionrepos", ("repo", "extrepo"), extension_repos),
    ("Extension", "extensions", ("ext",), extensions),
    ("UISession", "uisessions", (), ui_sessions),
)
"""Kinds that are nothing but derived: name, plural, short names, and what makes them."""
