import asyncio
import shutil
from contextlib import asynccontextmanager

import pytest

from pytilt.cluster.seam import ContainerRef
from pytilt.errors import SyncError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.connecting import read_connection
from pytilt.kubernetes.containers import KubernetesContainers
from pytilt.liveupdate.archive import Archive, pack
from pytilt.liveupdate.planning import SyncedFile
from pytilt.liveupdate.shell import open_shell
from pytilt.model.images import Run
from pytilt.model.logs import Level
from tests.liveupdate.shells import REF, Shells

SHELLS = [
    pytest.param(words, marks=pytest.mark.skipif(not shutil.which(words[0]), reason=f"no {words[0]} here"))
    for words in [("/bin/sh",), ("busybox", "sh"), ("bash", "--posix")]
]


class Lines:
    """A log that keeps what it is seen."""

    def __init__(self):
        self.text = ""
        self.arrived = asyncio.Event()

    def __call__(self, text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
        assert (level, progress) == (Level.INFO, "")
        self.text += text
        self.arrived.set()


@pytest.fixture(params=SHELLS)
async def container(request, tmp_path):
    """A stream into a directory, with that directory and the log."""
    root = tmp_path / "it's a root"
    root.mkdir()
    async with open_shell(Shells(*request.param), REF, root=str(root)) as stream:
        yield stream, root, Lines()


async def packed(tmp_path, **files):
    result = []
    for name, content in files.items():
        local = tmp_path / f"local-{name}"
        local.write_bytes(content)
        result.append(SyncedFile(local=str(local), remote=f"/app/{name}"))
    return await pack(result)


def sh(command, **fields):
    return Run(argv=("sh", "-c", command), **fields)


async def test_file_after_file_arrives(container, tmp_path):
    stream, root, log = container
    for number in range(20):
        content = f"version {number}".encode() * number
        assert (await stream.carry_out(await packed(tmp_path, main=content), (), (), log)).ok
        assert (root / "app" / "main").read_bytes() == content
    assert log.text == ""


async def test_names_and_contents_of_every_kind_arrive(container, tmp_path):
    stream, root, log = container
    names = [
        "a b",
        "it's",
        'say "hi"',
        "new\nline",
        "$(touch x)",
        "`x`",
        "ü",
        "łódź",
        "-rf",
        "back\\slash",
        "*",
        "n" * 120,
    ]
    files = []
    for name in names:
        (tmp_path / name).write_bytes(name.encode() + bytes(range(256)))
        files.append(SyncedFile(local=str(tmp_path / name), remote=f"/deep/{'er/' * 20}{name}"))
    await stream.carry_out(await pack(files), (), (), log)
    place = root / "deep" / ("er/" * 20)
    assert {path.name for path in place.iterdir()} == set(names)
    assert (place / "ü").read_bytes() == "ü".encode() + bytes(range(256))
    await stream.carry_out(Archive(), [file.remote for file in files], (), log)
    assert list(place.iterdir()) == []


async def test_a_large_file_arrives_and_the_stream_goes_on(container, tmp_path):
    stream, root, log = container
    content = bytes(range(256)) * 20480
    await stream.carry_out(await packed(tmp_path, big=content), (), (), log)
    await stream.carry_out(await packed(tmp_path, small=b"x"), (), (), log)
    assert (root / "app" / "big").read_bytes() == content
    assert (root / "app" / "small").read_bytes() == b"x"


async def test_links_and_modes_arrive(container, tmp_path):
    stream, root, log = container
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "run").write_text("")
    (tmp_path / "run").chmod(0o750)
    files = [SyncedFile(local=str(tmp_path / name), remote=f"/app/{name}") for name in ("link", "run")]
    await stream.carry_out(await pack(files), (), (), log)
    assert (root / "app" / "link").readlink().name == "target"
    assert (root / "app" / "run").stat().st_mode & 0o777 == 0o750


async def test_a_directory_gives_way_to_a_file_of_its_name(container, tmp_path):
    stream, root, log = container
    (root / "app" / "main" / "x").mkdir(parents=True)
    await stream.carry_out(await packed(tmp_path, main=b"file"), ["/app/main"], (), log)
    assert (root / "app" / "main").read_bytes() == b"file"


async def test_thousands_of_deletions_are_one_update(container):
    stream, root, log = container
    paths = [f"/many/{number:0100}" for number in range(1200)]
    (root / "many").mkdir()
    for path in paths[:3]:
        (root / path[1:]).touch()
    await stream.carry_out(Archive(), paths, (), log)
    assert list((root / "many").iterdir()) == []


async def test_commands_run_in_order_after_the_files_are_there_and_their_output_is_reported(container, tmp_path):
    stream, root, log = container
    runs = [sh(f'cat "{root}/app/main"; echo; echo oops >&2'), Run(argv=("printf", "no end %s", "$HOME 'x'\n*"))]
    result = await stream.carry_out(await packed(tmp_path, main=b"hello"), (), runs, log)
    assert result.ok
    assert log.text == (
        f"[CMD 1/2] {runs[0].shown}\nhello\noops\n[CMD 2/2] printf no end %s $HOME 'x'\n*\nno end $HOME 'x'\n*"
    )


async def test_a_command_that_fails_is_named_and_those_after_it_do_not_run(container, tmp_path):
    stream, root, log = container
    runs = [sh("echo before; exit 3", echo_off=True), sh("echo never")]
    result = await stream.carry_out(await packed(tmp_path, main=b"x"), (), runs, log)
    assert (result.ok, result.failed, result.exit_status) == (False, runs[0], 3)
    assert log.text == "before\n"
    assert (root / "app" / "main").read_bytes() == b"x"
    assert not stream.broken
    assert (await stream.carry_out(Archive(), (), [sh("true")], log)).ok


async def test_a_command_is_a_program_not_a_word_of_the_shell(container):
    stream, _, log = container
    result = await stream.carry_out(Archive(), (), [Run(argv=("no such program",))], log)
    assert result.exit_status == 127
    assert "no such program" in log.text
    result = await stream.carry_out(Archive(), (), [Run(argv=("exit", "0"))], log)
    assert result.exit_status == 127


async def test_a_command_gets_nothing_to_read_and_cannot_swallow_the_next_update(container):
    stream, _, log = container
    assert (await stream.carry_out(Archive(), (), [sh("cat; wc -c")], log)).ok
    assert log.text.split() == ["[CMD", "1/1]", "cat;", "wc", "-c", "0"]


async def test_output_is_reported_while_the_command_still_runs(container):
    stream, root, log = container
    gate = root / "gate"
    command = f'echo working; while [ ! -e "{gate}" ]; do sleep 0.01; done'
    async with asyncio.TaskGroup() as tasks:
        update = tasks.create_task(stream.carry_out(Archive(), (), [sh(command, echo_off=True)], log))
        await log.arrived.wait()
        assert log.text == "working\n"
        assert not update.done()
        gate.touch()


async def test_a_command_that_was_killed_is_no_failure_of_the_command(container):
    stream, _, log = container
    with pytest.raises(SyncError, match="killed by the container runtime"):
        await stream.carry_out(Archive(), (), [sh("kill -9 $$")], log)


async def test_updates_wait_for_each_other(container, tmp_path):
    stream, root, log = container
    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            data = await packed(tmp_path, main=b"%d" % number)
            tasks.create_task(stream.carry_out(data, (), [sh(f"echo {number}", echo_off=True)], log))
    assert log.text == "0\n1\n2\n3\n4\n"
    assert (root / "app" / "main").read_bytes() == b"4"


async def test_a_cancelled_update_makes_the_stream_useless(container):
    stream, _, log = container
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await stream.carry_out(Archive(), (), [sh("true")], log)
    assert stream.broken
    with pytest.raises(SyncError, match="broken"):
        await stream.carry_out(Archive(), (), (), log)


async def test_what_cannot_be_unpacked_is_an_error_and_no_byte_of_it_is_ever_run(container):
    stream, root, log = container
    rubbish = b"touch '%s/owned'\n" % str(root).encode() * 50000
    with pytest.raises(SyncError, match="copying changed files: `tar` failed with exit status"):
        await stream.carry_out(Archive(data=rubbish), (), (), log)
    assert stream.broken
    assert not (root / "owned").exists()


async def test_a_place_that_cannot_be_written_to_is_explained(container, tmp_path):
    stream, root, log = container
    (root / "app").write_text("a file where a directory should be")
    with pytest.raises(SyncError) as caught:
        await stream.carry_out(await packed(tmp_path, main=b"x"), (), (), log)
    assert "`tar` failed with exit status" in caught.value.message


async def test_the_end_of_the_program_is_noticed_between_updates():
    shells = Shells()
    async with open_shell(shells, REF) as stream:
        assert not stream.broken
        shells.opened[0].kill()
        await shells.opened[0].process.wait()
        with pytest.raises(SyncError):
            await stream.carry_out(Archive(), (), (), Lines())
        assert stream.broken


async def test_a_container_without_tar_is_refused_with_a_hint(tmp_path):
    with pytest.raises(SyncError, match="`head` is not in the container") as caught:
        async with open_shell(Shells(path=str(tmp_path)), REF):
            pass
    assert "FROM scratch" in (caught.value.hint or "")


async def test_a_container_without_a_shell_is_refused_with_a_hint():
    with pytest.raises(SyncError, match="no usable `sh`") as caught:
        async with open_shell(Shells("/bin/sh", "-c", "echo no sh >&2; exit 127"), REF):
            pass
    assert "no sh" in caught.value.message
    assert caught.value.hint


async def test_an_error_in_the_block_leaves_it_as_it_is():
    with pytest.raises(KeyError):
        async with open_shell(Shells(), REF):
            raise KeyError


# In real containers

POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: web, image: busybox, command: [sleep, "3600"]}
  - {name: readonly, image: busybox, command: [sleep, "3600"], securityContext: {readOnlyRootFilesystem: true}}
  - {name: nobody, image: busybox, command: [sleep, "3600"], securityContext: {runAsUser: 65534}}
  - {name: bare, image: busybox, command: [/bin/sleep, "3600"], env: [{name: PATH, value: /nowhere}]}
"""


@pytest.fixture
def pod(namespace, kubectl):
    """A function that names a container of a pod that runs."""
    kubectl("apply", "--namespace", namespace, "-f", "-", stdin=POD)
    kubectl("wait", "--namespace", namespace, "--for=condition=Ready", "pod/web", "--timeout=30s")
    return lambda container: ContainerRef(namespace=namespace, pod="web", container=container)


@asynccontextmanager
async def containers(settings):
    async with HostRunner() as runner, KubernetesApi(read_connection(settings), runner) as api:
        yield KubernetesContainers(api)


async def test_fifty_saves_in_a_row_arrive_in_a_container_of_a_cluster(cluster_settings, pod, tmp_path):
    async with containers(cluster_settings) as cluster, open_shell(cluster, pod("web")) as stream:
        for number in range(50):
            log = Lines()
            content = f"save {number}: {'x' * number * 100}\n"
            data = await packed(tmp_path, main=content.encode())
            assert (await stream.carry_out(data, (), [Run(argv=("cat", "/app/main"), echo_off=True)], log)).ok
            assert log.text == content


async def test_all_kinds_of_changes_arrive_in_a_container_of_a_cluster(cluster_settings, pod, tmp_path):
    big = bytes(range(256)) * 20480
    names = ['it\'s a "name"', "new\nline", "ü", f"{'deep/' * 20}file"]
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to("big")
    files = [SyncedFile(local=str(tmp_path / "link"), remote="/app/link")]
    for number, name in enumerate(names):
        (tmp_path / str(number)).write_bytes(bytes([0, number, 255]))
        files.append(SyncedFile(local=str(tmp_path / str(number)), remote=f"/app/{name}"))
    async with containers(cluster_settings) as cluster, open_shell(cluster, pod("web")) as stream:
        log = Lines()
        await stream.carry_out(await packed(tmp_path, big=big), (), (), log)
        await stream.carry_out(await pack(files), (), [sh("wc -c < /app/link", echo_off=True)], log)
        assert log.text.split() == [str(len(big))]
        run = sh("cd /app && find . -type f | wc -l; exit 3", echo_off=True)
        result = await stream.carry_out(Archive(), [f"/app/{name}" for name in names[:2]], [run], log)
        assert (result.failed, result.exit_status) == (run, 3)
        assert log.text.split()[1:] == ["3"]


async def test_containers_that_cannot_be_written_to_are_explained(cluster_settings, pod, tmp_path):
    async with containers(cluster_settings) as cluster:
        for container in ("readonly", "nobody"):
            async with open_shell(cluster, pod(container)) as stream:
                with pytest.raises(SyncError, match="copying changed files: `tar` failed") as caught:
                    await stream.carry_out(await packed(tmp_path, main=b"x"), (), (), Lines())
            assert "denied access" in (caught.value.hint or "")


async def test_a_container_that_lacks_the_tools_or_does_not_exist_is_refused(cluster_settings, pod):
    async with containers(cluster_settings) as cluster:
        for container in ("bare", "missing"):
            with pytest.raises(SyncError, match=f"container `{container}`"):
                async with open_shell(cluster, pod(container)):
                    pass
