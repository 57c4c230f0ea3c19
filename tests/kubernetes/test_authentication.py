import asyncio
import json
from pathlib import Path

import pytest

from pytilt.errors import ClusterUnreachableError
from pytilt.host.processes import HostRunner
from pytilt.kubernetes.authentication import Authenticator, Identity
from pytilt.kubernetes.connection import Credentials, ExecPlugin
from pytilt.model.base import Value
from tests.kubernetes.api_server import connection

V1 = "client.authentication.k8s.io/v1"


class Login(Value):
    """A credential plugin, as a script that counts how often it was run."""

    path: str
    folder: str

    @property
    def runs(self) -> int:
        return Path(self.folder, "runs").read_text().count("x")

    @property
    def info(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(Path(self.folder, "info").read_text())
        return found


def login(folder: Path, body: str) -> Login:
    script = folder / "login"
    script.write_text(
        f"#!/bin/sh\ncd {folder}\nprintf x >> runs\nn=$(wc -c < runs)\n"
        f'printf %s "$KUBERNETES_EXEC_INFO" > info\n{body}\n'
    )
    script.chmod(0o755)
    return Login(path=str(script), folder=str(folder))


def printed(version: str = V1, **status: str) -> str:
    credential = {"apiVersion": version, "kind": "ExecCredential", "status": status}
    return f"cat <<END\n{json.dumps(credential)}\nEND"


def user(program: str, version: str = V1, **fields: object) -> Credentials:
    plugin = ExecPlugin(command=program, api_version=version, **fields)  # type: ignore[arg-type] # fields of any type
    return Credentials(user="me", plugin=plugin)


async def identities(credentials: Credentials, count: int = 1) -> list[Identity]:
    async with HostRunner() as runner, Authenticator(connection(1, credentials), runner) as authenticator:
        return [await authenticator.identity() for _ in range(count)]


@pytest.mark.parametrize("version", [V1, "client.authentication.k8s.io/v1beta1"])
async def test_a_plugin_is_reported_its_version_and_hands_out_a_token(tmp_path, version):
    plugin = login(tmp_path, printed(version, token="secret"))
    [identity] = await identities(user(plugin.path, version))
    assert identity.headers == (("Authorization", "Bearer secret"),)
    assert plugin.info == {"apiVersion": version, "kind": "ExecCredential", "spec": {"interactive": False}}


async def test_a_plugin_may_hand_out_a_client_certificate(tmp_path):
    plugin = login(tmp_path, printed(clientCertificateData="certificate", clientKeyData="key"))
    [identity] = await identities(user(plugin.path))
    assert (identity.certificate, identity.key) == ("certificate", "key")


async def test_a_plugin_is_reported_of_the_cluster_where_it_wants_to_be(tmp_path):
    plugin = login(tmp_path, printed(token="t"))
    await identities(user(plugin.path, provide_cluster_info=True))
    assert plugin.info["spec"] == {"interactive": False, "cluster": {"server": "http://127.0.0.1:1"}}


async def test_a_token_is_kept_until_it_expires(tmp_path):
    kept = login(tmp_path, printed(token="t", expirationTimestamp="2999-01-01T00:00:00Z"))
    await identities(user(kept.path), count=3)
    assert kept.runs == 1
    (tmp_path / "old").mkdir()
    expired = login(tmp_path / "old", printed(token="t", expirationTimestamp="2001-01-01T00:00:00Z"))
    await identities(user(expired.path), count=3)
    assert expired.runs == 3


async def test_a_refused_token_is_asked_for_anew_once_by_all_who_hold_it(tmp_path):
    plugin = login(tmp_path, printed(token="token-$n"))
    async with HostRunner() as runner, Authenticator(connection(1, user(plugin.path)), runner) as authenticator:
        refused = await authenticator.identity()
        assert await authenticator.renew(refused)
        assert await authenticator.renew(refused)
        assert (await authenticator.identity()).headers == (("Authorization", "Bearer token-2"),)
    assert plugin.runs == 2


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("echo please log in >&2; exit 3", r"failed with status 3: please log in"),
        ("echo hello", "printed no credential"),
        (printed(), "neither token nor certificate"),
        (printed("client.authentication.k8s.io/v1beta1", token="t"), "answered in `client.*v1beta1`"),
    ],
)
async def test_a_plugin_that_fails_is_named_with_what_it_said(tmp_path, body, message):
    plugin = login(tmp_path, body)
    with pytest.raises(ClusterUnreachableError, match=message) as raised:
        await identities(user(plugin.path))
    assert plugin.path in raised.value.message
    assert raised.value.hint


async def test_a_missing_plugin_comes_with_its_install_hint():
    with pytest.raises(ClusterUnreachableError, match="cannot be started") as raised:
        await identities(user("no-such-login", install_hint="get it at the shop"))
    assert raised.value.hint == "get it at the shop"


WAITING = "echo open the browser >&2; while ! [ -f go ]; do sleep 0.01; done; "


async def test_what_a_plugin_says_that_takes_its_time_is_passed_on_and_it_may_go_on(tmp_path):
    plugin = login(tmp_path, WAITING + "echo thanks >&2; " + printed(token="token"))
    lines: list[str] = []

    def report(line: str) -> None:
        lines.append(line)
        if "browser" in line:
            (tmp_path / "go").touch()

    shown = connection(1, user(plugin.path))
    async with HostRunner() as runner, Authenticator(shown, runner, report, patience=0.01) as authenticator:
        assert (await authenticator.identity()).headers == (("Authorization", "Bearer token"),)
    assert (
        lines[0]
        == f"Waiting for the credential plugin `{plugin.path}` of the user `me`; perhaps it wants you to log in"
    )
    assert lines[1:] == ["open the browser", "thanks"]


async def test_a_plugin_that_asks_to_log_in_anew_goes_on_when_nobody_waits_any_more(tmp_path):
    plugin = login(tmp_path, f'[ "$n" = 1 ] || {{ {WAITING} }}; ' + printed(token="token-$n"))
    shown = connection(1, user(plugin.path))
    async with HostRunner() as runner, Authenticator(shown, runner, patience=0.2) as authenticator:
        refused = await authenticator.identity()
        said = ""
        while "open the browser" not in said:  # it may not have begun when the first one has waited long enough
            with pytest.raises(ClusterUnreachableError, match="is still at work") as raised:
                await authenticator.renew(refused)
            said = raised.value.message
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await authenticator.renew(refused)
        (tmp_path / "go").touch()
        assert await authenticator.renew(refused)
        assert (await authenticator.identity()).headers == (("Authorization", "Bearer token-2"),)
    assert plugin.runs == 2


async def test_a_plugin_that_hangs_is_ended(tmp_path):
    plugin = login(tmp_path, "echo open the browser >&2; exec sleep 1000")
    shown = connection(1, user(plugin.path))
    for limit in (0.2, 1.0, 5.0):  # on a busy machine it says nothing within the first
        async with HostRunner() as runner, Authenticator(shown, runner, limit=limit) as authenticator:
            with pytest.raises(ClusterUnreachableError, match=f"did not end within {limit:g} s") as raised:
                await authenticator.identity()
        if raised.value.message.endswith(": open the browser"):
            break
    assert raised.value.message.endswith(": open the browser")
    assert raised.value.hint == f"run `{plugin.path}` in a terminal, or log in anew"


async def test_plugins_that_cannot_work_here_are_refused():
    with pytest.raises(ClusterUnreachableError, match="v1alpha1"):
        await identities(user("login", "client.authentication.k8s.io/v1alpha1"))
    with pytest.raises(ClusterUnreachableError, match="needs a terminal"):
        await identities(user("login", interactive_mode="Always"))


async def test_a_token_file_is_read_again_when_its_token_is_refused(tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    shown = connection(1, Credentials(user="me", token_file=str(file)))
    async with HostRunner() as runner, Authenticator(shown, runner) as authenticator:
        first = await authenticator.identity()
        file.write_text("two")
        assert (await authenticator.identity()) == first
        assert await authenticator.renew(first)
        assert (await authenticator.identity()).headers == (("Authorization", "Bearer two"),)
    file.unlink()
    with pytest.raises(ClusterUnreachableError, match="token of the user `me` cannot be read"):
        await identities(Credentials(user="me", token_file=str(file)))


async def test_name_and_password_and_another_user_to_act_as_are_shown():
    [identity] = await identities(Credentials(username="me", password="pw", headers=(("Impersonate-User", "bob"),)))
    assert identity.headers == (("Impersonate-User", "bob"), ("Authorization", "Basic bWU6cHc="))
