"""A session that begins again: nothing that is unchanged is done twice."""

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
