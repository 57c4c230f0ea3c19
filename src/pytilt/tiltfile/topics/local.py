"""`local`, `local_resource`, and the probes of their readiness."""

from collections.abc import Sequence

from msgspec.structs import replace

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model.commands import Command, ExecAction, HttpGetAction, Probe, TcpSocketAction
from pytilt.model.files import Ignore
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import (
    Duration,
    Flag,
    Labels,
    Links,
    LocalPaths,
    Name,
    Pairs,
    Sequenced,
    Text,
    TriggerMode,
    Whole,
)
from pytilt.tiltfile.arguments.globs import watched
from pytilt.tiltfile.arguments.values import (
    Blob,
    DepValue,
    ExecActionValue,
    HttpGetActionValue,
    ProbeValue,
    TcpSocketActionValue,
)
from pytilt.tiltfile.running.commands import run_now
from pytilt.tiltfile.running.contexts import is_allowed, refused_call
from pytilt.tiltfile.running.dead_patterns import warn_of_deps, warn_of_ignored
from pytilt.tiltfile.running.declared import DeclaredLocal
from pytilt.tiltfile.running.functions import converting, function
from pytilt.tiltfile.running.ignore_files import repository_ignores
from pytilt.tiltfile.running.script import Script

_TEST_IS_DEPRECATED = (
    "test() is deprecated and will be removed in a future release.\n"
    "Change this call to use `local_resource(..., allow_parallel=True)`"
)

_ACTIONS: dict[str, type[ExecActionValue | HttpGetActionValue | TcpSocketActionValue]] = {
    "exec": ExecActionValue,
    "http_get": HttpGetActionValue,
    "tcp_socket": TcpSocketActionValue,
}


_DEP_CHOICES = ("start", "each_update")


class LocalBuiltins:
    """The functions that run something on this machine."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._names: set[str] = set()
        self._test = converting("test", self.local_resource, lambda: script.directory)

    @function("local")
    def local(
        self,
        command: object,
        quiet: Flag = False,
        command_bat: object = None,  # noqa: ARG002 - for Windows
        echo_off: Flag = False,
        env: Pairs = (),
        dir: object = None,  # noqa: A002 - the Tiltfile's signature
        stdin: object = None,
    ) -> Blob:
        """Run a command now, and return what it wrote to standard output."""
        request = self._script.request
        if not is_allowed(request, self._script.allowed_contexts):
            raise UserError(refused_call("local", request.context))
        made = conversions.command(command, self._script.directory, env, dir)
        if made is None:
            raise UserError('command "" failed.\nerror: empty cmd')
        given = None if stdin is None else conversions.stringable(stdin)
        announce = "" if echo_off else "local:"
        output = run_now(self._script, made, announce=announce, show_output=not quiet, stdin=given)
        return Blob(output, f"local: {made.shown}")

    @function("local_resource")
    def local_resource(
        self,
        name: Name,
        cmd: object = None,
        deps: LocalPaths = (),
        trigger_mode: TriggerMode = None,
        resource_deps: Sequenced | None = None,
        ignore: object = None,
        auto_init: Flag = True,
        serve_cmd: object = None,
        cmd_bat: object = None,  # noqa: ARG002 - for Windows
        serve_cmd_bat: object = None,  # noqa: ARG002 - for Windows
        allow_parallel: Flag = False,
        links: Links = (),
        labels: Labels = (),
        env: Pairs = (),
        serve_env: Pairs = (),
        readiness_probe: object = None,
        dir: object = None,  # noqa: A002 - the Tiltfile's signature
        serve_dir: object = None,
        teardown_cmd: object = None,
        teardown_env: Pairs = (),
        teardown_dir: object = None,
        debounce: Duration | None = None,
    ) -> None:
        """Declare a resource of a command, a server, or both."""
        needed, each_update = _resource_deps(resource_deps)
        ignored = conversions.patterns(ignore, "ignore")
        directory = self._script.directory
        update = conversions.command(cmd, directory, env, dir)
        serve = conversions.command(serve_cmd, directory, serve_env, serve_dir)
        teardown = _teardown(teardown_cmd, directory, teardown_env, teardown_dir)
        _check_commands(update, serve, has_dir=dir is not None, has_serve_dir=serve_dir is not None)
        if name in self._names:
            raise UserError(f'local_resource named "{name}" already exists')
        self._names.add(name)
        found = watched(deps, "local_resource")
        own_ignores = (Ignore(base=directory, patterns=ignored),) if ignored else ()
        warn_of_deps(self._script, "local_resource", deps, own_ignores)
        warn_of_ignored(self._script, "local_resource: ignore", ignored, [directory], found.paths)
        self._script.locals.append(
            DeclaredLocal(
                name=name,
                update=update,
                serve=serve,
                teardown=teardown,
                directory=directory,
                deps=found.paths,
                ignores=(*repository_ignores([*found.paths, directory]), *own_ignores, *found.ignores),
                trigger_mode=trigger_mode,
                auto_init=auto_init,
                resource_deps=needed,
                each_update=each_update,
                debounce_seconds=conversions.debounce("local_resource", debounce),
                allow_parallel=allow_parallel or update is None,
                links=links,
                labels=labels,
                readiness_probe=self._probe(readiness_probe, name, serve),
            )
        )

    @function("dep")
    def dep(self, resource: Name, on: Text = "start") -> DepValue:
        """A resource to wait for: before the first update, or with `on='each_update'` before every one."""
        if on not in _DEP_CHOICES:
            raise UserError(
                f'dep: for parameter "on": must be one of "start", "each_update"; got "{on}"',
                hint="`each_update` waits before every update, `start` only before the first one",
            )
        return DepValue(resource, on)

    @function("test")
    def test(self, *arguments: object, **named: object) -> None:
        """Declare a resource that runs beside others; the old form of `local_resource(…, allow_parallel=True)`."""
        self._script.warn(_TEST_IS_DEPRECATED)
        self._test(*arguments, **{"allow_parallel": True, **named})

    @function("exec_action")
    def exec_action(self, command: object) -> ExecActionValue:
        """Ready when a command succeeds."""
        try:
            return ExecActionValue(ExecAction(command=conversions.texts(command)))
        except UserError as error:
            raise UserError(f"exec_action: for parameter command: {error.message}") from error

    @function("http_get_action")
    def http_get_action(self, port: Whole, host: Text = "", scheme: Text = "", path: Text = "") -> HttpGetActionValue:
        """Ready when a URL answers."""
        action = HttpGetAction(port=port, host=host or "localhost", scheme=scheme.lower() or "http", path=path)
        said = HttpGetAction(port=port, host=host, scheme=scheme, path=path)
        return HttpGetActionValue(action, said, {"host": host, "port": port, "scheme": scheme, "path": path})

    @function("tcp_socket_action")
    def tcp_socket_action(self, port: Whole, host: Text = "") -> TcpSocketActionValue:
        """Ready when a port takes connections."""
        action = TcpSocketAction(port=port, host=host or "localhost")
        said = TcpSocketAction(port=port, host=host)
        return TcpSocketActionValue(action, said, {"host": host, "port": port})

    @function("probe")
    def probe(
        self,
        initial_delay_secs: Whole = 0,
        timeout_secs: Whole = 0,
        period_secs: Whole = 0,
        success_threshold: Whole = 0,
        failure_threshold: Whole = 0,
        exec: object = None,  # noqa: A002 - the Tiltfile's signature
        http_get: object = None,
        tcp_socket: object = None,
    ) -> ProbeValue:
        """How to find out whether a server is ready."""
        actions = {"exec": exec, "http_get": http_get, "tcp_socket": tcp_socket}
        for parameter, kind in _ACTIONS.items():
            given = actions[parameter]
            if given is not None and not isinstance(given, kind):
                raise UserError(f'probe: for parameter "{parameter}": got {type_name(given)}, want {kind.type_name}')
        if sum(action is not None for action in actions.values()) != 1:
            raise UserError("exactly one of exec, http_get, or tcp_socket must be specified")
        said = Probe(
            exec=exec.action if isinstance(exec, ExecActionValue) else None,
            http_get=http_get.said if isinstance(http_get, HttpGetActionValue) else None,
            tcp_socket=tcp_socket.said if isinstance(tcp_socket, TcpSocketActionValue) else None,
            initial_delay_seconds=initial_delay_secs,
            timeout_seconds=timeout_secs,
            period_seconds=period_secs,
            success_threshold=success_threshold,
            failure_threshold=failure_threshold,
        )
        probe = replace(
            said,
            http_get=http_get.action if isinstance(http_get, HttpGetActionValue) else None,
            tcp_socket=tcp_socket.action if isinstance(tcp_socket, TcpSocketActionValue) else None,
            timeout_seconds=timeout_secs or Probe().timeout_seconds,
            period_seconds=period_secs or Probe().period_seconds,
            success_threshold=success_threshold or Probe().success_threshold,
            failure_threshold=failure_threshold or Probe().failure_threshold,
        )
        numbers = {
            "initial_delay_secs": initial_delay_secs,
            "timeout_secs": timeout_secs,
            "period_secs": period_secs,
            "success_threshold": success_threshold,
            "failure_threshold": failure_threshold,
        }
        return ProbeValue(probe, said, {**numbers, **actions})

    def _probe(self, value: object, name: str, serve: Command | None) -> Probe | None:
        if value is None:
            return None
        if not isinstance(value, ProbeValue):
            raise UserError(
                f'local_resource: for parameter "readiness_probe": got {type_name(value)}, want Probe',
                hint="make one with `probe(http_get=http_get_action(port=8000))`",
            )
        if serve is None:
            self._script.warn(f'Ignoring readiness probe for local resource "{name}" (no serve_cmd was defined)')
            return None
        recorder = self._script.recorder
        recorder.settings = replace(recorder.settings, probes=(*recorder.settings.probes, (name, value.said)))
        return value.probe


def _teardown(value: object, directory: str, env: Sequence[tuple[str, str]], command_dir: object) -> Command | None:
    made = conversions.command(value, directory, env, command_dir)
    if made is None and (command_dir is not None or env):
        raise UserError("local_resource: 'teardown_dir' or 'teardown_env' specified but 'teardown_cmd' is empty")
    return made


def _resource_deps(value: list[object] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        return conversions.dependencies(value)
    except UserError as error:
        raise UserError(f"local_resource: resource_deps: {error.message}") from error


def _check_commands(update: Command | None, serve: Command | None, *, has_dir: bool, has_serve_dir: bool) -> None:
    if has_dir and update is None:
        if serve is not None:
            raise UserError(
                "local_resource: 'dir' only affects 'cmd', not 'serve_cmd'. Did you mean to use 'serve_dir' instead?"
            )
        raise UserError("local_resource: 'dir' specified but 'cmd' is empty")
    if has_serve_dir and serve is None:
        raise UserError("local_resource: 'serve_dir' specified but 'serve_cmd' is empty")
    if update is None and serve is None:
        raise UserError("local_resource must have a cmd and/or a serve_cmd, but both were empty")
