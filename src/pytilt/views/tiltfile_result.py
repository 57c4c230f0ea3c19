"""What an evaluation of the Tiltfile found, in the JSON of `tilt alpha tiltfile-result`: Tilt's keys, Tilt's order."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from pytilt.cluster.block_yaml import block_yaml
from pytilt.cluster.secrets import encoded_values
from pytilt.extensions.lockfile import NAME as LOCK_FILE
from pytilt.model.api.kinds import API_KINDS, AnyApiObject
from pytilt.model.commands import Command, Probe
from pytilt.model.files import Ignore
from pytilt.model.images import CustomBuild, Image
from pytilt.model.names import UNCATEGORIZED
from pytilt.model.resources import (
    ComposeDeploy,
    Declaration,
    ImageLocator,
    KubernetesDeploy,
    LocalDeploy,
    PortForwardSpec,
    ResourceSpec,
)
from pytilt.tiltfile.running.ignore_files import TILTIGNORE
from pytilt.tiltfile.running.report import Report
from pytilt.tiltfile.running.request import EvaluationResult
from pytilt.views.result_images import compose_images, image_maps, image_target, relative, stops
from pytilt.views.result_values import compact, duration, environment, ignore_defs, nanoseconds, sanitized, url

Json = dict[str, Any]
"""A JSON object. It crosses no package border but the one to the terminal."""

_IGNORED_CONTAINERS = ["istio-init", "istio-proxy", "linkerd-proxy", "linkerd-init"]
"""Containers whose logs Tilt leaves out."""

_STATUS: dict[str, Json] = {"extensionrepos": {"lastFetchedAt": None}, "uibuttons": {"lastClickedAt": None}}
"""How an object begins, where that is not empty."""

_STRATEGIES = {None: "", False: "default", True: "selectors-only"}

_ANALYTICS = {None: 0, False: 1, True: 2}


def tiltfile_result(result: EvaluationResult, directory: str, since: str) -> Json:
    """The whole of it.

    Args:
        result: of an evaluation that succeeded.
        directory: of the Tiltfile, absolute.
        since: when it was evaluated, as RFC 3339 has it; Tilt shows logs from then on.
    """
    declaration, report = result.declaration or Declaration(), result.report
    probes = dict(report.probes)
    manifests = [_manifest(each, declaration, report, probes, since) for each in declaration.resources]
    return {
        "Manifests": manifests,
        "EnabledManifests": list(declaration.enabled) or None,
        "Tiltignore": _tiltignore(report, directory),
        "ConfigFiles": [
            path
            for path in result.config_files
            if not path.endswith(f"/{LOCK_FILE}") and path not in report.unreported_files
        ],
        "FeatureFlags": dict(sorted(report.features)),
        "TeamID": report.team,
        "TelemetrySettings": {
            "Cmd": _command(report.telemetry, report),
            "Workdir": report.telemetry_directory,
            "Period": nanoseconds(report.telemetry_period_seconds),
        },
        "Secrets": _secrets(declaration),
        "Error": None,
        "DockerPruneSettings": {
            "Enabled": report.prune.enabled,
            "MaxAge": nanoseconds(report.prune.max_age_minutes * 60),
            "NumBuilds": report.prune.num_builds,
            "Interval": nanoseconds(report.prune.interval_hours * 3600),
            "KeepRecent": report.prune.keep_recent,
        },
        "AnalyticsOpt": _ANALYTICS[report.analytics],
        "VersionSettings": {"CheckUpdates": report.check_updates},
        "UpdateSettings": {"SuppressUnusedImageWarnings": list(report.suppressed_images) or None},
        "WatchSettings": {"Ignores": [_watch_ignore(each) for each in report.watch_ignores] or None},
        "DefaultRegistry": _registry(declaration),
        "ObjectSet": _objects(declaration, report),
        "Hashes": {"TiltfileSHA256": report.tiltfile_digest, "AllFilesSHA256": report.files_digest},
        "CISettings": _ci(declaration, report),
    }


def _manifest(
    resource: ResourceSpec, declaration: Declaration, report: Report, probes: Mapping[str, Probe], since: str
) -> Json:
    deploy = resource.deploy
    if isinstance(deploy, ComposeDeploy):
        images, target = compose_images(resource, deploy, report.environ), _compose_target(resource, deploy)
    elif isinstance(deploy, LocalDeploy):
        images, target = None, _local_target(resource, deploy, report, probes)
    else:
        images = [_image(resource, image, report) for image in resource.images]
        images = None if resource.name == UNCATEGORIZED else images
        target = _kubernetes_target(resource, deploy, declaration, report, since)
    return {
        "Name": resource.name,
        "ImageTargets": images,
        "DeployTarget": target,
        "TriggerMode": int(resource.trigger_mode),
        "ResourceDependencies": list(resource.resource_deps) or None,
        "SourceTiltfile": "",
        "Labels": {label: label for label in sorted(resource.labels)},
    }


def _kubernetes_target(
    resource: ResourceSpec, deploy: KubernetesDeploy, declaration: Declaration, report: Report, since: str
) -> Json:
    selectors = [{"matchLabels": dict(selector)} for selector in deploy.extra_pod_selectors]
    forwards = [_forward(each) for each in deploy.port_forwards]
    spec = compact(
        {
            "yaml": block_yaml(deploy.objects),
            "imageMaps": image_maps(deploy.images),
            "imageLocators": [spec for each in deploy.locators for spec in _locators(each)],
            "timeout": duration(declaration.updates.apply_timeout_seconds),
            "kubernetesDiscoveryTemplateSpec": {"extraSelectors": selectors} if selectors else None,
            "portForwardTemplateSpec": {"forwards": forwards} if forwards else None,
            "podLogStreamTemplateSpec": {"sinceTime": since, "ignoreContainers": _IGNORED_CONTAINERS},
            "discoveryStrategy": _STRATEGIES[deploy.selectors_only],
            **_deploy_commands(resource, deploy, report),
        }
    )
    return {
        **spec,
        "cluster": "default",
        **({"serverSideApply": True} if report.server_side_apply else {}),
        "Name": resource.name,
        "PodReadinessMode": deploy.pod_readiness.value,
        "Links": _links(resource),
        "FileWatchIgnores": ignore_defs(_deploy_ignores(resource, deploy)) or None,
    }


def _deploy_commands(resource: ResourceSpec, deploy: KubernetesDeploy, report: Report) -> Json:
    commands = deploy.commands
    if commands is None:
        return {}
    return {
        "applyCmd": _apply_command(commands.apply, report),
        "restartOn": {"fileWatches": [sanitized(f"{resource.name}:apply")]},
        "deleteCmd": _apply_command(commands.delete, report),
    }


def _apply_command(command: Command, report: Report) -> Json:
    return {
        "args": list(command.argv),
        "dir": command.dir,
        "env": environment(command.env, report.environ) or None,
    }


def _deploy_ignores(resource: ResourceSpec, deploy: KubernetesDeploy) -> tuple[Ignore, ...]:
    """What asks for no other deployment: in Tilt's form, what its live updates bring or refuse to bring."""
    commands = deploy.commands
    if commands is None:
        return ()
    found = [
        Ignore(base=rules.base, patterns=(*(relative(rules, s.local) for s in rules.syncs), *stops(rules)))
        for image in resource.images
        if image.container_name or image.live_update_only
        if (rules := image.live_update) and (rules.syncs or rules.fall_back_on)
    ]
    repositories = [ignore for ignore in commands.files.ignores if ignore.base.endswith("/.git")]
    return (*found, *repositories)


def _local_target(resource: ResourceSpec, deploy: LocalDeploy, report: Report, probes: Mapping[str, Probe]) -> Json:
    update = deploy.update
    spec = update and compact(
        {"args": list(update.argv), "dir": update.dir, "env": environment(update.env, report.environ)}
    )
    probe = probes.get(resource.name) if deploy.readiness_probe else None
    return {
        "UpdateCmdSpec": spec or None,
        "Name": resource.name,
        "ServeCmd": _command(deploy.serve, report),
        "Links": _links(resource),
        "Deps": list(deploy.files.paths) or None,
        "FileWatchIgnores": ignore_defs(deploy.files.ignores) or None,
        "AllowParallel": deploy.allow_parallel,
        "ReadinessProbe": _probe(probe) if probe else None,
        "ServeCmdDisableSource": None,
    }


def _compose_target(resource: ResourceSpec, deploy: ComposeDeploy) -> Json:
    project = deploy.project
    shown = {
        "configPaths": list(project.config_paths),
        "projectPath": project.path,
        "name": project.name,
        "envFile": project.env_file,
        "profiles": list(project.profiles),
        "wait": project.wait,
    }
    maps = image_maps([deploy.image]) if deploy.targets or deploy.build else []
    spec = {"service": deploy.service, "project": compact(shown), **compact({"imageMaps": maps})}
    return {"Spec": spec, "Name": resource.name, "ServiceYAML": deploy.yaml, "Links": _links(resource)}


def _command(command: Command | None, report: Report) -> Json:
    if command is None:
        return {"Argv": None, "Dir": "", "Env": None, "EchoOff": False}
    env = environment(command.env, report.environ)
    return {"Argv": list(command.argv), "Dir": command.dir, "Env": env or None, "EchoOff": command.echo_off}


def _probe(probe: Probe) -> Json:
    found: Json = {}
    if probe.exec:
        found["exec"] = {"command": list(probe.exec.command)}
    if probe.http_get:
        get = probe.http_get
        found["httpGet"] = compact({"path": get.path, "port": get.port, "host": get.host, "scheme": get.scheme.upper()})
    if probe.tcp_socket:
        found["tcpSocket"] = compact({"port": probe.tcp_socket.port, "host": probe.tcp_socket.host})
    numbers = {
        "initialDelaySeconds": probe.initial_delay_seconds,
        "timeoutSeconds": probe.timeout_seconds,
        "periodSeconds": probe.period_seconds,
        "successThreshold": probe.success_threshold,
        "failureThreshold": probe.failure_threshold,
    }
    return {**found, **compact(numbers)}


def _links(resource: ResourceSpec) -> list[Json] | None:
    return [{"URL": url(link.url, bare=link.bare), "Name": link.name} for link in resource.links] or None


def _forward(forward: PortForwardSpec) -> Json:
    found: Json = {
        "localPort": forward.local_port,
        "containerPort": forward.container_port,
        "host": forward.host or "localhost",
    }
    return found | compact({"name": forward.name, "path": forward.path})


def _locators(locator: ImageLocator) -> Iterable[Json]:
    patterns = {
        "apiVersionRegexp": locator.api_version,
        "kindRegexp": locator.kind,
        "nameRegexp": locator.name,
        "namespaceRegexp": locator.namespace,
    }
    selector = {key: f"(?i){text}" for key, text in patterns.items() if text}
    for path in locator.paths:
        yield {"objectSelector": selector, "path": path}
    if locator.object_path:
        fields = {"repoField": locator.repo_field, "tagField": locator.tag_field}
        yield {"objectSelector": selector, "path": locator.object_path, "object": fields}


def _image(resource: ResourceSpec, image: Image, report: Report) -> Json:
    found = image_target(resource, image, report.environ)
    if isinstance(image.build, CustomBuild) and report.in_repository:
        # Tilt looks for the `.git` of a Dockerfile that is not there, and finds that of the directory it runs in.
        first, *others = found["FileWatchIgnores"] or [None]
        return {**found, "FileWatchIgnores": [*([first] if first else ()), {"basePath": ".git"}, *others]}
    return found


def _tiltignore(report: Report, directory: str) -> Json:
    if report.tiltignore is None:
        return {"LocalPath": "", "Source": "", "Patterns": None}
    patterns = list(report.tiltignore) or None
    return {"LocalPath": directory, "Source": f"{directory}/{TILTIGNORE}", "Patterns": patterns}


def _watch_ignore(ignore: Ignore) -> Json:
    return {"LocalPath": ignore.base, "Source": "watch_settings()", "Patterns": list(ignore.patterns)}


def _secrets(declaration: Declaration) -> Json:
    if not declaration.secrets:
        return {}
    objects = (o for resource in declaration.resources for o in resource.deploy.objects)
    values = {value.text: value.shown for o in objects for value in encoded_values(o)}
    return dict(sorted(values.items()))


def _objects(declaration: Declaration, report: Report) -> Json:
    found: dict[str, Json] = {}
    for each in report.objects:
        metadata = {"name": each.name, "labels": dict(each.labels), "annotations": dict(each.annotations)}
        group = found.setdefault(f"tilt.dev/v1alpha1, Resource={each.plural}", {})
        group[each.name] = {"metadata": compact(metadata), "spec": each.spec, "status": _STATUS.get(each.plural, {})}
    plurals = {kind.name: kind.plural for kind in API_KINDS}
    for o in declaration.objects:
        group = found.setdefault(f"tilt.dev/v1alpha1, Resource={plurals[o.kind]}", {})
        group[o.name] = _object(o, plurals[o.kind])
    return {kind: dict(sorted(group.items())) for kind, group in sorted(found.items())}


def _object(o: AnyApiObject, plural: str) -> Json:
    metadata = {"name": o.name, "labels": dict(o.labels), "annotations": dict(o.annotations)}
    content = {field: msgspec.to_builtins(getattr(o, field)) for field in o.content}
    status = {"status": _STATUS.get(plural, {})} if "spec" in content else {}
    return {"metadata": compact(metadata), **content, **status}


def _registry(declaration: Declaration) -> Json | None:
    registry = declaration.default_registry
    if registry is None:
        return None
    inside = {"hostFromContainerRuntime": registry.host_from_cluster, "singleName": registry.single_name}
    return {"host": registry.host, **compact(inside)}


def _ci(declaration: Declaration, report: Report) -> Json:
    ci = declaration.ci
    grace = {"k8sGracePeriod": duration(ci.grace_period_seconds)} if report.grace_period_given else {}
    return {
        **grace,
        "timeout": duration(ci.timeout_seconds),
        "readinessTimeout": duration(ci.readiness_timeout_seconds),
    }
