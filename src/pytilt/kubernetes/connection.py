"""The connection to a cluster as a frozen value: read once, so that a session stays with the cluster it began with."""

from pytilt.kubernetes.products import ClusterProduct
from pytilt.model.base import Value


class ExecPlugin(Value):
    """A program that hands out credentials (`user.exec` of a kubeconfig)."""

    command: str
    """Absolute where the kubeconfig named a path, else a name to look up."""
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    """Added to the environment."""
    api_version: str
    install_hint: str = ""
    provide_cluster_info: bool = False
    interactive_mode: str = "IfAvailable"


class Credentials(Value):
    """Who the user is."""

    user: str = ""
    """The name of the entry in the kubeconfig."""
    token: str = ""
    token_file: str = ""
    """Absolute path; read again as it changes."""
    username: str = ""
    password: str = ""
    certificate: str = ""
    """Client certificate, PEM."""
    key: str = ""
    """Its key, PEM."""
    plugin: ExecPlugin | None = None
    headers: tuple[tuple[str, str], ...] = ()
    """Who to act as (`as`, `as-groups`, …)."""
    expired_hint: str = ""
    """What to do when these are not accepted; empty: nothing special is known."""

    def __repr__(self) -> str:
        """Without secrets, since this ends up in tracebacks and logs."""
        return f"Credentials(user={self.user!r})"


class Connection(Value):
    """Everything that is needed to speak to a cluster."""

    context: str
    namespace: str
    cluster: str
    """The name of the entry in the kubeconfig."""
    server: str
    """Address, for example `https://127.0.0.1:6443`, perhaps with a path; no slash at its end."""
    product: ClusterProduct = ClusterProduct.UNKNOWN
    authority: str = ""
    """Certificates that sign the server's, PEM; empty: those that the system trusts."""
    insecure: bool = False
    """Accept any certificate of the server's."""
    tls_server_name: str = ""
    """The name that the server's certificate must have, where it is not that of the address."""
    proxy: str = ""
    """Address of a proxy to go through."""
    credentials: Credentials = Credentials()
    environ: tuple[tuple[str, str], ...] = ()
    """The environment of credential plugins."""
    config_path: str = ""
    """The file that names the context; empty in a pod."""
    kubeconfig: str = ""
    """A kubeconfig with this one context and nothing relative in it, as JSON, for programs that need one."""

    def __repr__(self) -> str:
        """Without secrets, since this ends up in tracebacks and logs."""
        return f"Connection(context={self.context!r}, server={self.server!r})"
