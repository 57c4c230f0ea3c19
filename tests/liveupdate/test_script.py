"""What is replaced by something of another kind, through the shells and tars of containers."""

import itertools
import shutil
from pathlib import Path

import pytest

from pytilt.liveupdate.archive import Archive, examine
from pytilt.liveupdate.opening import open_receiver
from pytilt.liveupdate.planning import SyncPlan, plan_sync
from pytilt.liveupdate.receiver import Batch, Receiver, ReceiverOptions
from pytilt.liveupdate.script import Marks
from pytilt.model.images import LiveUpdate, Sync
from pytilt.model.logs import Level
from tests.liveupdate.shells import REF, Machine, Shells

KINDS = ("gone", "file", "link to a file", "link to a directory", "link to nothing", "directory", "empty directory")
CHANGES = list(itertools.product(KINDS, KINDS))
PATHS = ("place", "place/same", "place/own", "place/own/deep")
"""All that any of the kinds puts below the source of the sync."""


def _log(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
    pass


def put(place: Path, kind: str) -> None:
    """Replace what is at a path."""
    if place.is_symlink() or place.is_file():
        place.unlink()
    elif place.exists():
        shutil.rmtree(place)
    match kind:
        case "file":
            place.write_text("a file")
        case "link to a file":
            place.symlink_to("other/same")
        case "link to a directory":
            place.symlink_to("other")
        case "link to nothing":
            place.symlink_to("nothing")
        case "directory":
            (place / "own").mkdir(parents=True)
            (place / "same").write_text("in the directory")
            (place / "own" / "deep").write_text("deep in it")
        case "empty directory":
            place.mkdir()


def tree(root: Path) -> dict[str, str]:
    """Everything below a directory: its path -> what it is."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "directory" if path.is_dir() else path.read_text()
    return found


@pytest.fixture(params=["dash and GNU tar", "busybox", "helper"])
def shells(request: pytest.FixtureRequest, tmp_path: Path) -> Shells:
    if request.param == "helper":
        return Machine(layer=request.getfixturevalue("helper"))
    if request.param != "busybox":
        if not Path("/bin/dash").exists():
            pytest.skip("no dash here")
        return Shells("/bin/dash")
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox here")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "head", "tar", "rm"):
        (tools / name).symlink_to(busybox)
    return Shells(busybox, "sh", path=str(tools))


class Pair:
    """A local directory and a container that it is synced to."""

    def __init__(self, folder: Path, stream: Receiver) -> None:
        self.local, self.remote = folder / "local", folder / "root" / "app"
        self._stream = stream
        self._rules = LiveUpdate(syncs=(Sync(local=str(self.local), remote="/app"),))
        (self.local / "other").mkdir(parents=True)
        (self.local / "other" / "same").write_text("not to be touched")
        (self.local / "other" / "own").mkdir()
        (self.local / "other" / "own" / "deep").write_text("nor this")

    async def begin(self, kind: str) -> None:
        """The container has all that is there locally."""
        put(self.local / "place", kind)
        if self.remote.exists():
            shutil.rmtree(self.remote)
        shutil.copytree(self.local, self.remote, symlinks=True)

    async def save(self, *paths: str) -> None:
        """These paths changed; all of it is one update."""
        changed = [f"{self.local}/{path}".rstrip("/") for path in paths]
        steps = plan_sync(examine(changed, self._rules), self._rules)
        assert isinstance(steps, SyncPlan)
        assert (await self._stream.update(Batch(steps), _log)).ok


@pytest.fixture
async def pair(shells: Shells, tmp_path: Path):
    (tmp_path / "root").mkdir()
    options = ReceiverOptions(layer=True, helper=isinstance(shells, Machine))
    async with open_receiver(shells, REF, options, root=str(tmp_path / "root")) as stream:
        yield Pair(tmp_path, stream)


@pytest.mark.parametrize(("before", "after"), CHANGES)
async def test_a_change_of_kind_arrives_in_one_update(pair: Pair, before: str, after: str):
    """Whatever was there in between: every path that any kind has is in the batch."""
    await pair.begin(before)
    put(pair.local / "place", after)
    await pair.save(*PATHS)
    assert tree(pair.remote) == tree(pair.local)


@pytest.mark.parametrize(("before", "after"), [pair for pair in CHANGES if pair != ("directory", "empty directory")])
async def test_a_change_of_kind_arrives_when_only_the_place_itself_is_named(pair: Pair, before: str, after: str):
    """As when a directory is moved: nothing is said of what is in it. (What is gone from one that stays is named.)"""
    await pair.begin(before)
    put(pair.local / "place", after)
    await pair.save("place")
    assert tree(pair.remote) == tree(pair.local)


@pytest.mark.parametrize(("before", "after"), [("directory", "link"), ("link", "directory")])
async def test_the_source_of_a_sync_may_become_a_link_to_a_directory_and_back(pair: Pair, before: str, after: str):
    await pair.begin("gone")
    elsewhere = pair.local.parent / "elsewhere"
    put(elsewhere, "directory")
    (elsewhere / "more").write_text("more")
    for kind in (before, after):
        shutil.rmtree(pair.local) if not pair.local.is_symlink() else pair.local.unlink()
        put(pair.local, "directory") if kind == "directory" else pair.local.symlink_to("elsewhere")
        await pair.save("", "same", "own", "own/deep", "more", "other", "other/same", "other/own", "other/own/deep")
    assert tree(pair.remote) == tree(elsewhere if after == "link" else pair.local)


async def test_a_deletion_never_follows_a_link(pair: Pair):
    await pair.begin("link to a directory")
    await pair.save("place/same", "place/own", "place/own/deep")
    assert tree(pair.remote) == tree(pair.local)
    put(pair.local / "place", "gone")
    await pair.save("place/same", "place/own/deep")
    assert tree(pair.remote) == tree(pair.local)


async def test_what_is_a_link_in_the_image_alone_is_followed(pair: Pair):
    """Such as a directory of dependencies that the Dockerfile moved elsewhere."""
    await pair.begin("directory")
    shutil.rmtree(pair.remote / "place")
    (pair.remote / "place").symlink_to("other")
    (pair.local / "place" / "same").write_text("newer")
    await pair.save("place/same")
    assert (pair.remote / "place").is_symlink()
    assert (pair.remote / "other" / "same").read_text() == "newer"


def test_neighbours_are_cleared_by_one_call():
    archive = Archive(others=("/app/a", "/app/it's", "/b", "/app/c"), directories=("/", "/app"))
    line = Marks("secret").line(archive, (), (), "/").decode()
    assert "clear_links '' app || " in line
    assert """clear_trees /app a 'it'"'"'s' || """ in line
    assert "clear_trees '' b || " in line
