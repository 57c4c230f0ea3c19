"""Several worktrees of one repository at once, on one cluster: none has an effect on another."""

import json
from pathlib import Path

import pytest

from pytilt.host.ports import free_port
from pytilt.settings import Settings
from pytilt.testing.project import Project
from tests.end_to_end.sessions import Tilt, served
from tests.end_to_end.texts import deployment

FILES = {
    ".gitignore": "port\n",
    "Dockerfile": """
        FROM busybox
        COPY page /page
        CMD ["busybox", "httpd", "-f", "-p", "8000", "-h", "/page"]
        """,
    "page/index.html": "first\n",
    "web.yaml": deployment("{name: web, image: worktrees/web, ports: [{containerPort: 8000}]}"),
    "Tiltfile": """
        docker_build('worktrees/web', '.', only=['page'])
        k8s_yaml('web.yaml')
        k8s_resource('web', port_forwards=str(read_file('port')).strip() + ':8000')
        local_resource('id', 'echo %s %s > id' % (config.session_id, k8s_namespace()), teardown_cmd='rm id')
        """,
}


@pytest.fixture
def worktrees(cluster_settings: Settings, tmp_path: Path):
    """The command in three worktrees that share their state directory, as those of one user do."""
    main = Project(tmp_path / "shop", FILES)
    environ = {
        **cluster_settings.environ,
        "TILT_DEV_DIR": str(tmp_path / "dev"),
        "TILT_PORT": "",
        "TILT_NAMESPACE": "wt-{session}",
    }
    made = [Tilt(main, environ)]
    made[0].shell("git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm shop")
    for name in ("fix", "try"):
        made[0].shell(f"git worktree add -q ../{name}")
        made.append(Tilt(Project(tmp_path / name, {}), environ))
    for tilt in made:
        tilt.save("port", str(free_port()))
    yield made
    for tilt in made:
        tilt.run("down", "--delete-namespaces")


def page(tilt: Tilt) -> str:
    return served(int((tilt.project.root / "port").read_text()))


def test_worktrees_of_a_repository_come_and_go_without_an_effect_on_each_other(worktrees, kubectl):
    main, fix, other = worktrees
    with main.up() as first, fix.up() as second, other.up() as third:
        sessions = {main: first, fix: second, other: third}
        for session in sessions.values():
            session.settles("web", "id")
        ids = [(tilt.project.root / "id").read_text().split() for tilt in worktrees]
        assert len({name for name, _ in ids}) == 3
        assert all(namespace == f"wt-{name}" for name, namespace in ids)
        fix.save("page/index.html", "fixed\n")
        second.until(lambda: page(fix) == "fixed\n", "the page of this worktree")
        assert [page(main), page(other)] == ["first\n", "first\n"]
        containers = [first.container("web"), third.container("web")]
        listed = json.loads(main.ok("sessions", "-o", "json"))
        assert len({each["port"] for each in listed}) == len(listed) == 3
        fix.ok("down")
        assert not (fix.project.root / "id").exists()
        for tilt in (main, other):
            sessions[tilt].settles("web")
            assert page(tilt) == "first\n"
        assert [first.container("web"), third.container("web")] == containers
        assert len(json.loads(main.ok("sessions", "-o", "json"))) == 2
        phases = "--ignore-not-found", "-o", "jsonpath={.status.phase}"
        found = [kubectl("get", "namespace", namespace, *phases) for _, namespace in ids]
        assert found[1] in ("", "Terminating")
        assert [found[0], found[2]] == ["Active", "Active"]
