"""Everything that a Tiltfile finds when it starts: functions, modules, constants."""

from collections.abc import Mapping

from pytilt.dialect import ModuleValue
from pytilt.tiltfile.arguments.values import Mode, TriggerModeValue
from pytilt.tiltfile.extensions import Extensions
from pytilt.tiltfile.running.functions import functions_of
from pytilt.tiltfile.running.request import EvaluationRequest, Host, LocalResult
from pytilt.tiltfile.running.script import Script
from pytilt.tiltfile.topics.api import ApiBuiltins
from pytilt.tiltfile.topics.charts import ChartBuiltins
from pytilt.tiltfile.topics.compose import ComposeBuiltins
from pytilt.tiltfile.topics.config import ConfigBuiltins
from pytilt.tiltfile.topics.control import ControlBuiltins, Load
from pytilt.tiltfile.topics.custom_deploys import CustomDeployBuiltins
from pytilt.tiltfile.topics.data import DataBuiltins
from pytilt.tiltfile.topics.docker import DockerBuiltins
from pytilt.tiltfile.topics.files import FilesBuiltins
from pytilt.tiltfile.topics.kubernetes import KubernetesBuiltins
from pytilt.tiltfile.topics.live_update import LiveUpdateBuiltins
from pytilt.tiltfile.topics.local import LocalBuiltins
from pytilt.tiltfile.topics.operating_system import OsBuiltins
from pytilt.tiltfile.topics.settings import SettingsBuiltins


def universe(script: Script, load: Load, extensions: Extensions) -> Mapping[str, object]:
    """The names that every file of an evaluation finds.

    Args:
        script: what the functions work on.
        load: runs another file.
        extensions: what the evaluation registers of them.
    """
    system, settings = OsBuiltins(script), ConfigBuiltins(script)
    topics = (
        DockerBuiltins(script),
        KubernetesBuiltins(script),
        ComposeBuiltins(script),
        CustomDeployBuiltins(script),
        LiveUpdateBuiltins(script),
        LocalBuiltins(script),
        FilesBuiltins(script),
        DataBuiltins(script),
        ChartBuiltins(script),
        SettingsBuiltins(script),
        ControlBuiltins(script, load),
        extensions,
        system,
        settings,
    )
    names: dict[str, object] = {mode.value: TriggerModeValue(mode) for mode in Mode}
    names |= {**system.values(), **settings.values(), **ApiBuiltins(script).functions()}
    calls = script.recorder.calls if script.request.times_calls else None
    problems = script.problems if script.request.all_errors else None
    for topic in topics:
        names |= functions_of(topic, lambda: script.directory, calls, problems)
    return in_modules(names)


def known_names() -> Mapping[str, object]:
    """The same for those who only want to know what there is."""
    host = Host(log=lambda *_, **__: None, run_local=lambda *_: LocalResult(exit_status=1))
    script = Script(EvaluationRequest(path="/Tiltfile"), host)
    return universe(script, lambda _: {}, Extensions(script))


def in_modules(names: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Names with dots put into modules.

    Args:
        names: for example `print` and `os.path.join`.
        prefix: the module around all of them, with a dot.
    """
    result = {name: value for name, value in names.items() if "." not in name}
    inner: dict[str, dict[str, object]] = {}
    for name, value in names.items():
        module, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(module, {})[rest] = value
    return {
        **result,
        **{
            module: _Module(f"{prefix}{module}", in_modules(members, f"{prefix}{module}."))
            for module, members in inner.items()
        },
    }


class _Module(ModuleValue):
    """A module of Tilt's; its name has dots where it is inside another."""

    def __str__(self) -> str:
        return f"[module: {self.name}]"
