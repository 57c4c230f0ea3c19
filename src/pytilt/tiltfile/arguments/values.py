"""The values that the functions of a Tiltfile return and take: blobs, steps, links, probes."""

import posixpath
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from pytilt.dialect import Builtin, HostValue, StructValue, builtin, to_repr
from pytilt.errors import UserError
from pytilt.model.commands import Command, ExecAction, HttpGetAction, Probe, TcpSocketAction
from pytilt.model.names import ImageName
from pytilt.model.resources import Link, PortForwardSpec


class Unhashable(HostValue):
    """A value that cannot be the key of a dict."""

    __hash__ = None  # type: ignore[assignment] # as in Tilt


class Blob(Unhashable):
    """A text with its origin: what `local`, `read_file`, `helm` and their like return.

    Args:
        text: the text.
        source: where it came from, for messages.
    """

    type_name = "blob"

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source

    def __str__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return bool(self.text)


class Mode(Enum):
    """What `trigger_mode` can be."""

    AUTO = "TRIGGER_MODE_AUTO"
    MANUAL = "TRIGGER_MODE_MANUAL"


class TriggerModeValue(HostValue):
    """One of the two constants of a Tiltfile."""

    type_name = "TriggerMode"

    def __init__(self, mode: Mode) -> None:
        self.mode = mode

    def __str__(self) -> str:
        return self.mode.value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TriggerModeValue) and self.mode is other.mode

    def __hash__(self) -> int:
        return hash(self.mode)


class PortForwardValue(Unhashable):
    """What `port_forward()` returns."""

    type_name = "port_forward"

    def __init__(self, forward: PortForwardSpec) -> None:
        self.forward = forward

    def __str__(self) -> str:
        forward = self.forward
        return (
            f"port_forward(local_port={forward.local_port}, container_port={forward.container_port}, "
            f'name="{forward.name}")'
        )


class DepValue(StructValue):
    """What `dep()` returns: a resource that another one waits for."""

    type_name = "dep"

    def __init__(self, name: str, on: str) -> None:
        super().__init__({"name": name, "on": on}, self.type_name)
        self.name = name
        self.each_update = on == "each_update"


class LinkValue(StructValue):
    """What `link()` returns."""

    def __init__(self, link: Link) -> None:
        super().__init__({"url": link.url, "name": link.name}, "link")
        self.link = link


class ExecActionValue(StructValue):
    """What `exec_action()` returns."""

    type_name = "ExecAction"

    def __init__(self, action: ExecAction) -> None:
        super().__init__({"command": list(action.command)}, self.type_name)
        self.action = action


class HttpGetActionValue(StructValue):
    """What `http_get_action()` returns."""

    type_name = "HTTPGetAction"

    def __init__(self, action: HttpGetAction, said: HttpGetAction, given: Mapping[str, object]) -> None:
        super().__init__(given, self.type_name)
        self.action = action
        self.said = said


class TcpSocketActionValue(StructValue):
    """What `tcp_socket_action()` returns."""

    type_name = "TCPSocketAction"

    def __init__(self, action: TcpSocketAction, said: TcpSocketAction, given: Mapping[str, object]) -> None:
        super().__init__(given, self.type_name)
        self.action = action
        self.said = said


class ProbeValue(StructValue):
    """What `probe()` returns.

    Args:
        probe: complete.
        said: with nothing in it but what the Tiltfile says.
        given: the attributes that the Tiltfile can read.
    """

    type_name = "Probe"

    def __init__(self, probe: Probe, said: Probe, given: Mapping[str, object]) -> None:
        super().__init__(given, self.type_name)
        self.probe = probe
        self.said = said


class Step(HostValue):
    """A step of a live update.

    Args:
        position: where the Tiltfile made it, as `file:line:column`.
    """

    type_name = "live_update_step"

    def __init__(self, position: str) -> None:
        self.position = position


class InitialSyncStep(Step):
    """What `initial_sync()` returns."""

    type_name = "live_update_initial_sync_step"

    def __str__(self) -> str:
        return "initial_sync step"


class FallBackOnStep(Step):
    """What `fall_back_on()` returns."""

    type_name = "live_update_fall_back_on_step"

    def __init__(self, position: str, paths: tuple[str, ...]) -> None:
        super().__init__(position)
        self.paths = paths

    def __str__(self) -> str:
        return f"fall_back_on step: [{' '.join(self.paths)}]"


class SyncStep(Step):
    """What `sync()` returns."""

    type_name = "live_update_sync_step"

    def __init__(self, position: str, local: str, remote: str, *, follow: bool = False) -> None:
        super().__init__(position)
        self.local = local
        self.remote = remote
        self.follow = follow

    def __str__(self) -> str:
        return f"sync step: '{self.local}'->'{self.remote}'"


class RunStep(Step):
    """What `run()` returns."""

    type_name = "live_update_run_step"

    def __init__(self, position: str, command: Command, triggers: tuple[str, ...], *, echo_off: bool) -> None:
        super().__init__(position)
        self.command = command
        self.triggers = triggers
        self.echo_off = echo_off

    def __str__(self) -> str:
        text = f'run step: "{self.command.shown}"'
        return f"{text} (triggers: {'; '.join(self.triggers)})" if self.triggers else text


class RestartContainerStep(Step):
    """What `restart_container()` returns."""

    type_name = "live_update_restart_container_step"

    def __str__(self) -> str:
        return "restart_container step"


class CustomBuildValue(Unhashable):
    """What `custom_build()` returns.

    Args:
        name: of the image.
        fast_build: what its function `add_fast_build` returns.
    """

    type_name = "custom_build"

    def __init__(self, name: ImageName, fast_build: HostValue) -> None:
        self.name = name
        self._fast_build = fast_build

    def starlark_attrs(self) -> Mapping[str, object]:
        """The function `add_fast_build`."""

        @builtin("add_fast_build")
        def add_fast_build() -> HostValue:
            return self._fast_build

        return {"add_fast_build": add_fast_build}

    def __str__(self) -> str:
        return f'custom_build("{self.name}")'


class GitRepo(Unhashable):
    """What `local_git_repo()` returns; it can take the place of its path.

    Args:
        path: absolute.
        paths: the function that a Tiltfile calls as `repo.paths(…)`.
    """

    type_name = "git.Repo"

    def __init__(self, path: str, paths: Builtin) -> None:
        self.path = path
        self._paths = paths

    def starlark_attrs(self) -> Mapping[str, object]:
        """The function `paths`, which was `path` at first."""
        return {"paths": self._paths, "path": self._paths}

    def __str__(self) -> str:
        return f"[git.Repo] '{self.path}'"


class WorkloadId(HostValue):
    """What the function given to `workload_to_resource_function` is called with."""

    type_name = "K8sObjectID"

    def __init__(self, name: str, kind: str, namespace: str, group: str) -> None:
        self._parts = {"name": name, "kind": kind, "namespace": namespace, "group": group}

    def starlark_attrs(self) -> Mapping[str, object]:
        """Its parts."""
        return self._parts

    def __str__(self) -> str:
        return ":".join(self._parts.values()).lower()


@lru_cache(maxsize=4096)  # many calls name the same few
def placed(path: str, directory: str) -> str:
    """A path made absolute and tidy.

    Args:
        path: as the Tiltfile has it.
        directory: to which it is relative.

    Raises:
        UserError: no file can have such a path.
    """
    if "\0" in path:
        raise UserError(f"invalid path {to_repr(path)}: it holds a null byte")
    return posixpath.normpath(posixpath.join(directory, path))
