"""What the environment says. The only module that reads it; everything else is handed a `Settings`."""

from __future__ import annotations

import os

from pytilt.errors import UserError
from pytilt.model.named_tuple import NamedTuple
from pytilt.model.numbers import whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 10350
"""Tilt's port, so that bookmarks and scripts keep working."""

DEFAULT_LOG_BYTES = 1024**3

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}

_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go takes for no."""

_PIPELINES = {"github": "GITHUB_ACTIONS", "gitlab": "GITLAB_CI"}


class Settings(NamedTuple):
    """The environment of one command, read once at its start; no struct, as those take long to import."""

    environ: Mapping[str, str] = {}
    """Everything, for child processes and for the Tiltfile's `os.environ`."""
    home: str = "/"
    host: str = DEFAULT_HOST
    """TILT_HOST: where the session's web server listens."""
    host_given: bool = False
    """TILT_HOST is set."""
    port: int = DEFAULT_PORT
    """TILT_PORT; 0 switches the web server off."""
    port_given: bool = False
    """TILT_PORT is set: this port and no other."""
    state_dir: str = ""
    """TILT_DEV_DIR: token, running sessions, logs; default `~/.tilt-dev`."""
    log_bytes: int = DEFAULT_LOG_BYTES
    """TILT_LOG_SIZE: how much of a session's log is kept, for example `200M`; default `1G`."""
    kubeconfig: tuple[str, ...] = ()
    """KUBECONFIG, split; default `~/.kube/config`. First file wins where several say something."""
    docker_host: str = ""
    """DOCKER_HOST, for example `unix:///var/run/docker.sock`; empty: look in the usual places."""
    docker_config: str = ""
    """DOCKER_CONFIG: folder of the docker CLI's `config.json`; default `~/.docker`."""
    buildkit: bool = True
    """Unless DOCKER_BUILDKIT is false (`0`, `false`, …): images are built by BuildKit where the engine has it."""
    docker_platform: str = ""
    """DOCKER_DEFAULT_PLATFORM."""
    context: str = ""
    """TILT_CONTEXT: the context to use when `--context` is not given."""
    namespace: str = ""
    """TILT_NAMESPACE: the namespace to use when `--namespace` is not given."""
    editor: str = ""
    """TILT_EDITOR or EDITOR."""
    no_color: bool = False
    """NO_COLOR is set to anything, or TERM is `dumb`."""
    pipeline: str = ""
    """`github` where GITHUB_ACTIONS is `true`, `gitlab` where GITLAB_CI is: this runs in a pipeline there."""
    in_cluster: bool = False
    """KUBERNETES_SERVICE_HOST is set: this runs in a pod."""
    hud_auth: bool = True
    """Unless TILT_DISABLE_HUD_AUTH is `1`, requests need the session's token."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the environment.

        Args:
            environ: instead of the process's own.

        Raises:
            UserError: a variable has a value that cannot be used.
        """
        env = dict(os.environ if environ is None else environ)
        home = env.get("HOME") or _home()
        kubeconfig = tuple(path for path in env.get("KUBECONFIG", "").split(os.pathsep) if path)
        return cls(
            environ=env,
            home=home,
            host=env.get("TILT_HOST") or DEFAULT_HOST,
            host_given=bool(env.get("TILT_HOST")),
            port=_port(env.get("TILT_PORT", "")),
            port_given=bool(env.get("TILT_PORT")),
            state_dir=env.get("TILT_DEV_DIR") or os.path.join(home, ".tilt-dev"),
            log_bytes=_bytes(env.get("TILT_LOG_SIZE", "")),
            kubeconfig=kubeconfig or (os.path.join(home, ".kube", "config"),),
            docker_host=env.get("DOCKER_HOST", ""),
            docker_config=env.get("DOCKER_CONFIG") or os.path.join(home, ".docker"),
            buildkit=env.get("DOCKER_BUILDKIT") not in _FALSE,
            docker_platform=env.get("DOCKER_DEFAULT_PLATFORM", ""),
            context=env.get("TILT_CONTEXT", ""),
            namespace=env.get("TILT_NAMESPACE", ""),
            editor=env.get("TILT_EDITOR") or env.get("EDITOR", ""),
            no_color=bool(env.get("NO_COLOR")) or env.get("TERM") == "dumb",
            pipeline=next((name for name, variable in _PIPELINES.items() if env.get(variable) == "true"), ""),
            in_cluster=bool(env.get("KUBERNETES_SERVICE_HOST")),
            hud_auth=env.get("TILT_DISABLE_HUD_AUTH") != "1",
        )


def _home() -> str:
    """The home directory that the user database names; the root directory where it has no such user."""
    found = os.path.expanduser("~")
    return found if found.startswith("/") else "/"


def _port(text: str) -> int:
    if not text:
        return DEFAULT_PORT
    if (number := whole(text)) is None or number > 65535:
        raise UserError(f"`TILT_PORT` is `{text}`, which is not a port", hint="use a number from 0 to 65535")
    return number


def _bytes(text: str) -> int:
    if not text:
        return DEFAULT_LOG_BYTES
    number, unit = (text[:-1], text[-1].upper()) if not text[-1].isdigit() else (text, "")
    if not (count := whole(number)) or unit not in _UNITS:
        raise UserError(f"`TILT_LOG_SIZE` is `{text}`, which is no size", hint="for example `200M` or `2G`")
    return count * _UNITS[unit]
