import asyncio

import pytest

from pytilt.engines.objects import labels
from pytilt.errors import ApplyError
from pytilt.host.ports import free_port
from tests.engines.trial import Json, fetch, pod, proves, service, trial, web, workload

pytestmark = pytest.mark.engine

IDLE = "trap exit TERM; while :; do sleep 1000 & wait; done"


async def ask(port, host="localhost", path="/"):
    """What this machine's port serves; asked again until it does."""
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            try:
                answer = await reader.read()
            except OSError:
                answer = b""
            writer.close()
            if answer and b" 502 " not in answer:
                return answer.decode()


@proves("Service", "selector", "ports[].port", "ports[].targetPort", "clusterIP")
async def test_ports_lead_where_they_say_and_ready_pods_take_turns(engine_host):
    async with trial(engine_host) as t:
        ports = {"ports": [{"name": "http", "containerPort": 8080}]}
        probe = {"readinessProbe": {"httpGet": {"port": "http"}}}
        await t.apply(
            service(
                "web",
                ports=[{"name": "a", "port": 80, "targetPort": "http"}, {"name": "b", "port": 81, "targetPort": 8080}],
            ),
            service("all", clusterIP="None", selector={"app": "web"}),
            workload("Deployment", "web", web("$(hostname)"), container={**ports, **probe}, replicas=2),
        )
        pods = await t.ready("web", 2)
        names = {item["metadata"]["name"] for item in pods}
        said = await t.says(
            "c", "for i in 1 2 3 4; do " + fetch("http://web/") + "; " + fetch("http://web:81/") + "; done"
        )
        assert set(said.split()) == names
        said = await t.says("d", "nslookup all.default.svc.cluster.local | grep ^Address: | grep -v :53")
        assert {line.split()[1] for line in said.splitlines()} == {item["status"]["podIP"] for item in pods}


@proves("Service", "publishNotReadyAddresses", "externalName")
async def test_names_lead_to_pods_that_are_ready_or_asked_for_early_and_to_other_names(engine_host):
    async with trial(engine_host) as t:
        never = {"readinessProbe": {"exec": {"command": ["false"]}}}
        early = service("early", selector={"app": "web"}, publishNotReadyAddresses=True)
        other: Json = {
            "type": "ExternalName",
            "externalName": "early.default.svc.cluster.local",
            "ports": [],
            "selector": None,
        }
        await t.apply(service("web"), early, service("alias", **other), pod("web", web("hello"), container=never))
        await t.until(lambda pods: pods[0].get("status", {}).get("podIP"))
        script = f"until {fetch('http://early/')}; do :; done; {fetch('http://web/')} 2>&1 | grep -o refused"
        assert await t.says("c", f"{script}; {fetch('http://alias/')}") == "hello\nrefused\nhello\n"


@proves("Service", "type", "ports[].nodePort")
async def test_ports_of_this_machine(engine_host):
    async with trial(engine_host) as t:
        first, second = free_port(), free_port()
        balanced = service(
            "lb", type="LoadBalancer", ports=[{"port": first, "targetPort": 8080}], selector={"app": "web"}
        )
        node = service(
            "node",
            type="NodePort",
            ports=[{"port": 80, "targetPort": 8080, "nodePort": second}],
            selector={"app": "web"},
        )
        applied = await t.apply(pod("web", web("hello")), balanced, node)
        await t.ready("web")
        assert (await ask(first)).endswith("hello\n")
        assert (await ask(second)).endswith("hello\n")
        assert applied[1]["status"]["loadBalancer"] == {"ingress": [{"hostname": "localhost"}]}
        with pytest.raises(ApplyError, match=f"cannot bind port {first} of this machine for `Service/thief`"):
            await t.apply(service("thief", type="LoadBalancer", ports=[{"port": first}]))


@proves("Service", "ports[].protocol")
async def test_datagrams(engine_host):
    """BusyBox has no server that speaks UDP, but the forwarder is one: it answers for names."""
    async with trial(engine_host) as t:
        await t.apply(service("names", ports=[{"port": 53, "targetPort": 5353, "protocol": "UDP"}]))
        (forwarder,) = await t.runtime.containers({labels.PROJECT: t.project, labels.ROLE: labels.FORWARDER})
        relay = {
            "image": forwarder["Image"],
            "command": ["/synclet", "publish", "198.18.0.0/16", "udp:5353=198.18.0.10:53"],
            "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
        }
        await t.apply(pod("names", "", container=relay))
        await t.ready("names")
        server = "$(nslookup names | awk '/^Address/{print $NF}' | tail -1)"
        script = f"timeout 10 nslookup names.default.svc.cluster.local {server}"
        assert "Name:\tnames.default.svc.cluster.local" in await t.says("c", script)


async def test_an_ingress_leads_by_host_and_path(engine_host):
    port = free_port()
    async with trial(engine_host, ingress_port=port) as t:

        def backend(name):
            return {"service": {"name": name, "port": {"number": 80}}}

        ingress = {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "all"},
            "spec": {
                "rules": [
                    {"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend("one")}]}},
                    {
                        "host": "two.test",
                        "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend("two")}]},
                    },
                ]
            },
        }
        await t.apply(service("one"), service("two"), pod("one", web("one")), pod("two", web("two")), ingress)
        await t.ready("one")
        await t.ready("two")
        assert (await ask(port)).endswith("one\n")
        assert (await ask(port, "two.test")).endswith("two\n")
        assert "404" in (await ask(port, path="/nothing")).splitlines()[0]
