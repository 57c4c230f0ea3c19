import hashlib
import json
import random
import shutil
import time

import pytest

from tests.end_to_end.sessions import served
from tests.end_to_end.texts import DEPLOYMENT

DOCKERFILE = """
    FROM busybox
    ADD page /page
    ENTRYPOINT ["sh", "-c", "trap 'exit 1' TERM; busybox httpd -f -p 8000 -h /page & wait"]
    """
LIVE = ", live_update=[sync('page', '/page')]"


@pytest.fixture
def web(tilt_on_cluster, new_port):
    """The command with a page that is served, and the port of its forward."""

    def make(live=LIVE, dockerfile=DOCKERFILE):
        port = new_port()
        files = {
            "web.yaml": DEPLOYMENT,
            "Dockerfile": dockerfile,
            "page/index.html": "first\n",
            "Tiltfile": f"""
                docker_build('e2e/web', '.', only=['page']{live})
                k8s_yaml('web.yaml')
                k8s_resource('web', port_forwards='{port}:8000')
                """,
        }
        return tilt_on_cluster(files), port

    return make


def test_a_saved_file_is_served_by_the_same_container(web):
    tilt, port = web()
    with tilt.up() as session:
        session.settles("web")
        session.until(lambda: served(port) == "first\n", "the first page")
        container = session.container("web")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the new page")
        session.settles("web")
        assert session.container("web") == container
        assert session.strategies("web") == ["full", "live"]


def test_without_a_live_update_a_new_pod_serves_what_was_saved(web):
    tilt, port = web(live="")
    with tilt.up() as session:
        session.settles("web")
        pod = session.pods("web")[0]["name"]
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the new page")
        session.settles("web")
        assert session.pods("web")[0]["name"] != pod
        assert session.strategies("web") == ["full", "full"]


def test_of_fifty_hasty_saves_the_last_is_served_and_none_costs_a_build(web):
    tilt, port = web()
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        pace = random.Random(50)
        for number in range(50):
            tilt.save("page/index.html", f"save {number}\n")
            time.sleep(pace.random() / 10)  # a person's pace is what is tested
        session.until(lambda: served(port) == "save 49\n", "the last save")
        session.settles("web")
        assert served(port) == "save 49\n"
        assert session.container("web") == container
        assert set(session.strategies("web")[1:]) == {"live"}


def test_what_is_saved_while_an_image_is_built_is_not_lost(web):
    tilt, port = web(dockerfile=DOCKERFILE.replace("ADD", "RUN sleep 1 # {0}\n    ADD").replace("{0}", "first build"))
    with tilt.up() as session:
        session.says("[1/3] FROM")
        tilt.save("page/index.html", "while the first is built\n")
        session.until(lambda: served(port) == "while the first is built\n", "the page of the first build")
        session.settles("web")
        tilt.edit("Dockerfile", "first", "next")
        session.says("[1/3] FROM", times=2)
        tilt.save("page/index.html", "while the next is built\n")
        session.until(lambda: served(port) == "while the next is built\n", "the page of the next build")
        session.settles("web")
        assert session.strategies("web").count("full") == 2


def test_a_container_that_was_restarted_gets_what_the_one_before_it_had(web, kubectl, namespace):
    tilt, port = web()
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        tilt.save("page/index.html", "synced\n")
        session.until(lambda: served(port) == "synced\n", "the synced page")
        kubectl("exec", "-n", namespace, container[0], "--", "sh", "-c", "{ sleep 0.1; kill 1; } >/dev/null 2>&1 &")
        session.until(lambda: session.container("web")[1] not in ("", container[1]), "another container")
        session.until(lambda: served(port) == "synced\n", "the synced page again")
        session.settles("web")
        assert session.container("web")[0] == container[0]
        assert session.strategies("web").count("full") == 1


def test_the_pod_that_replaces_a_deleted_one_gets_what_that_had(web, kubectl, namespace):
    tilt, port = web()
    with tilt.up() as session:
        session.settles("web")
        pod = session.container("web")[0]
        tilt.save("page/index.html", "synced\n")
        session.until(lambda: served(port) == "synced\n", "the synced page")
        kubectl("delete", "pod", "-n", namespace, pod, "--wait=false")
        session.until(lambda: session.container("web")[0] not in ("", pod), "another pod")
        session.until(lambda: served(port) == "synced\n", "the synced page again")
        session.settles("web")
        assert session.strategies("web").count("full") == 1


def test_in_manual_mode_a_new_pod_serves_what_was_asked_for_and_not_what_waits(web, kubectl, namespace):
    tilt, port = web()
    tilt.shell("echo 'trigger_mode(TRIGGER_MODE_MANUAL)' >> Tiltfile")
    with tilt.up() as session:
        session.settles("web")
        pod = session.container("web")[0]
        tilt.save("page/index.html", "asked for\n")
        tilt.ok("trigger", "web", "--wait")
        tilt.save("page/index.html", "waits\n")
        session.until(lambda: session.rows()["web"]["hasPendingChanges"], "the change that waits")
        kubectl("delete", "pod", "-n", namespace, pod, "--wait=false")
        session.until(lambda: session.container("web")[0] not in ("", pod), "another pod")
        session.until(lambda: served(port) == "asked for\n", "what was asked for")
        session.until(lambda: not session.rows()["web"].get("currentBuild"), "the end of the update")
        assert session.rows()["web"]["hasPendingChanges"]
        tilt.ok("trigger", "web", "--wait")
        assert served(port) == "waits\n"
        assert session.strategies("web") == ["full", "live", "live", "live"]


def test_an_image_that_is_not_built_here_is_updated_in_place(tilt_on_cluster, kubectl, namespace):
    """`custom_build` with the command `:`: what the YAML names is what runs."""
    yaml = DEPLOYMENT.replace("image: e2e/web", 'image: "busybox:latest", command: [sleep, "3600"]')
    tilt = tilt_on_cluster(
        {
            "web.yaml": yaml,
            "src/dir/x": "x\n",
            "Tiltfile": """
                custom_build('busybox', ':', ['src'], live_update=[
                    sync('src', '/all'), sync('src/dir', '/dir'), run('echo ran >> /runs')
                ])
                k8s_yaml('web.yaml')
                """,
        }
    )
    with tilt.up() as session:
        session.settles("web")
        pod = session.pods("web")[0]["name"]

        def inside(command):
            return kubectl("exec", "--namespace", namespace, pod, "--", "sh", "-c", command)

        tilt.save("src/dir/x", "changed\n")
        session.until(lambda: session.strategies("web") == ["full", "live"], "the live update")
        session.settles("web")
        assert inside("cat /all/dir/x /dir/x /runs") == "changed\nchanged\nran\n"
        source = tilt.project.root / "src"
        (source / "dir").rename(source / "real")
        (source / "dir").symlink_to("real")
        session.until(lambda: session.counts()["web"] > 2, "the next live update")
        session.settles("web")
        assert inside("readlink /all/dir; cat /all/real/x; test -L /dir || cat /dir/x") == "real\nchanged\nchanged\n"
        (source / "dir").unlink()
        (source / "dir").mkdir()
        (source / "dir" / "y").write_text("y\n")
        count = session.counts()["web"]
        session.until(lambda: session.counts()["web"] > count or inside("ls /all/dir") == "y\n", "the last live update")
        session.settles("web")
        assert inside("test -L /all/dir || ls /all/dir /all/real") == "/all/dir:\ny\n\n/all/real:\nx\n"
        assert session.pods("web")[0]["name"] == pod
        assert set(session.strategies("web")[1:]) == {"live"}


def _edit_in_place(page):
    """As `sed -i` does."""
    (page / "sedpgsLU").write_text("second\n")
    (page / "sedpgsLU").replace(page / "index.html")


def _make_directory(page):
    (page / "d").mkdir()
    (page / "d" / "f").write_text("x\n")


def _move_over(page):
    (page / "temporary").write_text("third\n")
    (page / "temporary").replace(page / "index.html")


# By this process, without a pause: of steps that each start a process a busy machine makes several actions.
STEPS = (
    _edit_in_place,
    _make_directory,
    lambda page: shutil.copytree(page / "d", page / "e"),
    lambda page: (page / "d").rename(page / "renamed"),
    lambda page: (page / "empty").mkdir(),
    _move_over,
)


@pytest.mark.parametrize("live", [LIVE[:-1] + ", run('echo once >> /count')]", ""])
def test_one_action_is_one_update_that_names_no_temporary_file(web, live):
    tilt, port = web(live=live)
    with tilt.up() as session:
        session.settles("web")
        for count, step in enumerate(STEPS, start=1):
            step(tilt.project.root / "page")
            session.until(lambda count=count: session.counts()["web"] > count, f"the update of step {count}")
            session.settles("web")
        session.until(lambda: served(port) == "third\n", "the last page")
        assert session.strategies("web")[1:] == ["live" if live else "full"] * len(STEPS)
        changed = str(session.updates("web"))
        assert "page/sed" not in changed
        assert "temporary" not in changed


def _listed(directory):
    """The files of a directory of this machine, as `_LIST` shows those in a container."""
    shown = []
    for path in sorted(directory.iterdir()):
        found, digest = path.stat(), hashlib.md5(path.read_bytes(), usedforsecurity=False)
        shown.append(f"{path.name} {found.st_mode & 0o777:o} {int(found.st_mtime)} {digest.hexdigest()}\n")
    return "".join(shown)


_LIST = "cd /page; for f in *; do echo $f $(stat -c '%a %Y' $f) $(md5sum <$f | cut -c-32); done"


def test_many_files_of_the_image_and_then_of_a_save_are_replaced_with_their_attributes(web, kubectl, namespace):
    tilt, _ = web()
    page = tilt.project.root / "page"
    tilt.shell("mkdir page/folder; echo before >page/folder/file; ln -s index.html page/link")
    tilt.shell("for i in $(seq 120); do echo before >page/$i; done")
    with tilt.up() as session:
        session.settles("web")
        pod = session.container("web")[0]
        tilt.shell("rm -r page/*.html page/folder page/link; echo instead >page/folder; echo instead >page/link")
        for text in ("a save of all\n", "the next save, longer\n"):
            for number in range(1, 121):
                (page / f"{number}").write_text(f"{number}: {text}" * 1000)
                (page / f"{number}").chmod(0o640 if number % 2 else 0o755)
            wanted = _listed(page)
            session.until(
                lambda wanted=wanted: kubectl("exec", "-n", namespace, pod, "--", "sh", "-c", _LIST) == wanted, text
            )
        session.settles("web")
        assert kubectl("exec", "-n", namespace, pod, "--", "sh", "-c", "ls -A /page | grep -c synclet; true") == "0\n"
        assert set(session.strategies("web")[1:]) == {"live"}


SCRATCH = """
    FROM busybox AS tools
    FROM scratch
    COPY --from=tools /bin/busybox /busybox
    COPY page /page
    COPY page /var/page
    ENTRYPOINT ["/busybox", "sh", "-c", "/busybox cp -r /page $0; exec /busybox httpd -f -p 8000 -h $0/page"]
    CMD ["/var"]
    """
RESTART = ", live_update=[sync('page', '/page'), restart_container()]"


def test_a_program_in_an_image_from_scratch_is_started_again_in_place(web):
    tilt, port = web(live=RESTART, dockerfile=SCRATCH)
    with tilt.up() as session:
        session.settles("web")
        session.until(lambda: served(port) == "first\n", "the first page")
        container = session.container("web")
        for text in ("second\n", "third\n"):
            tilt.save("page/index.html", text)
            session.until(lambda text=text: served(port) == text, "the page that the new process has copied")
        session.settles("web")
        assert session.container("web") == container
        assert set(session.strategies("web")[1:]) == {"live"}
        (found,) = json.loads(tilt.ok("get", "liveupdates.pytilt.dev", "web", "-o=json"))["status"]["containers"]
        assert (found["way"], found["restarts"]) == ("layer", True)


def test_a_command_of_the_yaml_is_started_again_too(web):
    tilt, port = web(live=RESTART, dockerfile=SCRATCH)
    script = "/busybox rm -rf /own; /busybox cp -r /page /own; exec /busybox httpd -f -p 8000 -h /own"
    command = f'["/busybox", "sh", "-c", "{script}"]'
    tilt.edit("web.yaml", "image: e2e/web", f"image: e2e/web, command: {command}")
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the page that the new process has copied")
        assert session.container("web") == container


def test_any_user_may_write_to_a_volume_where_the_root_is_read_only(web):
    tilt, port = web(live=", live_update=[initial_sync(), sync('page', '/page')]", dockerfile=SCRATCH)
    tilt.edit(
        "web.yaml",
        "image: e2e/web",
        "image: e2e/web, command: [/busybox, httpd, -f, -p, '8000', -h, /page],"
        " securityContext: {readOnlyRootFilesystem: true, runAsUser: 1234},"
        " volumeMounts: [{name: page, mountPath: /page}]",
    )
    tilt.edit("web.yaml", "containers:", "volumes: [{name: page, emptyDir: {}}]\n      containers:")
    with tilt.up() as session:
        session.until(lambda: served(port) == "first\n", "what the initial sync has brought")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the new page")
        session.settles("web")
        assert session.strategies("web").count("full") == 1


NODE = r"""
    FROM busybox
    RUN printf '#!/bin/sh\nexec sh "$@"\n' > /bin/node && chmod 755 /bin/node
    COPY page /app
    CMD ["node", "/app/server.js"]
    """
SERVER = """
    mkdir -p /served
    cp /app/index.html /served
    exec busybox httpd -f -p 8000 -h /served
    """


def test_without_a_rule_a_program_that_reads_its_files_at_its_start_is_started_again_in_place(web):
    tilt, port = web(live="", dockerfile=NODE)
    tilt.save("page/server.js", SERVER)
    with tilt.up() as session:
        session.settles("web")
        container = session.container("web")
        tilt.save("page/index.html", "second\n")
        session.until(lambda: served(port) == "second\n", "the page that the new process has copied")
        tilt.edit("page/server.js", "mkdir", "echo third > /app/index.html\nmkdir")
        session.until(lambda: served(port) == "third\n", "the page of the new program")
        session.settles("web")
        assert session.container("web") == container
        session.says("the program is started again")
        tilt.edit("web.yaml", "ports:", "startupProbe: {tcpSocket: {port: 8000}}, ports:")
        session.until(lambda: session.container("web") != container, "the new pod")
        session.settles("web")
        tilt.save("page/index.html", "fourth\n")
        session.says("is not started again by itself: its `startupProbe` waits for new containers only")
        session.until(lambda: session.strategies("web")[-1] == "full", "the build")
