import base64

import pytest

from pytilt.engines.pods.pulling import anonymous, pull_credentials, secret_credentials
from pytilt.images.credentials import RegistryAuth

AUTH = base64.b64encode(b"me:secret").decode()
SECRETS = {
    "new": {"stringData": {".dockerconfigjson": f'{{"auths": {{"ghcr.io": {{"auth": "{AUTH}"}}}}}}'}},
    "old": {"stringData": {".dockercfg": f'{{"ghcr.io": {{"auth": "{AUTH}"}}}}'}},
    "bad": {"stringData": {".dockerconfigjson": "{"}},
    "other": {"stringData": {"key": "value"}},
}


def pod(*names):
    return {"metadata": {"name": "p"}, "spec": {"imagePullSecrets": [{"name": name} for name in names]}}


def lookup(_, name):
    return SECRETS.get(name)


@pytest.mark.parametrize(
    ("names", "user"),
    [(["new"], "me"), (["old"], "me"), (["bad", "other", "none", "new"], "me"), (["other"], ""), ([], "")],
)
def test_the_first_secret_that_knows_the_registry_counts(names, user):
    found = secret_credentials("ghcr.io", pod(*names), lookup)
    assert (found.username if found else "") == user


async def test_this_machines_credentials_are_next():
    async def find(host):
        return RegistryAuth(username=host, password="x")

    header = await pull_credentials("quay.io/app:1", pod("new"), lookup, find)
    assert b"quay.io" in base64.urlsafe_b64decode(header)


async def test_without_credentials_nothing_is_sent():
    assert await pull_credentials("quay.io/app:1", pod(), lookup, anonymous) == ""
