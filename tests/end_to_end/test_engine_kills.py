"""Many containers are killed at once behind the tool's back."""

import json

import pytest

from pytilt.engines.objects import labels
from tests.end_to_end.engine_side import EngineSide
from tests.end_to_end.sessions import served
from tests.end_to_end.texts import deployment

SERVED = """
      template:
        metadata: {labels: {app: NAME}}
        spec:
          terminationGracePeriodSeconds: 0
          containers:
          - name: NAME
            image: busybox
            command: [sh, -c, "mkdir /www; echo NAME > /www/index.html; exec httpd -f -p 8080 -h /www"]
            readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}
"""
DEPLOYMENT = """
    apiVersion: v1
    kind: Service
    metadata: {name: NAME}
    spec:
      selector: {app: NAME}
      ports: [{port: 80, targetPort: 8080}]
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: NAME}
    spec:
      replicas: 3
      selector: {matchLabels: {app: NAME}}"""
STATEFUL_SET = """
    apiVersion: v1
    kind: Service
    metadata: {name: NAME}
    spec:
      clusterIP: None
      selector: {app: NAME}
    ---
    apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: NAME}
    spec:
      replicas: 3
      serviceName: NAME
      selector: {matchLabels: {app: NAME}}"""
FRONT = r"""
mkdir -p /www/cgi-bin && cd /www/cgi-bin
printf '#!/bin/sh\necho; for i in web api db:8080 db-2.db:8080; do wget -q -O- $i; done' > ask
chmod +x ask
exec httpd -f -p 8080 -h /www
"""
PROJECT = {
    "Tiltfile": """
        k8s_yaml(["web.yaml", "api.yaml", "db.yaml", "front.yaml"])
        k8s_resource("front", port_forwards="PORT:8080")
        """,
    "web.yaml": (DEPLOYMENT + SERVED).replace("NAME", "web"),
    "api.yaml": (DEPLOYMENT + SERVED).replace("NAME", "api"),
    "db.yaml": (STATEFUL_SET + SERVED).replace("NAME", "db"),
    "front.yaml": deployment(f"{{name: front, image: busybox, command: [sh, -c, {json.dumps(FRONT)}]}}", name="front"),
}
"""Ten pods, of which one asks the others by their names."""
RESOURCES = ("web", "api", "db", "front")


def pods(session):
    return {pod["uid"]: pod for name in RESOURCES for pod in session.pods(name)}


@pytest.mark.parametrize("role", [labels.APP, labels.SANDBOX])
def test_ten_pods_that_are_killed_at_once_are_back(role, tilt_on_engine, new_port, engine_host):
    port = new_port()
    tilt = tilt_on_engine({**PROJECT, "Tiltfile": PROJECT["Tiltfile"].replace("PORT", str(port))})
    side = EngineSide(engine_host, str(tilt.project.root))

    def answers():
        return served(port, "/cgi-bin/ask").split() == ["web", "api", "db", "db"]

    with tilt.up() as session:
        session.settles(*RESOURCES)
        session.until(answers, "all to answer")
        before = pods(session)
        killed = side.containers(role=role)
        assert len(killed) == len(before) == 10
        side.kill(*killed)

        def restarted():
            return [container.get("restarts") for pod in pods(session).values() for container in pod["containers"]]

        session.until(lambda: restarted() == [1] * 10, "ten restarts")
        session.settles(*RESOURCES)
        session.until(answers, "all to answer again")
        after = pods(session)
        assert after.keys() == before.keys()
        assert all(pod["phase"] == "Running" and pod["containers"][0]["ready"] for pod in after.values())
        assert len(side.containers(role=labels.APP)) == len(side.containers(role=labels.SANDBOX, ended=True)) == 10
        assert restarted() == [1] * 10
    tilt.ok("down")
    assert side.left() == []
