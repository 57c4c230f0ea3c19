"""Every field of a pod that works: what a pod with it is made of, on a container runtime in memory.

`test_runner_on_engines` shows what the engines make of it.
"""

import asyncio
import base64
import json

from pytilt.engines.objects import labels
from tests.engines.memory import MemoryTrial, in_memory
from tests.engines.trial import Json, config, pod, proves, service
from tests.virtual_time import unix_time, until, virtual_time

TICK = {"periodSeconds": 1}
SUCCEEDS = {"exec": {"command": ["ok"]}}


async def running(t: MemoryTrial, *, spec: Json | None = None, container: Json | None = None, name: str = "p"):
    """Run a pod; what its container was created with."""
    await t.apply(pod(name, "", spec=spec, container=container))
    (found,) = await t.ready(name)
    return found, t.container(found).request


async def sandbox_of(t: MemoryTrial, *, spec: Json | None = None, container: Json | None = None, name: str = "p"):
    """Run a pod; what its sandbox was created with."""
    found, _ = await running(t, spec=spec, container=container, name=name)
    return t.container(found, labels.SANDBOX).request


@proves(
    "Pod",
    "containers[].args",
    "containers[].command",
    "containers[].env[].value",
    "containers[].image",
    "containers[].workingDir",
)
@virtual_time
async def test_commands_and_variables():
    given = {
        "image": "tool",
        "command": ["sh", "-c", "$(A)"],
        "args": ["$(B)", "$$(A) $(NONE)"],
        "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "$(A)-b"}],
        "workingDir": "/tmp",
    }
    async with in_memory() as t:
        _, made = await running(t, container=given)
        assert (made["Image"], made["Entrypoint"], made["Cmd"]) == ("tool", ["sh", "-c", "a"], ["a-b", "$(A) $(NONE)"])
        assert made["WorkingDir"] == "/tmp"


@proves(
    "Pod",
    "containers[].envFrom",
    "containers[].env[].valueFrom.configMapKeyRef",
    "containers[].env[].valueFrom.secretKeyRef",
    "containers[].env[].valueFrom.fieldRef",
    "containers[].env[].valueFrom.resourceFieldRef",
    "enableServiceLinks",
)
@virtual_time
async def test_variables_from_elsewhere():
    source = {
        "envFrom": [{"configMapRef": {"name": "m"}, "prefix": "M_"}, {"secretRef": {"name": "s"}}],
        "env": [
            {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "b"}}},
            {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "s", "key": "c"}}},
            {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
        ],
        "resources": {"limits": {"memory": "64Mi"}},
    }
    async with in_memory() as t:
        await t.apply(config("m", a="1", b="2"), config("s", "Secret", c="3"), service("web"))
        found, _ = await running(t, container=source, spec={"enableServiceLinks": False})
        assert t.container(found).environment == {
            "M_a": "1",
            "M_b": "2",
            "c": "3",
            "X": "2",
            "Y": "3",
            "POD": "p",
            "IP": found["status"]["podIP"],
            "MEM": "64",
        }
        found, _ = await running(t, name="q")
        assert t.container(found).environment["WEB_SERVICE_PORT"] == "80"


@proves(
    "Pod",
    "containers[].resources.limits.cpu",
    "containers[].resources.limits.memory",
    "containers[].resources.requests.cpu",
)
@virtual_time
async def test_resources():
    given = {"resources": {"limits": {"cpu": "500m", "memory": "32Mi"}, "requests": {"cpu": "250m"}}}
    async with in_memory() as t:
        host = (await running(t, container=given))[1]["HostConfig"]
        assert (host["NanoCpus"], host["Memory"], host["CpuShares"]) == (500_000_000, 32 << 20, 256)


@proves(
    "Pod",
    "securityContext.runAsUser",
    "securityContext.runAsGroup",
    "securityContext.supplementalGroups",
    "securityContext.fsGroup",
    "securityContext.sysctls",
)
@virtual_time
async def test_users_and_rights_of_a_pod():
    context = {
        "runAsUser": 1000,
        "runAsGroup": 1001,
        "supplementalGroups": [1002],
        "fsGroup": 1003,
        "sysctls": [{"name": "net.core.somaxconn", "value": "81"}],
    }
    async with in_memory() as t:
        found, made = await running(t, spec={"securityContext": context})
        assert made["User"] == "1000:1001"
        assert made["HostConfig"]["GroupAdd"] == ["1002", "1003"]
        sandbox = t.container(found, labels.SANDBOX).request
        assert sandbox["HostConfig"]["Sysctls"] == {"net.core.somaxconn": "81"}


@proves(
    "Pod",
    "containers[].securityContext.runAsUser",
    "containers[].securityContext.runAsGroup",
    "containers[].securityContext.capabilities",
    "containers[].securityContext.privileged",
    "containers[].securityContext.readOnlyRootFilesystem",
    "containers[].securityContext.allowPrivilegeEscalation",
    "containers[].securityContext.seccompProfile",
)
@virtual_time
async def test_users_and_rights_of_a_container():
    context = {
        "runAsUser": 2000,
        "runAsGroup": 2001,
        "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]},
        "privileged": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "seccompProfile": {"type": "Unconfined"},
    }
    async with in_memory() as t:
        _, made = await running(t, container={"securityContext": context}, spec={"securityContext": {"runAsUser": 1}})
        host = made["HostConfig"]
        assert made["User"] == "2000:2001"
        assert (host["CapAdd"], host["CapDrop"]) == (["CHOWN"], ["ALL"])
        assert (host["Privileged"], host["ReadonlyRootfs"]) == (True, True)
        assert host["SecurityOpt"] == ["no-new-privileges", "seccomp=unconfined"]


@proves("Pod", "initContainers", "initContainers[].restartPolicy", "restartPolicy")
@virtual_time
async def test_init_containers_come_first_and_sidecars_stay_beside():
    def init(name, **more):
        return {"name": name, "image": name, **more}

    spec = {"initContainers": [init("first"), init("side", restartPolicy="Always")], "restartPolicy": "OnFailure"}
    async with in_memory() as t:
        tries = iter((1, 0))
        t.runtime.programs = {"first": lambda _: next(tries), "app": lambda _: 0}
        await t.apply(pod("p", "", spec=spec, container={"image": "app"}))
        done = await t.finished("p")
        assert done["status"]["phase"] == "Succeeded"
        states = {status["name"]: status for status in done["status"]["initContainerStatuses"]}
        assert states["first"]["restartCount"] == 1
        assert "terminated" in states["side"]["state"]
        starts = [call for call in t.runtime.calls if call.startswith("start ") and call.split()[1] in "first side c"]
        assert starts == ["start first", "start first", "start side", "start c"]


@proves("Pod", "activeDeadlineSeconds")
@virtual_time
async def test_a_pod_has_its_time():
    async with in_memory() as t:
        await t.apply(pod("p", "", spec={"activeDeadlineSeconds": 30}))
        assert (await t.finished("p"))["status"]["reason"] == "DeadlineExceeded"


@proves("Pod", "terminationGracePeriodSeconds")
@virtual_time
async def test_a_program_has_its_time_to_end():
    async with in_memory() as t:
        t.runtime.stubborn = {"busybox"}
        found, _ = await running(t, spec={"terminationGracePeriodSeconds": 90})
        began = unix_time()
        await t.delete(found)
        await t.until(lambda pods: not pods)
        assert 89 < unix_time() - began < 92


@proves(
    "Pod", "containers[].lifecycle.postStart", "containers[].lifecycle.preStop", "containers[].lifecycle.stopSignal"
)
@virtual_time
async def test_hooks_and_signals():
    hooks = {
        "postStart": {"exec": {"command": ["begun"]}},
        "preStop": {"exec": {"command": ["stopping"]}},
        "stopSignal": "SIGUSR1",
    }
    ran: list[str] = []

    def command(where, argv):
        assert where.running
        ran.append(argv[0])
        return 0, b""

    async with in_memory() as t:
        t.runtime.command = command
        found, made = await running(t, container={"lifecycle": hooks}, spec={"terminationGracePeriodSeconds": 9})
        assert made["StopSignal"] == "SIGUSR1"
        await until(lambda: ran == ["begun"])
        await t.delete(found)
        await t.until(lambda pods: not pods)
        assert ran == ["begun", "stopping"]


@proves("Pod", "containers[].startupProbe", "containers[].readinessProbe")
@virtual_time
async def test_a_pod_is_started_and_then_ready_once_its_probes_pass():
    able: set[str] = set()

    def command(where, argv):
        assert where.running
        return (0 if argv[0] in able else 1), b""

    def status(found):
        (one,) = found["status"].get("containerStatuses") or [{}]
        return one.get("started"), one.get("ready")

    probes = {
        "startupProbe": {"exec": {"command": ["up"]}, "failureThreshold": 600, **TICK},
        "readinessProbe": {"exec": {"command": ["ready"]}, **TICK},
    }
    async with in_memory() as t:
        t.runtime.command = command
        await t.apply(pod("p", "", container=probes))
        await t.until(lambda pods: pods and pods[0]["status"].get("phase") == "Running")
        await asyncio.sleep(60)
        assert status(await t.get("Pod", "p")) == (False, False)
        able.add("up")
        await t.until(lambda pods: status(pods[0])[0])
        await asyncio.sleep(60)
        assert status(await t.get("Pod", "p")) == (True, False)
        able.add("ready")
        await t.ready("p")


@proves("Pod", "containers[].ports[].name", "containers[].ports[].containerPort", "containers[].readinessProbe.grpc")
@virtual_time
async def test_a_port_is_found_by_its_name():
    dialled: list[str] = []

    def command(where, argv):
        assert where.running
        dialled.append(argv[-1])
        return 1, b""

    web = {
        "ports": [{"name": "http", "containerPort": 8080}],
        "startupProbe": {"httpGet": {"port": "http"}, **TICK},
    }
    async with in_memory() as t:
        t.runtime.command = command
        await t.apply(pod("p", "", container=web))
        await until(lambda: "127.0.0.1:8080" in dialled)
        await t.apply(pod("q", "", container={"readinessProbe": {"grpc": {"port": 9090}, **TICK}}))
        await until(lambda: "127.0.0.1:9090" in dialled)


@proves("Pod", "containers[].livenessProbe")
@virtual_time
async def test_a_container_that_is_not_alive_is_restarted():
    probe = {"livenessProbe": {**SUCCEEDS, **TICK, "failureThreshold": 2}}
    async with in_memory() as t:
        await running(t, container=probe, spec={"restartPolicy": "Always"})
        t.runtime.command = lambda where, _: (1, where.name.encode())
        await t.until(lambda pods: pods[0]["status"]["containerStatuses"][0]["restartCount"])


@proves("Pod", "containers[].ports[].hostPort")
@virtual_time
async def test_a_port_of_this_machine():
    async with in_memory() as t:
        made = await sandbox_of(t, container={"ports": [{"containerPort": 8080, "hostPort": 8081}]})
        assert made["HostConfig"]["PortBindings"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8081"}]}


@proves("Pod", "imagePullSecrets")
@virtual_time
async def test_a_registry_is_shown_the_pods_credentials():
    login = {"auths": {"ghcr.io": {"auth": base64.b64encode(b"me:secret").decode()}}}
    async with in_memory() as t:
        t.runtime.missing = {"ghcr.io/app:1": ""}
        await t.apply(config("login", "Secret", **{".dockerconfigjson": json.dumps(login)}))
        await running(t, spec={"imagePullSecrets": [{"name": "login"}]}, container={"image": "ghcr.io/app:1"})
        ((image, credentials),) = t.runtime.pulls
        shown = json.loads(base64.urlsafe_b64decode(credentials))
        assert (image, shown["username"], shown["password"]) == ("ghcr.io/app:1", "me", "secret")


@proves("Pod", "containers[].stdin", "containers[].tty")
@virtual_time
async def test_a_terminal():
    async with in_memory() as t:
        _, made = await running(t, container={"stdin": True, "tty": True})
        assert (made["OpenStdin"], made["Tty"]) == (True, True)


@proves("Pod", "dnsPolicy", "dnsConfig", "hostAliases", "hostname", "subdomain")
@virtual_time
async def test_names():
    names = {"searches": ["example.test"], "options": [{"name": "attempts", "value": "1"}]}
    spec = {
        "dnsPolicy": "Default",
        "dnsConfig": names,
        "hostname": "me",
        "subdomain": "sub",
        "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["far", "away"]}],
    }
    async with in_memory() as t:
        await t.apply(service("sub", clusterIP="None", selector={"app": "p"}))
        made = await sandbox_of(t, spec=spec)
        host = made["HostConfig"]
        assert made["Hostname"] == "me"
        assert host["ExtraHosts"] == ["far:10.1.2.3", "away:10.1.2.3"]
        assert (host["Dns"], host["DnsSearch"], host["DnsOptions"]) == ([], ["example.test"], ["attempts:1"])
        forwarder = t.runtime.named("tilt-p-services")
        await until(lambda: "name me.sub.default.svc.cluster.local " in "".join(forwarder.received))


@proves("Pod", "hostIPC", "hostNetwork", "hostPID", "shareProcessNamespace")
@virtual_time
async def test_namespaces():
    async with in_memory() as t:
        host = (await sandbox_of(t, spec={"hostNetwork": True, "hostPID": True, "hostIPC": True}))["HostConfig"]
        assert (host["NetworkMode"], host["PidMode"], host["IpcMode"]) == ("host", "host", "host")
        found, made = await running(t, name="q", spec={"shareProcessNamespace": True})
        assert made["HostConfig"]["PidMode"] == f"container:{t.container(found, labels.SANDBOX).id}"


@proves(
    "Pod",
    "volumes[].configMap",
    "volumes[].secret",
    "volumes[].projected",
    "volumes[].downwardAPI",
    "containers[].volumeMounts[].mountPath",
    "containers[].volumeMounts[].readOnly",
    "containers[].volumeMounts[].subPath",
)
@virtual_time
async def test_volumes_of_objects():
    volumes = [
        {"name": "m", "configMap": {"name": "m", "items": [{"key": "a", "path": "deep/x"}]}},
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "d", "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
        {"name": "p", "projected": {"sources": [{"configMap": {"name": "m"}}, {"secret": {"name": "s"}}]}},
        {"name": "e", "emptyDir": {}},
    ]
    mounts = [
        {"name": "m", "mountPath": "/m"},
        {"name": "p", "mountPath": "/etc/one", "subPath": "b"},
        {"name": "e", "mountPath": "/e", "readOnly": True},
    ]
    async with in_memory() as t:
        await t.apply(config("m", a="1", b="2"), config("s", "Secret", c="3"))
        found, made = await running(t, spec={"volumes": volumes}, container={"volumeMounts": mounts})
        files = t.container(found, labels.SANDBOX).files
        assert sorted(files.values()) == [b"1", b"1", b"2", b"3", b"3", b"p"]
        assert any(name.endswith("deep/x") for name in files)
        by_target = {mount["Target"]: mount for mount in made["HostConfig"]["Mounts"]}
        assert "/m" in by_target
        assert by_target["/e"]["ReadOnly"]
        assert any(":/etc/one" in bind and bind.split(":")[0].endswith("/b") for bind in made["HostConfig"]["Binds"])


@proves(
    "Pod",
    "volumes[].emptyDir",
    "volumes[].emptyDir.medium",
    "volumes[].emptyDir.sizeLimit",
    "volumes[].ephemeral",
    "volumes[].hostPath",
    "volumes[].persistentVolumeClaim",
    "containers[].volumeMounts[].subPathExpr",
)
@virtual_time
async def test_volumes_of_the_machine():
    volumes = [
        {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
        {"name": "h", "hostPath": {"path": "/srv"}},
        {"name": "e", "ephemeral": {"volumeClaimTemplate": {}}},
        {"name": "c", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in "mhec"]
    mounts += [{"name": "h", "mountPath": "/sub", "subPathExpr": "$(A)"}]
    given = {"volumeMounts": mounts, "env": [{"name": "A", "value": "below"}]}
    async with in_memory() as t:
        await t.apply(claim("data"))
        found, made = await running(t, spec={"volumes": volumes}, container=given)
        sources = {mount["Target"]: mount["Source"] for mount in made["HostConfig"]["Mounts"]}
        uid = found["metadata"]["uid"]
        assert sources == {"/m": f"tilt-p-{uid}-m", "/e": f"tilt-p-{uid}-e", "/c": "tilt-p-claim-default-data"}
        assert made["HostConfig"]["Binds"] == ["/srv:/h", "/srv/below:/sub"]
        memory = t.container(found, labels.SANDBOX).request["HostConfig"]["Mounts"][0]["VolumeOptions"]
        options = memory["DriverConfig"]["Options"]
        assert (options["type"], "size=1048576" in options["o"]) == ("tmpfs", True)


@proves("Pod", "volumes[].persistentVolumeClaim")
@virtual_time
async def test_a_claim_outlives_its_pods_and_goes_with_its_own_end():
    volumes = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
    async with in_memory() as t:
        await t.apply(claim("data"))
        found, _ = await running(t, spec=volumes)
        await t.delete(found)
        await t.until(lambda pods: not pods)
        assert "tilt-p-claim-default-data" in t.runtime.stored_volumes
        await t.delete(await t.get("PersistentVolumeClaim", "data"))
        assert t.runtime.stored_volumes == {}


def claim(name: str) -> Json:
    """A claim."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
