"""Projects whose YAML is rendered: on a cluster, and on the built-in context `engine`."""

import shutil

import pytest

from tests.end_to_end.sessions import served
from tests.end_to_end.texts import DEPLOYMENT, deployment

DOCKERFILE = "FROM busybox\nADD page /page\nENTRYPOINT exec httpd -f -p 8000 -h /page\n"
BUILD = """
docker_build('e2e/web', '.', only=['page'], live_update=[sync('page', '/page')])
k8s_resource('{name}', port_forwards='{port}:8000')
"""
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


@pytest.fixture(params=["cluster", "engine"])
def tilt_anywhere(request):
    """The command on a cluster, and without one."""
    return request.getfixturevalue(f"tilt_on_{request.param}")


@pytest.mark.parametrize(
    ("tool", "name", "files", "yaml", "edited"),
    [
        ("helm", "shop-web", CHART, "k8s_yaml(helm('chart', name='shop'))", "chart/values.yaml"),
        ("kubectl", "dev-web", KUSTOMIZATION, "k8s_yaml(kustomize('overlay'))", "base/kustomization.yaml"),
    ],
    ids=["helm", "kustomize"],
)
def test_what_is_rendered_is_deployed_again_when_an_input_changes(
    tilt_anywhere, new_port, tool, name, files, yaml, edited
):
    if not shutil.which(tool):
        pytest.skip(f"`{tool}` is not on this machine")
    port = new_port()
    served_files = {"Dockerfile": DOCKERFILE, "page/index.html": "first\n"}
    tiltfile = yaml + BUILD.format(name=name, port=port)
    tilt = tilt_anywhere({**files, **served_files, "Tiltfile": tiltfile})
    with tilt.up() as session:
        session.until(lambda: served(port) == "first\n", "the page")
        session.settles(name)
        container = session.container(name)
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the synced page")
        assert session.container(name) == container
        tilt.edit(edited, "red", "blue")
        session.until(lambda: session.container(name) not in (container, ("", "")), "a pod with the other colour")
        session.until(lambda: served(port) == "second\n", "its page")
        session.settles(name)
    assert f"Deleting via kubectl: Deployment/{name}\n" in tilt.ok("down")
