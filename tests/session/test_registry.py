import asyncio
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from pytilt.errors import SessionUnreachableError
from pytilt.model.base import Value
from pytilt.session.lookup import SessionRecord, session_address
from pytilt.session.places import token_path
from pytilt.session.registry import RENEW_SECONDS, SessionRegistry
from pytilt.settings import Settings
from tests.virtual_time import virtual_time


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"HOME": str(tmp_path)})


@pytest.fixture
def registry(settings: Settings) -> SessionRegistry:
    return SessionRegistry(settings)


def record(folder: Path, port: int = 10350, **fields) -> SessionRecord:
    folder.mkdir(parents=True, exist_ok=True)
    known = {"pid": os.getpid(), "started_in": "/", "host": "localhost", "started": f"2026-01-01T00:00:00.{port}Z"}
    return SessionRecord(tiltfile=str(folder / "Tiltfile"), port=port, **{**known, **fields})


def test_a_session_is_known_for_as_long_as_it_runs(registry: SessionRegistry, tmp_path: Path):
    shop = record(tmp_path / "shop")
    with registry.registered(shop):
        assert registry.running() == [shop]
        assert registry.of_project(shop.tiltfile) == [shop]
    assert registry.running() == []


def test_the_innermost_project_around_a_folder_is_meant(registry: SessionRegistry, tmp_path: Path):
    outer, inner = record(tmp_path / "shop", 1), record(tmp_path / "shop/web", 2)
    with registry.registered(outer), registry.registered(inner):
        assert registry.near(f"{tmp_path}/shop/web/src") == inner
        assert registry.near(f"{tmp_path}/shop/webs") == outer
        assert registry.near(str(tmp_path)) is None


def test_of_two_sessions_of_a_project_the_younger_is_meant(registry: SessionRegistry, tmp_path: Path):
    with registry.registered(record(tmp_path / "shop", 2)), registry.registered(record(tmp_path / "shop", 1)):
        found = registry.near(f"{tmp_path}/shop")
    assert found is not None
    assert found.port == 2


def test_where_a_session_was_started_it_is_meant_too(registry: SessionRegistry, tmp_path: Path):
    with registry.registered(record(tmp_path / "shop", started_in=str(tmp_path))):
        assert registry.near(str(tmp_path)) is not None
        assert registry.near(f"{tmp_path}/other") is None


def test_inside_a_project_the_session_of_another_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = Settings.from_environment({"HOME": str(tmp_path / "home")})
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    with SessionRegistry(settings).registered(record(tmp_path / "shop", 10350)):
        assert session_address(settings) == ("localhost", 10350)
        (tmp_path / "mine/Tiltfile").write_text("")
        with pytest.raises(SessionUnreachableError, match=f"no session of {tmp_path}/mine runs"):
            session_address(settings)
        assert session_address(settings, port=10350) == ("localhost", 10350)


def test_a_project_is_found_through_a_symbolic_link(registry: SessionRegistry, tmp_path: Path):
    with registry.registered(record(tmp_path / "shop")):
        (tmp_path / "link").symlink_to(tmp_path / "shop")
        assert registry.near(f"{tmp_path}/link") is not None


def test_a_session_without_a_server_is_not_asked(registry: SessionRegistry, tmp_path: Path):
    with registry.registered(record(tmp_path / "shop", 0)):
        assert registry.near(f"{tmp_path}/shop") is None
        assert registry.near(f"{tmp_path}/shop", serving=False) is not None


def test_what_a_killed_session_left_is_removed(registry: SessionRegistry, settings: Settings, tmp_path: Path):
    left = Path(settings.state_dir, "running", "x.json")
    with registry.registered(record(tmp_path / "shop")):
        left.write_bytes(next(left.parent.glob("*.json")).read_bytes())
        assert len(registry.running()) == 1
    assert not left.exists()


def test_a_record_that_somebody_removed_is_written_again(registry: SessionRegistry, settings: Settings, tmp_path: Path):
    shop = record(tmp_path / "shop")
    with registry.registered(shop, token="secret") as registration:
        shutil.rmtree(settings.state_dir)
        assert registry.running() == []
        registration.renew()
        registration.renew()
        assert registry.running() == [shop]
        assert token_path(settings).read_text() == "secret"
    assert list(Path(settings.state_dir, "running").glob("*.json")) == []


@virtual_time
async def test_a_session_sees_by_itself_that_its_record_was_removed(
    registry: SessionRegistry, settings: Settings, tmp_path: Path
):
    shop = record(tmp_path / "shop")
    with registry.registered(shop) as registration:
        await asyncio.to_thread(shutil.rmtree, settings.state_dir)
        with suppress(TimeoutError):
            await asyncio.wait_for(registration.keep(), 2 * RENEW_SECONDS)
        assert await asyncio.to_thread(registry.running) == [shop]


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff\xfe"])
def test_a_broken_record_is_as_if_it_were_not_there(registry: SessionRegistry, settings: Settings, content: bytes):
    folder = Path(settings.state_dir, "running")
    folder.mkdir(parents=True)
    (folder / "x.json").write_bytes(content)
    assert registry.running() == []


def test_where_no_record_can_be_written_the_session_goes_on(tmp_path: Path):
    (tmp_path / "file").write_text("")
    registry = SessionRegistry(Settings.from_environment({"HOME": "/", "TILT_DEV_DIR": str(tmp_path / "file")}))
    with registry.registered(record(tmp_path / "shop")):
        assert registry.running() == []


class Asked(Value):
    environ: dict[str, str]
    host: str | None
    port: int | None
    address: tuple[str, int]


@pytest.mark.parametrize(
    "asked",
    [
        Asked(environ={}, host=None, port=None, address=("127.0.0.1", 10360)),
        Asked(environ={}, host="127.0.0.1", port=None, address=("127.0.0.1", 10360)),
        Asked(environ={}, host="other", port=None, address=("other", 10350)),
        Asked(environ={}, host=None, port=7, address=("localhost", 7)),
        Asked(environ={"TILT_PORT": "8"}, host=None, port=None, address=("localhost", 8)),
        Asked(environ={"TILT_HOST": "there"}, host=None, port=None, address=("there", 10350)),
    ],
)
def test_what_is_named_wins_over_the_session_of_the_project(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"HOME": str(tmp_path / "home"), **asked.environ})
    with SessionRegistry(settings).registered(record(tmp_path, 10360, host="127.0.0.1")):
        assert session_address(settings, asked.host, asked.port) == asked.address
