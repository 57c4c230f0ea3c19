"""Projects whose YAML is rendered: on a cluster, and on the built-in context `engine`."""

import shutil
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tests.end_to_end.conftest import InFolder
from tests.end_to_end.sessions import served
from tests.end_to_end.texts import DEPLOYMENT, deployment

DOCKERFILE = "FROM busybox\nADD page /page\nENTRYPOINT exec httpd -f -p 8000 -h /page\n"
BUILD = """
docker_build('e2e/web', '.', only=['page'], live_update=[sync('page', '/page')])
k8s_resource('{name}', port_forwards='{port}:8000')
"""


class Rendered(NamedTuple):
    """A project whose YAML is rendered."""

    program: str
    """What renders it."""
    name: str
    """Of its workload."""
    yaml: str
    files: Mapping[str, str]
    edited: str
    """The file that says `red`."""


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n",
    "chart/values.yaml": "color: red\n",
    "chart/templates/web.yaml": deployment(
        "{name: web, image: e2e/web, ports: [{containerPort: 8000}], env: [{name: COLOR, value: {{ .Values.color }}}]}"
    ).replace("metadata: {name: web}", "metadata: {name: {{ .Release.Name }}-web}"),
}
KUSTOMIZATION = {
    "base/kustomization.yaml": "resources: [web.yaml]\nconfigMapGenerator: [{name: colors, literals: [color=red]}]\n",
    "base/web.yaml": DEPLOYMENT.replace("ports:", "envFrom: [{configMapRef: {name: colors}}], ports:"),
    "overlay/kustomization.yaml": "namePrefix: dev-\nresources: [../base]\n",
}


PROJECTS = {
    "helm": Rendered("helm", "shop-web", "k8s_yaml(helm('chart', name='shop'))", CHART, "chart/values.yaml"),
    "kustomize": Rendered(
        "kubectl", "dev-web", "k8s_yaml(kustomize('overlay'))", KUSTOMIZATION, "base/kustomization.yaml"
    ),
}


@pytest.mark.parametrize("tool", PROJECTS)
def test_what_is_rendered_is_deployed_again_when_an_input_changes(tilt_on_cluster, new_port, tool):
    goes_through(PROJECTS[tool], tilt_on_cluster, new_port())


@pytest.mark.parametrize("tool", PROJECTS)
def test_what_is_rendered_is_deployed_again_without_a_cluster(tilt_on_engine, new_port, tool):
    goes_through(PROJECTS[tool], tilt_on_engine, new_port())


def goes_through(project: Rendered, start: InFolder, port: int) -> None:
    """Run `tilt up`, a synced file, an edit of what is rendered, and `tilt down`."""
    name = project.name
    if not shutil.which(project.program):
        pytest.skip(f"`{project.program}` is not on this machine")
    served_files = {"Dockerfile": DOCKERFILE, "page/index.html": "first\n"}
    tiltfile = project.yaml + BUILD.format(name=name, port=port)
    tilt = start({**project.files, **served_files, "Tiltfile": tiltfile})
    with tilt.up() as session:
        session.until(lambda: served(port) == "first\n", "the page")
        session.settles(name)
        container = session.container(name)
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the synced page")
        assert session.container(name) == container
        tilt.edit(project.edited, "red", "blue")
        session.until(lambda: session.container(name) not in (container, ("", "")), "a pod with the other colour")
        session.until(lambda: served(port) == "second\n", "its page")
        session.settles(name)
    assert f"Deleting via kubectl: Deployment/{name}\n" in tilt.ok("down")
