"""Texts that the projects of several tests have in common."""


def deployment(*containers: str, name: str = "web") -> str:
    """A Deployment of these containers, each in braces, whose pods end at once when they are deleted."""
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
"""


DEPLOYMENT = deployment("{name: web, image: e2e/web, ports: [{containerPort: 8000}]}")
"""What serves a page, of the image `e2e/web`."""
