"""Which credentials an image is pulled with: those of the pod's `imagePullSecrets`, else those of this machine."""

from pytilt.engines.podspec.environment import Lookup, secret_data
from pytilt.images.credentials import FindCredentials, RegistryAuth, stored
from pytilt.model.references import try_parse
from pytilt.model.resources import KubeObject

CONFIG_FIELDS = (".dockerconfigjson", ".dockercfg")
"""Keys of Secrets of the types `kubernetes.io/dockerconfigjson` and, older, `kubernetes.io/dockercfg`."""


async def anonymous(host: str) -> RegistryAuth:
    """No credentials."""
    del host
    return RegistryAuth()


async def pull_credentials(reference: str, pod: KubeObject, lookup: Lookup, find: FindCredentials) -> str:
    """The engine's `X-Registry-Auth` for an image, empty without credentials.

    Args:
        reference: the image.
        pod: the pod that needs it.
        lookup: finds Secrets of the pod's namespace.
        find: finds the credentials of this machine.
    """
    parsed = try_parse(reference)
    if parsed is None:
        return ""
    auth = secret_credentials(parsed.domain, pod, lookup) or await find(parsed.domain)
    return auth.header if auth != RegistryAuth() else ""


def secret_credentials(host: str, pod: KubeObject, lookup: Lookup) -> RegistryAuth | None:
    """The credentials for a registry in the Secrets that the pod names, None if they have none."""
    for named in pod["spec"].get("imagePullSecrets") or ():
        secret = lookup("Secret", named.get("name", ""))
        data = secret_data(secret) if secret is not None else {}
        whole, old = (data.get(field) for field in CONFIG_FIELDS)
        config = whole or (b'{"auths":' + old + b"}" if old else b"{}")
        if found := stored(config, host):
            return found
    return None
