"""Texts that the projects of several tests have in common."""

from textwrap import indent


def deployment(*containers: str, name: str = "web", more: str = "") -> str:
    """A Deployment whose pods end at once when they are deleted.

    Args:
        containers: each in braces.
        name: of the Deployment, and the label `app` of its pods.
        more: further lines of the pods' `spec`.
    """
    lines = indent(more, "      ") + "\n" if more else ""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{", ".join(containers)}]
{lines}"""


def pod(container: str, name: str = "web") -> str:
    """A Pod that ends at once when it is deleted.

    Args:
        container: in braces.
        name: of the Pod.
    """
    return f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{container}]
"""


def service(name: str = "web") -> str:
    """A Service whose port 80 is port 8080 of the pods of a `deployment`; another object may follow."""
    return f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
---
"""


DEPLOYMENT = deployment("{name: web, image: e2e/web, ports: [{containerPort: 8000}]}")
"""What serves a page, of the image `e2e/web`."""

SLEEPING = pod('{name: main, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, "1000"]}')
"""A Pod that does nothing."""

READY_AT_8080 = "readinessProbe: {httpGet: {port: 8080}, periodSeconds: 1}"
"""Of a container."""
