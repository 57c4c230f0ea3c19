"""A pod's spec as the engine's requests to create its sandbox and its containers: pure translation."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pytilt.engines.objects import labels
from pytilt.engines.objects.fields import Json
from pytilt.engines.objects.labels import EngineProject
from pytilt.engines.podspec.placement import SandboxBase
from pytilt.engines.podspec.values import amount, expand
from pytilt.engines.podspec.volumes import PodVolume, container_mounts, pod_volumes, sandbox_mounts
from pytilt.model.resources import KubeObject
from pytilt.synclet.verbs import pause

SHARES_PER_PROCESSOR = 1024
LEAST_SHARES = 2
"""The kernel's smallest weight; both numbers are the kubelet's."""


def sandbox_shape(pod: KubeObject) -> Json:
    """All of a pod that its sandbox is made of, so that pods of equal shape could live in the same one."""
    anywhere = SandboxBase(image="", network="", service_range="", name_server="")
    project = EngineProject(id="")
    request = sandbox_request(pod, project, anywhere, pod_volumes(pod, project))
    del request["Labels"][labels.POD_OBJECT]
    return request


def sandbox_request(
    pod: KubeObject, project: EngineProject, base: SandboxBase, volumes: Mapping[str, PodVolume]
) -> Json:
    """What to send to create the container that holds a pod's namespaces and volumes."""
    metadata, spec = pod["metadata"], pod["spec"]
    on_host = bool(spec.get("hostNetwork"))
    host: Json = {
        "NetworkMode": "host" if on_host else base.network,
        "IpcMode": "host" if spec.get("hostIPC") else "shareable",
        "Mounts": sandbox_mounts(volumes),
        "PortBindings": {} if on_host else _port_bindings(spec),
        "ExtraHosts": _extra_hosts(spec),
    }
    if spec.get("hostPID"):
        host["PidMode"] = "host"
    if not on_host:
        host |= _names(pod, base) | {"CapAdd": ["NET_ADMIN"]}
    if sysctls := (spec.get("securityContext") or {}).get("sysctls"):
        host["Sysctls"] = {item["name"]: str(item["value"]) for item in sysctls}
    request: Json = {
        "Image": base.image,
        "Cmd": pause("" if on_host else base.service_range),
        "ExposedPorts": {port: {} for port in host["PortBindings"]},
        "HostConfig": host,
        "Labels": project.labels(
            labels.SANDBOX,
            **{
                labels.NAMESPACE: metadata["namespace"],
                labels.POD: metadata["name"],
                labels.POD_UID: metadata["uid"],
                labels.POD_OBJECT: msgspec.json.encode(stored_pod(pod)).decode(),
            },
        ),
    }
    if not on_host:
        request["Hostname"] = host_name(pod)
    return request


def host_name(pod: KubeObject) -> str:
    """What a pod that is not on the host's network calls itself."""
    return str(pod["spec"].get("hostname") or pod["metadata"]["name"])[:63]


def stored_pod(pod: KubeObject) -> Json:
    """A pod as its sandbox keeps it: without its status, which the engine knows better."""
    return {name: value for name, value in pod.items() if name != "status"}


def _port_bindings(spec: Mapping[str, Any]) -> Json:
    bindings: Json = {}
    for container in spec["containers"]:
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                key = f"{port['containerPort']}/{str(port.get('protocol') or 'TCP').lower()}"
                bindings[key] = [{"HostIp": port.get("hostIP") or "127.0.0.1", "HostPort": str(port["hostPort"])}]
    return bindings


def _extra_hosts(spec: Mapping[str, Any]) -> list[str]:
    return [f"{name}:{alias['ip']}" for alias in spec.get("hostAliases") or () for name in alias.get("hostnames") or ()]


def _names(pod: KubeObject, base: SandboxBase) -> Json:
    """How the pod resolves names: as in a cluster, unless its `dnsPolicy` says otherwise."""
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    config = spec.get("dnsConfig") or {}
    servers, searches, options = [], [], {}
    if (spec.get("dnsPolicy") or "ClusterFirst").startswith("ClusterFirst"):
        servers = [base.name_server]
        searches = [f"{namespace}.svc.{base.zone}", f"svc.{base.zone}", base.zone]
        options = {"ndots": "5"}
    servers = [*servers, *(config.get("nameservers") or ())]
    searches = [*searches, *(config.get("searches") or ())]
    options |= {item["name"]: str(item.get("value", "")) for item in config.get("options") or ()}
    return {
        "Dns": servers,
        "DnsSearch": searches,
        "DnsOptions": [f"{name}:{value}" if value else name for name, value in options.items()],
    }


def container_request(
    pod: KubeObject,
    container: Mapping[str, Any],
    *,
    attempt: int,
    sandbox: str,
    project: EngineProject,
    environment: Mapping[str, str],
    volumes: Mapping[str, PodVolume],
    folders: Mapping[str, str],
) -> Json:
    """What to send to create one container of a pod.

    Args:
        pod: the pod.
        container: the container's spec.
        attempt: how often it was started before.
        sandbox: id of the sandbox.
        project: whose it is.
        environment: the container's variables.
        volumes: the pod's volumes.
        folders: where the engine keeps its volumes; see `container_mounts`.
    """
    metadata, spec = pod["metadata"], pod["spec"]
    mounts, binds = container_mounts(container, volumes, folders, environment)
    host = _shared(spec, sandbox) | {"Mounts": mounts, "Binds": binds}
    request: Json = {
        "Image": container["image"],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "Labels": project.labels(
            labels.APP,
            **{
                labels.NAMESPACE: metadata["namespace"],
                labels.POD: metadata["name"],
                labels.POD_UID: metadata["uid"],
                labels.CONTAINER: container["name"],
                labels.ATTEMPT: str(attempt),
            },
        ),
        "OpenStdin": bool(container.get("stdin")),
        "StdinOnce": bool(container.get("stdinOnce")),
        "Tty": bool(container.get("tty")),
        "HostConfig": host | _limits(container.get("resources") or {}),
    }
    if container.get("command"):
        request["Entrypoint"] = _words(container["command"], environment)
    if container.get("args"):
        request["Cmd"] = _words(container["args"], environment)
    if signal := (container.get("lifecycle") or {}).get("stopSignal"):
        request["StopSignal"] = signal
    if container.get("workingDir"):
        request["WorkingDir"] = container["workingDir"]
    _secure(request, spec.get("securityContext") or {}, container.get("securityContext") or {})
    return request


def _shared(spec: Mapping[str, Any], sandbox: str) -> Json:
    """What a container shares with its pod."""
    pod = f"container:{sandbox}"
    host: Json = {"NetworkMode": pod, "IpcMode": pod}
    if spec.get("shareProcessNamespace"):
        host["PidMode"] = pod
    elif spec.get("hostPID"):
        host["PidMode"] = "host"
    return host


def _words(words: Sequence[object], environment: Mapping[str, str]) -> list[str]:
    return [expand(str(word), environment) for word in words]


def _limits(resources: Mapping[str, Any]) -> Json:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    host: Json = {}
    if memory := limits.get("memory"):
        host["Memory"] = host["MemorySwap"] = int(amount(memory))
    if processors := limits.get("cpu"):
        host["NanoCpus"] = int(amount(processors) * 10**9)
    if wanted := requests.get("cpu") or limits.get("cpu"):
        host["CpuShares"] = max(LEAST_SHARES, int(amount(wanted) * SHARES_PER_PROCESSOR))
    return host


def _secure(request: Json, of_pod: Mapping[str, Any], of_container: Mapping[str, Any]) -> None:
    """Put what the two security contexts say into the request."""
    host = request["HostConfig"]
    context = {**of_pod, **of_container}
    user, group = context.get("runAsUser"), context.get("runAsGroup")
    if user is not None or group is not None:
        request["User"] = f"{'' if user is None else user}{'' if group is None else f':{group}'}"
    groups = [*(of_pod.get("supplementalGroups") or ())]
    if of_pod.get("fsGroup") is not None:
        groups.append(of_pod["fsGroup"])
    if groups:
        host["GroupAdd"] = [str(item) for item in groups]
    capabilities = of_container.get("capabilities") or {}
    host["CapAdd"] = list(capabilities.get("add") or ())
    host["CapDrop"] = list(capabilities.get("drop") or ())
    host["Privileged"] = bool(of_container.get("privileged"))
    host["ReadonlyRootfs"] = bool(of_container.get("readOnlyRootFilesystem"))
    options = []
    if of_container.get("allowPrivilegeEscalation") is False:
        options.append("no-new-privileges")
    if (context.get("seccompProfile") or {}).get("type") == "Unconfined":
        options.append("seccomp=unconfined")
    host["SecurityOpt"] = options
