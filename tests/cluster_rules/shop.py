"""The objects of a small shop, from which the tests of these rules are seen."""

from pytilt.cluster.yaml import parse
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild, Image
from pytilt.model.names import ImageName


def deployment(name, image="", *, kind="Deployment", api_version="apps/v1", namespace="", labels="", containers=None):
    app = labels or f"app: {name}"
    containers = containers or f"[{{name: {name}, image: '{image}'}}]"
    return parse(
        f"""
apiVersion: {api_version}
kind: {kind}
metadata: {{name: {name}{f", namespace: {namespace}" if namespace else ""}}}
spec:
  selector: {{matchLabels: {{{app}}}}}
  template:
    metadata: {{labels: {{{app}}}}}
    spec: {{containers: {containers}}}
""",
        "shop.yaml",
    )[0]


def service(name, selector="", *, namespace="", extra=""):
    return parse(
        f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}{f", namespace: {namespace}" if namespace else ""}}}
spec: {{selector: {{{selector or f"app: {name}"}}}, ports: [{{port: 80}}]{extra}}}
""",
        "shop.yaml",
    )[0]


def plain(kind, name, *, namespace="", api_version="v1"):
    space = f", namespace: {namespace}" if namespace else ""
    return parse(f"{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: {name}{space}}}}}", "shop.yaml")[0]


def image(name, **fields):
    build = DockerBuild(context="/shop", dockerfile="/shop/Dockerfile")
    return Image(name=ImageName(name), build=build, files=FileRule(paths=("/shop",)), **fields)
