import asyncio
import base64
import json
from collections.abc import Awaitable

import pytest

from pytilt.host.ports import free_port
from tests.engines.conftest import PODMAN
from tests.engines.trial import Json, config, fetch, left, pod, proves, service, trial, web, workload

pytestmark = pytest.mark.engine

IDLE = "trap exit TERM; while :; do sleep 1000 & wait; done"
TICK = {"periodSeconds": 1, "timeoutSeconds": 2}


async def together(*says: Awaitable[str]) -> list[str]:
    """What pods say that do not need each other."""
    return list(await asyncio.gather(*says))


@proves(
    "Pod",
    "containers[].args",
    "containers[].command",
    "containers[].env[].value",
    "containers[].image",
    "containers[].workingDir",
)
async def test_commands_and_variables(engine_host):
    async with trial(engine_host) as t:
        given = {
            "command": ["sh", "-c", 'echo "$0 $1 $B $(pwd)"'],
            "args": ["$(A)", "$$(A) $(NONE)"],
            "env": [{"name": "A", "value": "a"}, {"name": "B", "value": "$(A)-b"}],
            "workingDir": "/tmp",
        }
        own = {**given, "command": None, "args": ["echo", "$(B)"]}
        said = await together(t.says("p", "", container=given), t.says("q", "", container=own))
        assert said == ["a $(A) $(NONE) a-b /tmp\n", "a-b\n"]


@proves(
    "Pod",
    "containers[].envFrom",
    "containers[].env[].valueFrom.configMapKeyRef",
    "containers[].env[].valueFrom.secretKeyRef",
    "containers[].env[].valueFrom.fieldRef",
    "containers[].env[].valueFrom.resourceFieldRef",
    "enableServiceLinks",
)
async def test_variables_from_elsewhere(engine_host):
    async with trial(engine_host) as t:
        await t.apply(config("m", a="1", b="2"), config("s", "Secret", c="3"), service("web"))
        source = {
            "envFrom": [{"configMapRef": {"name": "m"}, "prefix": "M_"}, {"secretRef": {"name": "s"}}],
            "env": [
                {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "b"}}},
                {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "s", "key": "c"}}},
                {"name": "Z", "valueFrom": {"configMapKeyRef": {"name": "no", "key": "b", "optional": True}}},
                {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}},
            ],
            "resources": {"limits": {"memory": "64Mi"}},
        }
        script = 'echo $M_a $M_b $c $X $Y [$Z] $POD $APP $MEM; [ "$IP" = "$(hostname -i)" ]; echo $WEB_SERVICE_PORT'
        said = await together(
            t.says("p", script, container=source),
            t.says("q", "echo [$WEB_SERVICE_HOST]", spec={"enableServiceLinks": False}),
        )
        assert said == ["1 2 3 2 3 [] p p 64\n80\n", "[]\n"]


@proves(
    "Pod",
    "containers[].resources.limits.cpu",
    "containers[].resources.limits.memory",
    "containers[].resources.requests.cpu",
)
async def test_resources(engine, engine_host):
    async with trial(engine_host) as t:
        given = {"resources": {"limits": {"cpu": "500m", "memory": "32Mi"}, "requests": {"cpu": "250m"}}}
        await t.says("p", "true", container=given)
        found = await t.get("Pod", "p")
        container = found["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
        inspected = await t.runtime.inspect(container)
        assert inspected is not None
        host = inspected["HostConfig"]
        assert (host["NanoCpus"], host["Memory"], host["CpuShares"]) == (500_000_000, 32 << 20, 256)
        await t.apply(pod("hungry", "head -c 100m /dev/zero | tail", container=given))
        done = await t.finished("hungry")
        ended = done["status"]["containerStatuses"][0]["state"]["terminated"]
        expected = ("Error", 137) if engine == PODMAN else ("OOMKilled", 137)  # Podman says why from version 5 on
        assert (ended["reason"], ended["exitCode"]) == expected


@proves(
    "Pod",
    "containers[].securityContext.runAsUser",
    "containers[].securityContext.runAsGroup",
    "containers[].securityContext.capabilities",
    "containers[].securityContext.privileged",
    "containers[].securityContext.readOnlyRootFilesystem",
    "containers[].securityContext.allowPrivilegeEscalation",
    "containers[].securityContext.seccompProfile",
    "securityContext.runAsUser",
    "securityContext.runAsGroup",
    "securityContext.supplementalGroups",
    "securityContext.fsGroup",
    "securityContext.sysctls",
)
async def test_users_and_rights(engine_host):
    async with trial(engine_host) as t:
        of_pod = {
            "runAsUser": 1000,
            "runAsGroup": 1001,
            "supplementalGroups": [1002],
            "fsGroup": 1003,
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "81"}],
        }
        volumes = {"volumes": [{"name": "v", "emptyDir": {}}]}
        mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        look = "echo $(id -u) $(id -g) $(id -G); touch /v/f; stat -c %g /v/f; cat /proc/sys/net/ipv4/*unprivileged*"
        own = {"securityContext": {"runAsUser": 2000, "runAsGroup": 2001, "allowPrivilegeEscalation": False}}
        user = "echo $(id -u) $(id -g); grep NoNewPrivs /proc/self/status | tr -d '\\t'"
        limited = {
            "securityContext": {"readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}
        }
        rights = "touch /f 2>&1 | grep -o Read-only; grep CapEff /proc/self/status | tr -d '\\t'"
        free = {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}
        said = await together(
            t.says("p", look, spec={"securityContext": of_pod, **volumes}, container=mounts),
            t.says("q", user, spec={"securityContext": of_pod}, container=own),
            t.says("r", rights, container=limited),
            t.says("s", "grep Seccomp: /proc/self/status | tr -d '\\t'", container=free),
        )
        assert said == [
            "1000 1001 1001 1002 1003\n1003\n81\n",
            "2000 2001\nNoNewPrivs:1\n",
            "Read-only\nCapEff:0000000000000001\n",
            "Seccomp:0\n",
        ]
        mighty = {"securityContext": {"privileged": True}}
        await t.apply(pod("u", "true", container=mighty))
        (status,) = (await t.finished("u"))["status"]["containerStatuses"]  # not every machine can start it
        inspected = await t.runtime.inspect(status["containerID"].removeprefix("docker://"))
        assert inspected is not None
        assert inspected["HostConfig"]["Privileged"]


@proves(
    "Pod",
    "initContainers",
    "initContainers[].restartPolicy",
    "restartPolicy",
    "volumes[].emptyDir",
    "containers[].volumeMounts[].mountPath",
)
async def test_init_containers_come_first_and_sidecars_stay_beside(engine_host):
    async with trial(engine_host) as t:
        mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        ready = {"startupProbe": {"exec": {"command": ["test", "-e", "/v/side"]}, **TICK}}

        def init(name, script, **more):
            return {"name": name, "image": "busybox", "command": ["sh", "-c", script], **mount, **more}

        inits = [
            init("first", "[ -e /v/once ] || { touch /v/once; exit 1; }; echo 1 >> /v/log"),
            init("side", f"echo 2 >> /v/log; touch /v/side; {IDLE}", restartPolicy="Always", **ready),
            init("last", "echo 3 >> /v/log"),
        ]
        spec = {
            "initContainers": inits,
            "volumes": [{"name": "v", "emptyDir": {}}],
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": 5,
        }
        assert await t.says("p", "cat /v/log", spec=spec, container=mount) == "1\n2\n3\n"
        found = await t.get("Pod", "p")
        states = {status["name"]: status for status in found["status"]["initContainerStatuses"]}
        assert states["first"]["restartCount"] == 1
        assert states["side"]["state"]["terminated"]["exitCode"] in (0, 143)


@proves("Pod", "activeDeadlineSeconds")
async def test_a_pod_has_its_time(engine_host):
    async with trial(engine_host) as t:
        spec = {"activeDeadlineSeconds": 1, "terminationGracePeriodSeconds": 5}
        await t.apply(pod("p", "trap 'echo bye; exit' TERM; while :; do sleep 0.1; done", spec=spec))
        done = await t.finished("p")
        assert done["status"]["reason"] == "DeadlineExceeded"
        assert await t.log("p") == "bye\n"


@proves(
    "Pod", "containers[].lifecycle.postStart", "containers[].lifecycle.preStop", "containers[].lifecycle.stopSignal"
)
async def test_hooks_and_signals(engine_host):
    async with trial(engine_host) as t:
        hooks = {
            "lifecycle": {
                "postStart": {"exec": {"command": ["sh", "-c", "echo begun > /v/a"]}},
                "preStop": {"exec": {"command": ["sh", "-c", "echo stopping > /v/b"]}},
                "stopSignal": "SIGUSR1",
            },
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
        volumes = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "kept"}}]}
        script = "trap 'echo signal > /v/c; exit' USR1; while :; do sleep 0.05; done"
        spec = {**volumes, "terminationGracePeriodSeconds": 10}
        await t.apply(_claim("kept"), pod("p", script, spec=spec, container=hooks))
        (found,) = await t.ready("p")
        assert await t.run(found, ["sh", "-c", "until cat /v/a 2>/dev/null; do :; done"]) == (0, "begun\n")
        await t.delete(found)
        mount = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        assert await t.says("q", "cat /v/a /v/b /v/c", spec=volumes, container=mount) == "begun\nstopping\nsignal\n"


PROBES = {
    "http": {"httpGet": {"port": "http", "path": "/up", "httpHeaders": [{"name": "X", "value": "y"}]}},
    "tcp": {"tcpSocket": {"port": 8080}},
    "exec": {"exec": {"command": ["test", "-e", "/w/up"]}},
}


@proves(
    "Pod",
    "containers[].startupProbe",
    "containers[].readinessProbe",
    "containers[].ports[].name",
    "containers[].ports[].containerPort",
)
async def test_a_pod_is_ready_once_its_probes_pass(engine_host):
    script = "mkdir /w; until [ -e /go ]; do sleep 0.05; done; echo > /w/up; exec httpd -f -p 8080 -h /w"

    def probed(action):
        return {
            "startupProbe": {**action, "periodSeconds": 1, "failureThreshold": 60},
            "readinessProbe": {**action, "periodSeconds": 1},
            "ports": [{"name": "http", "containerPort": 8080}],
        }

    def run(pods):
        return [p for p in pods if p.get("status", {}).get("phase") == "Running"]

    async with trial(engine_host) as t:
        await t.apply(*(pod(name, script, container=probed(action)) for name, action in PROBES.items()))
        found = await t.until(lambda pods: len(run(pods)) == len(PROBES))
        assert not any(each["status"]["containerStatuses"][0]["started"] for each in found)
        for each in found:
            await t.run(each, ["touch", "/go"])
        for name in PROBES:
            (up,) = await t.ready(name)
            assert up["status"]["containerStatuses"][0]["started"]
        await t.run(await t.get("Pod", "exec"), ["rm", "/w/up"])
        await t.until(lambda pods: not all(p["status"]["containerStatuses"][0]["ready"] for p in pods))


@proves("Pod", "containers[].readinessProbe.grpc")
async def test_a_grpc_server_is_asked_for_its_health(engine_host):
    """BusyBox plays a server that gives the same answer to whatever it is asked: `NOT_SERVING`, then `SERVING`."""
    async with trial(engine_host) as t:
        settings, headers = r"\0\0\0\4\0\0\0\0\0", r"\0\0\1\1\4\0\0\0\1\210"
        answer = rf"printf '{settings}{headers}\0\0\7\0\0\0\0\0\1\0\0\0\0\2\10\'$(cat /s)"
        probe = {"readinessProbe": {"grpc": {"port": 8080}, "periodSeconds": 1}}
        await t.apply(pod("p", f"echo 2 > /s; while :; do {answer} | nc -l -p 8080 >/dev/null; done", container=probe))
        said = 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")'
        await t.until(lambda events: any(event["message"] == said for event in events), "Event")
        (found,) = await t.until(lambda pods: pods and pods[0].get("status", {}).get("phase") == "Running")
        assert not found["status"]["containerStatuses"][0]["ready"]
        await t.run(found, ["sh", "-c", "echo 1 > /s"])
        await t.ready("p")


@proves("Pod", "containers[].livenessProbe")
async def test_a_container_that_is_not_alive_is_restarted(engine_host):
    actions: dict[str, Json] = {
        "http": {"httpGet": {"port": 8080}},
        "tcp": {"tcpSocket": {"port": 8080}},
        "exec": {"exec": {"command": ["test", "-e", "/w/index.html"]}},
    }
    script = "[ -e /v/again ] || { touch /v/again; exec sleep 1000; }; " + web("x")
    volumes = {"volumes": [{"name": "v", "emptyDir": {}}], "restartPolicy": "Always"}
    mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}

    def watched(name):
        probe = {"livenessProbe": {**actions[name], "periodSeconds": 1, "failureThreshold": 2}}
        return pod(name, script, spec=volumes, container={**probe, **mounts})

    def restarted(pods):
        statuses = [s for p in pods for s in p.get("status", {}).get("containerStatuses", ())]
        return len([s for s in statuses if s["restartCount"]]) == len(actions)

    async with trial(engine_host) as t:
        await t.apply(*map(watched, actions))
        await t.until(restarted)
        events = await t.until(lambda events: [e for e in events if e["reason"] == "Unhealthy"], "Event")
        unwell = [event["message"] for event in events if event["reason"] == "Unhealthy"]
        assert unwell
        assert all(message.startswith("Liveness probe failed: ") for message in unwell)


@proves("Pod", "containers[].ports[].hostPort")
async def test_a_port_of_this_machine(engine_host):
    async with trial(engine_host) as t:
        port = free_port()
        ports = {"ports": [{"containerPort": 8080, "hostPort": port}]}
        probe = {"readinessProbe": {"httpGet": {"port": 8080}}}
        await t.apply(pod("p", web("here"), container={**ports, **probe}))
        await t.ready("p")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(b"here\n")
        writer.close()


@proves("Pod", "imagePullSecrets")
async def test_a_registry_is_shown_the_pods_credentials(engine_host):
    seen: asyncio.Queue[str] = asyncio.Queue()

    async def registry(reader, writer):
        if await reader.read(1) == b"\x16":  # the engine tries TLS first
            writer.close()
            return
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        sent = [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith("authorization:")]
        status = "404 Not Found" if sent else '401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"'
        version = "Docker-Distribution-Api-Version: registry/2.0"
        writer.write(f"HTTP/1.1 {status}\r\n{version}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        writer.close()
        for word in sent:
            seen.put_nowait(word)

    server = await asyncio.start_server(registry, "127.0.0.1", 0)
    host = f"localhost:{server.sockets[0].getsockname()[1]}"
    login = {"auths": {host: {"auth": base64.b64encode(b"me:secret").decode()}}}
    async with server, trial(engine_host) as t:
        secret = config("login", "Secret", **{".dockerconfigjson": json.dumps(login)})
        spec = {"imagePullSecrets": [{"name": "login"}]}
        await t.apply(secret, pod("p", "true", spec=spec, container={"image": f"{host}/app:1"}))
        async with asyncio.timeout(10):
            assert await seen.get() == "Basic " + base64.b64encode(b"me:secret").decode()


@proves("Pod", "containers[].stdin", "containers[].tty")
async def test_a_terminal(engine_host):
    async with trial(engine_host) as t:
        await t.apply(pod("p", "test -t 0 && echo terminal", container={"stdin": True, "tty": True}))
        await t.finished("p")
        assert await t.log("p") == "terminal\n"
        open_or_not = "timeout 1 cat 2>/dev/null && echo closed || echo open"
        assert "open\n" in await t.says("q", open_or_not, container={"stdin": True})


@proves("Pod", "dnsPolicy", "dnsConfig", "hostAliases", "hostname", "subdomain")
async def test_names(engine_host):
    async with trial(engine_host) as t:
        names = {"searches": ["example.test"], "options": [{"name": "attempts", "value": "1"}]}
        spec = {"dnsConfig": names, "hostname": "me", "hostAliases": [{"ip": "10.1.2.3", "hostnames": ["far", "away"]}]}
        look = "hostname; grep -E 'search|options' /etc/resolv.conf; grep -E 'far|away' /etc/hosts | tr '\\t' ' '"
        headless = service("sub", clusterIP="None", selector={"app": "r"})
        await t.apply(headless, pod("r", IDLE, spec={"hostname": "one", "subdomain": "sub"}))
        said = await together(
            t.says("p", look, spec=spec),
            t.says("q", "grep -c cluster.local /etc/resolv.conf || true", spec={"dnsPolicy": "Default"}),
            t.says("s", "until nslookup one.sub.default.svc.cluster.local >/dev/null; do :; done; echo found"),
        )
        assert said == [
            (
                "me\nsearch default.svc.cluster.local svc.cluster.local cluster.local example.test\n"
                "options ndots:5 attempts:1\n10.1.2.3 far\n10.1.2.3 away\n"
            ),
            "0\n",
            "found\n",
        ]


@proves("Pod", "hostIPC", "hostNetwork", "hostPID", "shareProcessNamespace")
async def test_namespaces(engine_host):
    async with trial(engine_host) as t:
        spec = {"hostNetwork": True, "hostPID": True, "hostIPC": True}
        script = "for each in ipc net pid; do readlink /proc/self/ns/$each; done"
        await t.apply(*(pod(name, IDLE, spec=spec) for name in ("one", "other")))
        # Both run: the number of a namespace that is gone may be another's.
        (one,), (other,) = await t.ready("one"), await t.ready("other")
        status, said = await t.run(one, ["sh", "-c", script])
        assert status == 0
        assert await t.run(other, ["sh", "-c", script]) == (0, said)
        other = {"name": "d", "image": "busybox", "command": ["sleep", "4321"]}
        both = pod("q", "", spec={"shareProcessNamespace": True})
        both["spec"]["containers"] = [_container("c", IDLE), other]
        await t.apply(both)
        (found,) = await t.ready("q")
        status, said = await t.run(found, ["sh", "-c", "ps | grep -c '[s]leep 4321'; ps | grep -c '[s]ynclet pause'"])
        assert (status, said) == (0, "1\n1\n")


@proves(
    "Pod",
    "volumes[].configMap",
    "volumes[].secret",
    "volumes[].projected",
    "volumes[].downwardAPI",
    "containers[].volumeMounts[].subPath",
)
async def test_volumes_of_objects(engine_host):
    async with trial(engine_host) as t:
        await t.apply(config("m", a="1", b="2"), config("s", "Secret", c="3"))
        volumes = [
            {"name": "m", "configMap": {"name": "m", "items": [{"key": "a", "path": "deep/x", "mode": 0o400}]}},
            {"name": "s", "secret": {"secretName": "s", "defaultMode": 0o440}},
            {"name": "d", "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
            {"name": "p", "projected": {"sources": [{"configMap": {"name": "m"}}, {"secret": {"name": "s"}}]}},
            {"name": "o", "configMap": {"name": "none", "optional": True}},
        ]
        mounts: list[Json] = [{"name": name, "mountPath": f"/{name}"} for name in "msdpo"]
        mounts += [{"name": "p", "mountPath": "/etc/one", "subPath": "b", "readOnly": True}]
        script = (
            "cat /m/deep/x /s/c /d/name /p/a /p/b /p/c /etc/one; echo; stat -L -c %a /m/deep/x /s/c; ls /o;"
            " touch /m/f 2>&1 | grep -o Read-only; echo x 2>&1 > /etc/one | grep -o Read-only"
        )
        said = await t.says("p", script + "; true", spec={"volumes": volumes}, container={"volumeMounts": mounts})
        assert said.splitlines()[:4] == ["13p1232", "400", "440", "Read-only"]


@proves(
    "Pod",
    "volumes[].emptyDir.medium",
    "volumes[].emptyDir.sizeLimit",
    "volumes[].ephemeral",
    "volumes[].hostPath",
    "containers[].volumeMounts[].readOnly",
    "containers[].volumeMounts[].subPathExpr",
)
async def test_volumes_of_the_machine(engine_host, tmp_path):
    async with trial(engine_host) as t:
        (tmp_path / "file").write_text("host\n")
        volumes = [
            {"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "h", "hostPath": {"path": str(tmp_path)}},
            {"name": "e", "ephemeral": {"volumeClaimTemplate": {}}},
        ]
        mounts = [
            {"name": "m", "mountPath": "/m"},
            {"name": "h", "mountPath": "/h"},
            {"name": "e", "mountPath": "/e"},
            {"name": "h", "mountPath": "/sub", "subPathExpr": "$(A)"},
            {"name": "h", "mountPath": "/fixed", "readOnly": True},
        ]
        memory = "grep -c ' /m tmpfs' /proc/mounts; df -k /m | awk 'END{print $2}'"
        script = f"{memory}; cat /h/file; touch /e/x; echo new > /sub/y; touch /fixed/z 2>&1 | grep -o Read-only"
        given = {"volumeMounts": mounts, "env": [{"name": "A", "value": "below"}]}
        assert await t.says("p", script, spec={"volumes": volumes}, container=given) == "1\n1024\nhost\nRead-only\n"
        assert (tmp_path / "below" / "y").read_text() == "new\n"


@proves("Pod", "volumes[].persistentVolumeClaim")
async def test_a_claim_outlives_everything_but_its_own_end(engine_host):
    async with trial(engine_host) as t:
        volumes = {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]}
        mounts = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
        await t.apply(_claim("data"))
        await t.says("p", "echo kept > /v/f", spec=volumes, container=mounts)
        await t.delete(await t.get("Pod", "p"))
        assert sorted(name.split("-")[2] for name in await left(t.runtime, t.project)) == ["claim", "object"]
        assert await t.says("q", "cat /v/f", spec=volumes, container=mounts) == "kept\n"
        await t.delete(await t.get("PersistentVolumeClaim", "data"))
        await t.delete(await t.get("Pod", "q"))
        assert await left(t.runtime, t.project) == []
        await t.apply(_claim("data"))
        assert await t.says("r", "ls /v", spec=volumes, container=mounts) == ""


async def test_pods_of_a_deployment_find_each_other_by_name_across_namespaces(engine_host):
    async with trial(engine_host) as t:
        there = workload("Deployment", "web", web("there"))
        there["metadata"]["namespace"] = "other"
        far = service("web")
        far["metadata"]["namespace"] = "other"
        await t.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}, far, there)
        await t.ready("web")
        here = "nslookup web.default.svc.cluster.local >/dev/null || echo none"
        script = f"until {fetch('http://web.other/')}; do :; done; {here}"
        assert await t.says("client", script) == "there\nnone\n"


def _container(name, script):
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script]}


def _claim(name):
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
