"""Making a connection of what kubeconfig files, or the pod this runs in, say."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.kubernetes import products, proxying
from pytilt.kubernetes.connection import Connection, Credentials, ExecPlugin
from pytilt.kubernetes.kubeconfig import IN_CLUSTER, Entry, Kubeconfig, as_text, current_context, read
from pytilt.settings import Settings

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where every pod finds its credentials."""

DEFAULT_NAMESPACE = "default"

_PATHS = {
    "certificate-authority": "certificate-authority-data",
    "client-certificate": "client-certificate-data",
    "client-key": "client-key-data",
}
"""Keys that hold paths, and those that hold the same as base64."""

_RENEW_OIDC = "its `id-token` is not renewed here; use `kubectl oidc-login` as an `exec` plugin, or log in anew"
_REPLACED_PROVIDERS = {
    "gcp": "install `gke-gcloud-auth-plugin` and run `gcloud container clusters get-credentials` anew",
    "azure": "install `kubelogin` and run `kubelogin convert-kubeconfig`",
}


def read_connection(settings: Settings, *, context: str = "", namespace: str = "") -> Connection:
    """Read the connection to a cluster, with all files that it needs.

    Args:
        settings: where the kubeconfig files are.
        context: `--context`; empty: the current one.
        namespace: `--namespace`; empty: that of the context.

    Raises:
        UserError: there is no such context, or it is not complete.
    """
    config = read(settings)
    chosen = current_context(settings, context)
    if chosen is None:
        raise UserError("no context is chosen", hint=_choose(config))
    if chosen == IN_CLUSTER and chosen not in config.contexts and settings.in_cluster:
        return _in_cluster(settings, namespace)
    entry = config.contexts.get(chosen)
    if entry is None:
        raise UserError(f"there is no context `{chosen}`", hint=_choose(config))
    cluster = _referred(config.clusters, entry, "cluster")
    user = _referred(config.users, entry, "user") if as_text(entry.value, "user") else Entry(name="", path=entry.path)
    return _connection(settings, entry, cluster, user, namespace or as_text(entry.value, "namespace"))


def _connection(settings: Settings, context: Entry, cluster: Entry, user: Entry, namespace: str) -> Connection:
    server = as_text(cluster.value, "server").rstrip("/")
    if not server:
        raise UserError(
            f"the cluster `{cluster.name}` has no `server`", where=cluster.path, hint="add the address of its API"
        )
    if "://" not in server:
        server = f"http://{server}"
    _check_address(cluster, server)
    namespace = namespace or DEFAULT_NAMESPACE
    return Connection(
        context=context.name,
        namespace=namespace,
        cluster=cluster.name,
        server=server,
        product=products.product(
            cluster.name,
            authority=_path(cluster, "certificate-authority"),
            config=context.path,
            home=settings.home,
        ),
        authority=_pem(cluster, "certificate-authority"),
        insecure=cluster.value.get("insecure-skip-tls-verify") is True,
        tls_server_name=as_text(cluster.value, "tls-server-name"),
        proxy=as_text(cluster.value, "proxy-url") or proxying.proxy_for(server, settings.environ),
        credentials=_credentials(user),
        environ=tuple(sorted(settings.environ.items())),
        config_path=context.path,
        kubeconfig=_frozen(context, cluster, user, namespace),
    )


def _check_address(cluster: Entry, server: str) -> None:
    """Refuse an address that no connection can be made to."""
    hint = "correct the address of its API: `https://HOST:PORT`"
    try:
        parts = urlsplit(server)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as problem:  # brackets that are not those of an IPv6 address, a port beyond 65535
        raise UserError(
            f"the `server` of the cluster `{cluster.name}` is no address: {problem}", where=cluster.path, hint=hint
        ) from problem
    if not known:
        raise UserError(
            f"the `server` of the cluster `{cluster.name}` is no address: {server}", where=cluster.path, hint=hint
        )


def _credentials(user: Entry) -> Credentials:
    token, hint = _provided_token(user)
    return Credentials(
        user=user.name,
        token=as_text(user.value, "token") or token,
        token_file=_path(user, "tokenFile"),
        username=as_text(user.value, "username"),
        password=as_text(user.value, "password"),
        certificate=_pem(user, "client-certificate"),
        key=_pem(user, "client-key"),
        plugin=_plugin(user),
        headers=tuple(_impersonation(user.value)),
        expired_hint=hint,
    )


def _provided_token(user: Entry) -> tuple[str, str]:
    provider = user.value.get("auth-provider")
    if not isinstance(provider, dict):
        return "", ""
    name = as_text(provider, "name")
    config = provider.get("config") or {}
    if name == "oidc" and as_text(config, "id-token"):
        return as_text(config, "id-token"), _RENEW_OIDC
    raise UserError(
        f"the user `{user.name}` logs in by the auth provider `{name}`, which Kubernetes has given up",
        where=user.path,
        hint=_REPLACED_PROVIDERS.get(name, "use an `exec` plugin, which your cluster's provider offers"),
    )


def _plugin(user: Entry) -> ExecPlugin | None:
    value = user.value.get("exec")
    if not isinstance(value, dict):
        return None
    command = as_text(value, "command")
    if "/" in command:
        command = str(Path(user.path).absolute().parent / command)
    env = value.get("env") or ()
    return ExecPlugin(
        command=command,
        args=tuple(str(arg) for arg in value.get("args") or ()),
        env=tuple((as_text(item, "name"), as_text(item, "value")) for item in env if isinstance(item, dict)),
        api_version=as_text(value, "apiVersion"),
        install_hint=as_text(value, "installHint").strip(),
        provide_cluster_info=value.get("provideClusterInfo") is True,
        interactive_mode=as_text(value, "interactiveMode") or "IfAvailable",
    )


def _impersonation(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if as_text(user, "as"):
        yield "Impersonate-User", as_text(user, "as")
    if as_text(user, "as-uid"):
        yield "Impersonate-Uid", as_text(user, "as-uid")
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{key}", str(value)


def _in_cluster(settings: Settings, namespace: str) -> Connection:
    folder = Path(SERVICE_ACCOUNT)
    host, port = settings.environ.get("KUBERNETES_SERVICE_HOST", ""), settings.environ.get("KUBERNETES_SERVICE_PORT")
    try:
        authority = (folder / "ca.crt").read_text()
        own = (folder / "namespace").read_text().strip() if (folder / "namespace").exists() else ""
    except OSError as error:
        raise UserError(
            f"this pod has no service account: {error}", hint="set `automountServiceAccountToken` or a KUBECONFIG"
        ) from error
    server = f"https://{f'[{host}]' if ':' in host else host}:{port or 443}"
    cluster = {"server": server, "certificate-authority": str(folder / "ca.crt")}
    user = {"tokenFile": str(folder / "token")}
    namespace = namespace or own or DEFAULT_NAMESPACE
    entries = [Entry(name=IN_CLUSTER, path="/", value=value) for value in ({}, cluster, user)]
    return Connection(
        context=IN_CLUSTER,
        namespace=namespace,
        cluster=IN_CLUSTER,
        server=server,
        authority=authority,
        credentials=Credentials(user=IN_CLUSTER, token_file=str(folder / "token")),
        kubeconfig=_frozen(entries[0], entries[1], entries[2], namespace),
    )


def _referred(entries: Mapping[str, Entry], context: Entry, kind: str) -> Entry:
    name = as_text(context.value, kind)
    if name not in entries:
        raise UserError(
            f"the context `{context.name}` names the {kind} `{name}`, which no kubeconfig has",
            where=context.path,
            hint=f"correct the context's `{kind}`, or add the file that has it to `KUBECONFIG`",
        )
    return entries[name]


def _choose(config: Kubeconfig) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(config.contexts))
    if not names:
        return "no kubeconfig names a context; create a cluster, or set `KUBECONFIG` to the file of one"
    return f"choose one with `--context`, or with `kubectl config use-context`: {names}"


def _path(entry: Entry, key: str) -> str:
    text = as_text(entry.value, key)
    return str(Path(entry.path).absolute().parent / text) if text else ""


def _pem(entry: Entry, key: str) -> str:
    if data := as_text(entry.value, _PATHS[key]):
        try:
            return base64.b64decode("".join(data.split()), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UserError(
                f"`{_PATHS[key]}` of `{entry.name}` is no PEM in base64: {error}",
                where=entry.path,
                hint="fetch the credentials anew",
            ) from error
    if not (path := _path(entry, key)):
        return ""
    try:
        return read_file(path).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the `{key}` of `{entry.name}` cannot be read: {error}", where=entry.path, hint="fetch it anew"
        ) from error


def _frozen(context: Entry, cluster: Entry, user: Entry, namespace: str) -> str:
    """A kubeconfig with one context in which every path is absolute; the secrets in it are as they were."""
    user_name = user.name or "user"
    inner = {"cluster": cluster.name, "user": user_name, "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context.name,
        "contexts": [{"name": context.name, "context": inner}],
        "clusters": [{"name": cluster.name, "cluster": _with_absolute_paths(cluster)}],
        "users": [{"name": user_name, "user": _with_absolute_paths(user)}],
    }
    return msgspec.json.encode(document).decode()


def _with_absolute_paths(entry: Entry) -> dict[str, Any]:
    value = dict(entry.value)
    for key in (*_PATHS, "tokenFile"):
        if value.get(key):
            value[key] = _path(entry, key)
    plugin = value.get("exec")
    if isinstance(plugin, dict) and "/" in as_text(plugin, "command"):
        value["exec"] = {**plugin, "command": str(Path(entry.path).absolute().parent / as_text(plugin, "command"))}
    return value
