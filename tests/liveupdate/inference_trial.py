"""A trial of inferred live updates: the files of a container after a sync, and those that a full build brings."""

import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from pytilt.docker.api import path
from pytilt.docker.engine import Engine
from pytilt.images.build_chain import build_chain
from pytilt.images.contract import Builder, BuildRequest
from pytilt.images.dockerfile import image_uses
from pytilt.liveupdate.archive import DiskTree, examine
from pytilt.liveupdate.inferring import plan_inferred
from pytilt.liveupdate.planning import FallBack, SyncPlan
from pytilt.liveupdate.receiver import Batch
from pytilt.liveupdate.shell import open_shell
from pytilt.model.files import Ignore
from pytilt.model.images import BuiltImage, DockerBuild, Image, ImageConfig
from pytilt.model.inference import Inferred
from pytilt.model.names import ImageName
from tests.images.logs import KeptLog
from tests.liveupdate.dockerfile_cases import PAGE, Case, Entry, Link, Moded
from tests.liveupdate.shells import REF, Shells

_MADE_BY_ENGINE = ("dev/", "proc/", "sys/", ".dockerenv", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab")

Listing = dict[str, tuple[object, ...]]
"""Path -> kind, permissions, owner, content."""


class Trial:
    """A project on this disk, in two states."""

    def __init__(self, case: Case, root: Path, name: str) -> None:
        self.case = case
        self.root = root / "context"
        self.root.mkdir(parents=True)
        self.write({**PAGE, **case.files})
        self.images = {}
        if case.base:
            self.images[ImageName(f"{name}-below")] = self._image(f"{name}-below", case.base)
        text = case.dockerfile.replace("FROM below", f"FROM {name}-below")
        self.image = self._image(name, text, args=case.args, target=case.target)

    def _image(self, name: str, text: str, *, args: Mapping[str, str] | None = None, target: str = "") -> Image:
        ignores = (Ignore(base=str(self.root), patterns=self.case.ignore),) if self.case.ignore else ()
        build = DockerBuild(
            context=str(self.root),
            contents=text,
            build_args=tuple((args or {}).items()),
            target=target,
            context_ignores=ignores,
        )
        bases = tuple(each for each in self.images if any(use.reference == each for use in image_uses(text)))
        return Image(name=ImageName(name), build=build, base_images=bases)

    def write(self, entries: Mapping[str, Entry]) -> None:
        for name, entry in entries.items():
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_symlink() or target.is_file():
                target.unlink()
            elif target.is_dir():
                shutil.rmtree(target)
            if isinstance(entry, Link):
                target.symlink_to(entry.target)
            elif entry is not None:
                target.write_text(entry.content if isinstance(entry, Moded) else entry)
                target.chmod(entry.mode if isinstance(entry, Moded) else 0o644)

    def plan(self, config: ImageConfig, edited: Iterable[str], *, trusted: bool = False) -> SyncPlan | FallBack:
        rules = Inferred(chain=build_chain(self.image, self.images, config), trusted=trusted)
        return plan_inferred(examine([str(self.root / name) for name in edited], rules), rules, DiskTree())

    async def build(self, builder: Builder) -> BuiltImage:
        bases = {name: await builder.build(BuildRequest(image=image), KeptLog()) for name, image in self.images.items()}
        return await builder.build(BuildRequest(image=self.image, bases=bases), KeptLog())


async def exported(engine: Engine, image: BuiltImage) -> bytes:
    """All files of a container that an image makes, as a tar."""
    api = await engine.api()
    made = await api.request("POST", "/containers/create", json={"Image": image.id, "Cmd": ["none"]})
    container = made.decode(dict[str, object])["Id"]
    assert isinstance(container, str)
    try:
        return (await api.request("GET", path("containers", container, "export"))).body
    finally:
        await api.request("DELETE", path("containers", container), params={"force": True})


def unpacked(packed: bytes, root: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = [each for each in tar if not (_is_made_by_engine(each) or _is_of_busybox(each))]
        tar.extractall(root, members, numeric_owner=True, filter="fully_trusted")


def _is_made_by_engine(member: tarfile.TarInfo) -> bool:
    return member.name.startswith(_MADE_BY_ENGINE) or member.isdev()


def _is_of_busybox(member: tarfile.TarInfo) -> bool:
    """One of the four hundred names of BusyBox, which no build changes."""
    return member.name.startswith("bin/") and (member.islnk() or member.issym())


def listed(root: Path) -> Listing:
    """What is in a directory, as far as a container sees it."""
    found: Listing = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            file = Path(directory) / name
            info = file.lstat()
            owner = (info.st_uid, info.st_gid)
            key = str(file.relative_to(root))
            if stat.S_ISLNK(info.st_mode):
                found[key] = ("link", *owner, str(file.readlink()))
            elif stat.S_ISDIR(info.st_mode):
                found[key] = ("directory", oct(info.st_mode), *owner)
            else:
                found[key] = ("file", oct(info.st_mode), *owner, hashlib.sha256(file.read_bytes()).hexdigest()[:12])
    return found


async def synced(root: Path, plan: SyncPlan) -> bool:
    """Carry a plan out in a directory that stands for a container; False when a check of it fails."""
    for check in plan.checks:
        if any((root / place.lstrip("/")).is_dir() for place in check.argv[4:]):
            return False
    async with open_shell(Shells(), REF, root=str(root)) as shell:
        assert (await shell.update(Batch(plan), KeptLog())).ok
    return True


async def removed(engine: Engine, name: str) -> None:
    """Remove the images whose name has this in it."""
    api = await engine.api()
    for image in (await api.request("GET", "/images/json")).decode(list[dict[str, object]]):
        tags = image.get("RepoTags") or []
        assert isinstance(tags, list)
        for tag in tags:
            if name in tag:
                await api.request("DELETE", path("images", tag), params={"force": True})
