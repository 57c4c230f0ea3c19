"""A session that begins again: nothing that is unchanged is done twice."""

import subprocess  # noqa: TID251 - images are removed here from outside
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.texts import deployment

TILTFILE = """
docker_build('again/web', '.', live_update=[sync('.', '/srv')])
k8s_yaml('web.yaml')
"""
FILES = {
    "Tiltfile": TILTFILE,
    "web.yaml": deployment("{name: web, image: again/web}"),
    "Dockerfile": "FROM busybox\nCOPY index.html /srv/\nCMD sleep 1000\n",
    ".dockerignore": "Tiltfile\n*.yaml\n",
    "index.html": "built\n",
}
BUILT = "Unchanged since an earlier session: again/web:tilt-"
APPLIED = "Unchanged since an earlier session: nothing to apply"
NODE = Path("/var/lib/pytilt-cluster/run/containerd.sock")
READ = ("exec", "deploy/web", "--", "cat", "/srv/index.html")


@pytest.mark.cluster
def test_what_is_unchanged_is_neither_built_nor_applied_again(tilt_on_cluster, kubectl, namespace):
    tilt = tilt_on_cluster(FILES)
    assert BUILT not in tilt.ok("ci")
    again = tilt.ok("ci")
    assert BUILT in again
    assert APPLIED in again
    kubectl("delete", "deployment", "web", "-n", namespace)
    repaired = tilt.ok("ci")
    assert BUILT in repaired
    assert APPLIED not in repaired
    forced = tilt.ok("ci", "--force")
    assert BUILT not in forced
    assert APPLIED not in forced


@pytest.mark.cluster
def test_files_that_only_a_container_has_do_not_outlive_their_session(tilt_on_cluster, kubectl, namespace):
    tilt = tilt_on_cluster(FILES)
    with tilt.up() as session:
        session.settles("web")
        tilt.save("index.html", "synced\n")
        session.until(lambda: session.strategies("web") == ["full", "live"], "the live update")
        assert kubectl("-n", namespace, *READ) == "synced\n"
    tilt.save("index.html", "built\n")
    assert "Replacing pod web-" in tilt.ok("ci")
    assert kubectl("-n", namespace, *READ) == "built\n"


@pytest.mark.cluster
def test_an_image_that_is_removed_from_the_registry_is_published_again(tilt_on_cluster, kubectl, namespace):
    if not NODE.exists():
        pytest.skip("only of the node of tests/cluster an image can be removed")
    image = deployment("{name: web, image: again/lost}")
    tilt = tilt_on_cluster(FILES | {"web.yaml": image, "Tiltfile": TILTFILE.replace("again/web", "again/lost")})
    with tilt.up() as session:
        session.settles("web")
        image = kubectl("get", "deployment", "web", "-n", namespace, "-o", "jsonpath={..image}")
        remove_from_registry(image)
        subprocess.run(["ctr", "-a", NODE, "-n", "k8s.io", "images", "rm", "--sync", image], check=True)
        kubectl("delete", "pod", "--all", "-n", namespace, "--wait=false")
        session.says("image again/lost was removed by somebody else (ErrImagePull); it is published again")
        session.settles("web")


def remove_from_registry(reference: str) -> None:
    host, _, rest = reference.partition("/")
    name, _, tag = rest.rpartition(":")
    place = f"http://{host}/v2/{name}/manifests"
    accept = {"Accept": "application/vnd.docker.distribution.manifest.v2+json"}
    digest = httpx.head(f"{place}/{tag}", headers=accept).headers["Docker-Content-Digest"]
    assert httpx.delete(f"{place}/{digest}").status_code == 202
