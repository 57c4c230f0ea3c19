import io
import os
import tarfile
from pathlib import Path

import pytest

from pytilt.errors import SyncError
from pytilt.liveupdate.archive import LARGEST_BYTES, examine, list_linked, list_synced, pack
from pytilt.liveupdate.planning import ChangedFile, FileKind, SyncedFile, SyncPlan, plan_sync
from pytilt.liveupdate.receiver import Batch
from pytilt.model.files import Ignore
from pytilt.model.images import LiveUpdate, Sync


@pytest.fixture
def shop(tmp_path):
    (tmp_path / "src" / "deep").mkdir(parents=True)
    (tmp_path / "src" / "empty").mkdir()
    (tmp_path / "src" / "main.py").write_text("main")
    (tmp_path / "src" / "deep" / "data").write_bytes(bytes(range(256)))
    (tmp_path / "src" / "run.sh").write_text("run")
    (tmp_path / "src" / "run.sh").chmod(0o755)
    (tmp_path / "src" / "link").symlink_to("main.py")
    (tmp_path / "src" / "folder").symlink_to("deep")
    return tmp_path


def members(archive):
    with tarfile.open(fileobj=io.BytesIO(archive.data)) as tar:
        return {one.name: one for one in tar.getmembers()}


def synced(local, remote="/app/x"):
    return SyncedFile(local=str(local), remote=remote)


async def test_a_file_is_packed_with_its_mode_and_without_its_owner(shop):
    one = members(await pack([synced(shop / "src" / "run.sh", "/app/run.sh")]))["app/run.sh"]
    assert (one.mode, one.uid, one.gid, one.uname, one.gname) == (0o755, 0, 0, "", "")
    assert one.mtime == int((shop / "src" / "run.sh").stat().st_mtime)


async def test_a_directory_is_packed_with_all_that_is_in_it_and_links_stay_links(shop):
    found = members(await pack([synced(shop / "src", "/app")]))
    assert set(found) == {
        "app",
        "app/deep",
        "app/deep/data",
        "app/empty",
        "app/folder",
        "app/link",
        "app/main.py",
        "app/run.sh",
    }
    assert found["app/folder"].linkname == "deep"
    assert found["app/link"].linkname == "main.py"


async def test_only_what_is_packed_is_in_the_archive_not_the_directories_above_it(shop):
    assert list(members(await pack([synced(shop / "src" / "main.py", "/a/b/main.py")]))) == ["a/b/main.py"]


async def test_an_archive_ends_right_after_its_two_last_blocks(shop):
    data = (await pack([synced(shop / "src" / "main.py")])).data
    assert len(data) == 512 + 512 + 1024
    assert (await pack([])).data == b""


async def test_a_file_that_vanished_is_reported_instead_of_packed(shop):
    gone = synced(shop / "src" / "gone")
    archive = await pack([gone, synced(shop / "src" / "main.py")])
    assert archive.vanished == (gone,)
    assert list(members(archive)) == ["app/x"]
    only = await pack([gone, synced(shop / "src" / "main.py" / "below")])
    assert only.data == b""
    assert len(only.vanished) == 2


async def test_names_of_any_length_and_any_bytes_are_packed(shop):
    names = ["n" * 200, "with space", "new\nline", "ümlaut", b"\xff\xfe".decode(errors="surrogateescape")]
    for name in names:
        (shop / name).write_text(name[:1] if name.isascii() else "x")
    archive = await pack([synced(shop / name, f"/{'d' * 90}/{name}") for name in names])
    with tarfile.open(fileobj=io.BytesIO(archive.data), errors="surrogateescape", encoding="utf-8") as tar:
        assert {Path(name).name for name in tar.getnames()} == set(names)


async def test_an_archive_knows_which_of_its_places_are_directories(shop):
    found = await pack([synced(shop / "src", "/app"), synced(shop / "src" / "link", "/app/link"), synced(shop / "no")])
    assert found.directories == ("/app", "/app/deep", "/app/empty")
    assert set(found.others) == {"/app/deep/data", "/app/folder", "/app/link", "/app/main.py", "/app/run.sh"}
    assert len(members(found)) == len(found.directories) + len(found.others)


def test_what_is_above_a_path_is_looked_at_below_the_outermost_source_only(shop):
    rules = LiveUpdate(syncs=(Sync(local=str(shop / "src" / "deep"), remote="/a"), Sync(local=str(shop), remote="/b")))
    gone, below, plain = examine(
        [str(shop / "src" / "folder" / "data"), str(shop / "src" / "deep" / "data"), str(shop / "none" / "x")], rules
    )[::-1]
    assert (gone.kind, [each.path for each in gone.above]) == (FileKind.FILE, [str(shop / "src" / "folder")])
    assert gone.above[0].kind is FileKind.LINK
    assert (below.kind, below.above) == (FileKind.FILE, ())
    assert plain.above == (ChangedFile(path=str(shop / "none"), kind=FileKind.GONE),)


async def test_pipes_are_left_out(shop):
    os.mkfifo(shop / "pipe")
    assert (await pack([synced(shop / "pipe")])).data == b""


async def test_an_initial_sync_lists_every_file_for_every_sync_that_contains_it(shop):
    src = shop / "src"
    rules = LiveUpdate(
        syncs=(
            Sync(local=str(src / "deep"), remote="/data"),
            Sync(local=str(src / "main.py"), remote="/bin/"),
            Sync(local=str(src), remote="/app"),
            Sync(local=str(shop / "missing"), remote="/missing"),
        )
    )
    ignores = [Ignore(base=str(src), patterns=("**/*.sh",))]
    found = await list_synced(rules, ignores)
    assert [(file.local, file.remote) for file in found] == [
        (f"{src}/deep/data", "/app/deep/data"),
        (f"{src}/deep/data", "/data/data"),
        (f"{src}/folder", "/app/folder"),
        (f"{src}/link", "/app/link"),
        (f"{src}/main.py", "/app/main.py"),
        (f"{src}/main.py", "/bin/main.py"),
    ]


async def test_an_ignored_directory_is_not_even_entered(shop):
    rules = LiveUpdate(syncs=(Sync(local=str(shop / "src"), remote="/app"),))
    found = await list_synced(rules, [Ignore(base=str(shop), patterns=("src", "!src/deep"))])
    assert [file.remote for file in found] == ["/app/deep/data"]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ("", (0, 0, "", "")),
        ("app", (0, 0, "app", "app")),
        ("app:staff", (0, 0, "app", "staff")),
        ("1000", (1000, 1000, "", "")),
        ("1000:50", (1000, 50, "", "")),
    ],
)
async def test_a_file_may_have_an_owner_and_permissions_of_its_own(tmp_path, owner, expected):
    (tmp_path / "a").write_text("x")
    archive = await pack([SyncedFile(local=str(tmp_path / "a"), remote="/a", mode=0o640, owner=owner)])
    with tarfile.open(fileobj=io.BytesIO(archive.data)) as tar:
        [entry] = tar.getmembers()
    assert (entry.uid, entry.gid, entry.uname, entry.gname) == expected
    assert entry.mode == 0o640


async def test_a_file_that_memory_cannot_hold_is_refused(tmp_path):
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(10_000_000_000)
    with pytest.raises(SyncError, match="huge: it is larger than 512 megabytes"):
        await Batch(SyncPlan(copies=(synced(tmp_path / "huge"),))).archive()


async def test_files_that_memory_cannot_hold_together_are_refused(tmp_path):
    (tmp_path / "a").write_text("small")
    with (tmp_path / "b").open("wb") as file:
        file.truncate(LARGEST_BYTES)
    with pytest.raises(SyncError, match="b: with the files before it, it is larger than 512 megabytes"):
        await Batch(SyncPlan(copies=(synced(tmp_path / "a"), synced(tmp_path / "b")))).archive()


async def test_a_pipe_in_a_synced_directory_is_not_waited_for(shop):
    os.mkfifo(shop / "src" / "pipe")
    assert "app/pipe" not in members(await pack([synced(shop / "src", "/app")]))


async def test_a_sync_that_follows_links_brings_what_they_lead_to_and_other_links_as_such(tmp_path):
    for name in ("src/main", "lib/a", "lib/skipped/b", "conf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    links = {"src/lib": "../lib", "src/conf": "../conf", "src/up": "..", "src/gone": "none", "lib/inner": "a"}
    for name, text in links.items():
        (tmp_path / name).symlink_to(text)
    root = str(tmp_path / "src")
    rules = LiveUpdate(syncs=(Sync(local=root, remote="/app", follow=True),))
    ignores = (Ignore(base=root, patterns=("**/skipped",)),)
    linked = await list_linked(rules, ignores)
    wanted = {"lib", "lib/a", "lib/inner", "conf", "gone"}
    assert linked == {f"{root}/{name}" for name in wanted}
    assert await list_linked(rules, ignores, {f"{root}/lib"}) == {f"{root}/{name}" for name in wanted if "lib" in name}
    plan = plan_sync(examine(linked | {f"{root}/up", f"{root}/lib/none"}, rules), rules)
    assert isinstance(plan, SyncPlan)
    assert sorted(each.remote for each in plan.deletions) == ["/app/lib", "/app/lib/none"]
    found = members(await pack(plan.copies))
    assert {name for name, one in found.items() if one.issym()} == {"app/gone", "app/up"}
    assert {name for name, one in found.items() if one.isfile()} == {"app/lib/a", "app/lib/inner", "app/conf"}
    assert found["app/lib"].isdir()
    everything = members(await pack(await list_synced(rules, ignores)))
    assert set(everything) == {*found, "app/main"}
