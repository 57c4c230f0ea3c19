import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pytilt.errors import PublishError
from pytilt.host.processes import HostRunner
from pytilt.images.credentials import RegistryAuth, RegistryCredentials, config_header
from pytilt.settings import Settings


def stored(
    runner: HostRunner,
    home: Path,
    config: dict[str, Any],
    *,
    helper: str = "",
    seconds: float = 60.0,
    notice_seconds: float = 60.0,
) -> RegistryCredentials:
    """Credentials of a user with this configuration, and with a helper program `docker-credential-test`."""
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(json.dumps(config))
    if helper:
        program = home / "docker-credential-test"
        program.write_text(f"#!/bin/sh\n{helper}\n")
        program.chmod(0o755)
    environ = {"HOME": str(home), "PATH": f"{home}:/usr/bin:/bin", "XDG_RUNTIME_DIR": str(home / "run")}
    return RegistryCredentials(
        Settings.from_environment(environ), runner, seconds=seconds, notice_seconds=notice_seconds
    )


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5001", "localhost:5001"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
async def test_stored_credentials_are_found(runner: HostRunner, tmp_path: Path, key: str, host: str) -> None:
    auths = {"other.io": {"auth": packed("you:x")}, key: {"auth": packed("me:pa:ss")}}
    auth = await stored(runner, tmp_path, {"auths": auths}).find(host)
    assert (auth.username, auth.password) == ("me", "pa:ss")
    assert auth.server == ("https://index.docker.io/v1/" if host == "docker.io" else host)


async def test_identity_tokens_are_found(runner: HostRunner, tmp_path: Path) -> None:
    auths = {"a.io": {"auth": packed("me:"), "identitytoken": "t"}}
    auth = await stored(runner, tmp_path, {"auths": auths}).find("a.io")
    assert (auth.username, auth.identity_token) == ("me", "t")


@pytest.mark.parametrize("config", [{}, {"auths": {}}, {"auths": {"a.io": {}}}, {"auths": {"a.io": {"auth": "%"}}}])
async def test_without_credentials_one_is_anonymous(runner: HostRunner, tmp_path: Path, config: dict[str, Any]) -> None:
    auth = await stored(runner, tmp_path, config).find("a.io")
    assert auth == RegistryAuth()
    assert base64.urlsafe_b64decode(auth.header) == b"{}"


async def test_podmans_credentials_are_found_too(runner: HostRunner, tmp_path: Path) -> None:
    (tmp_path / "run" / "containers").mkdir(parents=True)
    text = json.dumps({"auths": {"a.io": {"auth": packed("me:x")}}})
    (tmp_path / "run" / "containers" / "auth.json").write_text(text)
    assert (await stored(runner, tmp_path, {}).find("a.io")).username == "me"


@pytest.mark.parametrize("config", [{"credsStore": "test"}, {"credHelpers": {"a.io": "test"}, "credsStore": "none"}])
async def test_a_helper_is_asked(runner: HostRunner, tmp_path: Path, config: dict[str, Any]) -> None:
    script = 'test "$1" = get && read host; echo "{\\"Username\\":\\"me@$host\\",\\"Secret\\":\\"s\\"}"'
    auth = await stored(runner, tmp_path, config, helper=script).find("a.io")
    assert (auth.username, auth.password) == ("me@a.io", "s")


async def test_a_helper_may_answer_with_a_token(runner: HostRunner, tmp_path: Path) -> None:
    script = 'cat > /dev/null; echo \'{"Username":"<token>","Secret":"t"}\''
    auth = await stored(runner, tmp_path, {"credsStore": "test"}, helper=script).find("a.io")
    assert (auth.username, auth.identity_token) == ("", "t")


async def test_a_helper_that_knows_nothing_is_passed_over(runner: HostRunner, tmp_path: Path) -> None:
    script = "cat > /dev/null; echo credentials not found in native keychain; exit 1"
    config = {"credsStore": "test", "auths": {"a.io": {"auth": packed("me:x")}}}
    assert (await stored(runner, tmp_path, config, helper=script).find("a.io")).username == "me"


async def test_a_helper_that_fails_is_an_error(runner: HostRunner, tmp_path: Path) -> None:
    script = "cat > /dev/null; echo keychain is locked >&2; exit 2"
    with pytest.raises(PublishError, match=r"`docker-credential-test` failed for a\.io: keychain is locked"):
        await stored(runner, tmp_path, {"credsStore": "test"}, helper=script).find("a.io")


async def test_a_helper_that_hangs_is_ended(runner: HostRunner, tmp_path: Path) -> None:
    credentials = stored(
        runner, tmp_path, {"credsStore": "test"}, helper="echo unlock it >&2; exec sleep 1000", seconds=0.2
    )
    with pytest.raises(PublishError, match=r"did not end within 0\.2 s: unlock it") as caught:
        await credentials.find("a.io")
    assert "perhaps it asks for something" in str(caught.value.hint)


async def test_a_helper_that_takes_long_is_named_before_it_ends(runner: HostRunner, tmp_path: Path) -> None:
    said: list[str] = []
    answer = """echo '{"Username": "me", "Secret": "x"}'"""
    waits = f"while [ ! -e {tmp_path}/said ]; do sleep 0.01; done; {answer}"

    def log(text: str, **_: object) -> None:
        said.append(text)
        (tmp_path / "said").touch()

    slow = stored(runner, tmp_path, {"credsStore": "test"}, helper=waits, notice_seconds=0.01)
    assert (await slow.find("a.io", log)).username == "me"
    assert said == [
        "Waiting for the credential helper `docker-credential-test`, asked for a.io: it may want something of you\n"
    ]
    quick = stored(runner, tmp_path, {"credsStore": "test"}, helper=answer)
    assert (await quick.find("a.io", log)).username == "me"
    assert len(said) == 1


async def test_a_missing_helper_is_named_with_what_to_do(runner: HostRunner, tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="`docker-credential-nowhere` cannot be started") as caught:
        await stored(runner, tmp_path, {"credsStore": "nowhere"}).find("a.io")
    assert "install `docker-credential-nowhere`" in str(caught.value.hint)
    assert caught.value.where == str(tmp_path / ".docker" / "config.json")


async def test_a_broken_file_is_an_error(runner: HostRunner, tmp_path: Path) -> None:
    credentials = stored(runner, tmp_path, {})
    (tmp_path / ".docker" / "config.json").write_text("{")
    with pytest.raises(PublishError, match="cannot read stored credentials"):
        await credentials.find("a.io")


def test_secrets_are_never_shown() -> None:
    auth = RegistryAuth(username="me", password="hidden", identity_token="hidden", server="a.io")
    assert "hidden" not in f"{auth} {auth!r} {[auth]}"


def test_credentials_for_a_build_are_named_by_registry() -> None:
    header = config_header({"docker.io": RegistryAuth(username="me"), "a.io": RegistryAuth(identity_token="t")})
    assert json.loads(base64.urlsafe_b64decode(header)) == {
        "https://index.docker.io/v1/": {"username": "me"},
        "a.io": {"identitytoken": "t"},
    }
