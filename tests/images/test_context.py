import io
import os
import tarfile
from pathlib import Path

import pytest

from pytilt.errors import BuildError
from pytilt.images.context import SPARE_DIRECTORY, Context, context_chunks, plan_context, stream_context
from pytilt.model.files import Ignore

SPARE_DOCKERFILE = f"{SPARE_DIRECTORY}/Dockerfile"


def entries(context: Context) -> dict[str, tarfile.TarInfo]:
    with archive(context) as tar:
        return {info.name: info for info in tar.getmembers()}


def archive(context: Context) -> tarfile.TarFile:
    return tarfile.open(fileobj=io.BytesIO(b"".join(context_chunks(context))))


def project(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


def test_files_keep_their_modes_links_and_content_but_not_their_owners(tmp_path: Path) -> None:
    root = project(tmp_path, {"run.sh": "echo", "sub/größe.txt": "x" * 600})
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "link").symlink_to("./sub")
    (tmp_path / "long").symlink_to("y" * 150)
    os.mkfifo(tmp_path / "pipe")
    context = plan_context(root, None, "FROM scratch\n", ())
    found = entries(context)
    assert sorted(found) == sorted([SPARE_DOCKERFILE, "link", "long", "run.sh", "sub", "sub/größe.txt"])
    assert (found["run.sh"].mode, found["run.sh"].uid, found["run.sh"].uname) == (0o755, 0, "")
    assert (found["link"].linkname, found["long"].linkname) == ("./sub", "y" * 150)
    assert found["run.sh"].mtime == int((tmp_path / "run.sh").stat().st_mtime)
    with archive(context) as tar:
        content = tar.extractfile("sub/größe.txt")
        assert content is not None
        assert content.read() == b"x" * 600


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    context = plan_context(project(tmp_path, {"b": "1", "a/c": "2", "a/b": "3"}), None, "", ())
    assert b"".join(context_chunks(context)) == b"".join(context_chunks(context))
    assert list(entries(context)) == [SPARE_DOCKERFILE, "a", "a/b", "a/c", "b"]


def test_ignored_files_stay_at_home_and_exceptions_travel(tmp_path: Path) -> None:
    root = project(tmp_path, {"node_modules/a": "", "src/a.py": "", "src/a.pyc": "", "dist/keep": "", "dist/drop": ""})
    ignores = (Ignore(base=root, patterns=("node_modules", "**/*.pyc", "dist", "!dist/keep")),)
    assert set(entries(plan_context(root, None, "", ignores))) == {SPARE_DOCKERFILE, "src", "src/a.py", "dist/keep"}


@pytest.mark.parametrize(
    ("dockerfile", "ignored", "place"),
    [
        ("Dockerfile", (), "Dockerfile"),
        ("docker/web.Dockerfile", (), "docker/web.Dockerfile"),
        ("Dockerfile", ("Dockerfile",), SPARE_DOCKERFILE),
        ("../Dockerfile", (), SPARE_DOCKERFILE),
        (None, (), SPARE_DOCKERFILE),
    ],
)
def test_the_dockerfile_takes_its_own_place_if_that_is_sent(
    tmp_path: Path, dockerfile: str | None, ignored: tuple[str, ...], place: str
) -> None:
    root = project(tmp_path / "ctx", {"Dockerfile": "FROM old", "docker/web.Dockerfile": "FROM old"})
    path = os.path.normpath(f"{root}/{dockerfile}") if dockerfile else None
    context = plan_context(root, path, "FROM new", (Ignore(base=root, patterns=ignored),) if ignored else ())
    assert context.dockerfile == place
    with archive(context) as tar:
        assert [name for name in tar.getnames() if name == place] == [place]
        content = tar.extractfile(place)
        assert content is not None
        assert content.read() == b"FROM new"


def test_an_empty_context_holds_the_dockerfile_only() -> None:
    assert list(entries(plan_context("-", None, "FROM scratch", ()))) == [SPARE_DOCKERFILE]


def test_large_files_are_sent_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(1000) * 5000)
    context = plan_context(str(tmp_path), None, "", ())
    assert max(len(chunk) for chunk in context_chunks(context)) < 600_000
    assert entries(context)["big"].size == 5_000_000


def test_a_file_that_shrinks_while_it_is_sent_does_not_break_the_archive(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 6_000_000)
    (tmp_path / "last").write_text("here")
    chunks = context_chunks(plan_context(str(tmp_path), None, "", ()))
    first = next(chunks)
    os.truncate(big, 10)
    with tarfile.open(fileobj=io.BytesIO(first + b"".join(chunks))) as tar:
        assert tar.getnames() == [SPARE_DOCKERFILE, "big", "last"]


async def test_a_context_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    context = plan_context(str(tmp_path / "none"), None, "", ())
    with pytest.raises(BuildError, match=r"none: cannot read the build context: No such file or directory"):
        async for _ in stream_context(context):
            pass


async def test_a_stream_is_the_same_as_its_chunks(tmp_path: Path) -> None:
    context = plan_context(project(tmp_path, {"a": "1"}), None, "FROM x", ())
    assert b"".join([chunk async for chunk in stream_context(context)]) == b"".join(context_chunks(context))
