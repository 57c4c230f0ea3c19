"""What a report of a problem should say: this machine, its container engine, the cluster, the programs."""

import asyncio
import platform
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from msgspec.structs import replace

from pytilt import TILT_VERSION, __date__, __version__
from pytilt.docker.engine import Engine
from pytilt.errors import PytiltError
from pytilt.host.processes import HostRunner, Runner
from pytilt.loop.failures import first_failure
from pytilt.model.base import Value
from pytilt.model.clusters import ClusterInfo
from pytilt.model.texts import shown
from pytilt.session.clusters import ClusterTarget, choose, connected
from pytilt.settings import Settings

SECONDS = 15.0
"""How long the engine or the cluster may take to answer."""

PROGRAMS = ("git", "docker", "kubectl", "helm", "kustomize")
"""Programs that Tiltfiles, extensions and commands start."""

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Finding(Value):
    """A name, and its value or what kept it from being found, with a hint on a line of its own."""

    name: str
    value: str = ""
    error: str = ""


class Section(Value):
    """Findings about one subject."""

    title: str
    findings: tuple[Finding, ...]


async def diagnose(settings: Settings, *, context: str | None = None) -> tuple[Section, ...]:
    """Ask this machine, its container engine and the cluster what they are; nothing is started or changed.

    Args:
        settings: the environment.
        context: instead of the current one.
    """
    async with HostRunner() as runner, Engine(settings) as engine:
        about_engine, about_cluster = await asyncio.gather(_engine(engine), _cluster(settings, runner, engine, context))
    return tuple(map(_shown, (_machine(), about_engine, about_cluster, _programs(settings))))


def _shown(section: Section) -> Section:
    findings = tuple(replace(each, value=shown(each.value), error=shown(each.error)) for each in section.findings)
    return replace(section, findings=findings)


def _machine() -> Section:
    system, machine = platform.system().lower(), platform.machine()
    return Section(
        title="",
        findings=(
            Finding(name="Tilt", value=f"v{TILT_VERSION}, built {__date__}, by pytilt v{__version__}"),
            Finding(name="System", value=f"{system}-{_ARCHITECTURES.get(machine, machine)}"),
            Finding(name="Python", value=platform.python_version()),
        ),
    )


async def _engine(engine: Engine) -> Section:
    async def ask() -> list[str]:
        api, about = await engine.api(), await engine.about()
        chosen = f"{api.address.url} (by {api.address.source})" if api.address.source else api.address.url
        builder = "BuildKit" if about.buildkit else "classic"
        return [chosen, f"{about.version} ({about.product})", about.platform, builder]

    return await _section("Container engine", ("Host", "Server Version", "Platform", "Builder"), ask)


async def _cluster(settings: Settings, runner: Runner, engine: Engine, context: str | None) -> Section:
    title = "Kubernetes"
    try:
        target = choose(settings, context=context, namespace=None)
    except PytiltError as problem:
        return Section(title=title, findings=(Finding(name="Context", error=str(problem)),))
    chosen = (
        Finding(name="Context", value=target.context),
        Finding(name="Cluster Name", value=target.connection.cluster if target.connection else "none"),
        Finding(name="Namespace", value=target.namespace),
    )

    said: list[str] = []

    async def ask() -> list[str]:
        info = await _info(target, settings, runner, engine, said.append)
        registry = info.registry.host if info.registry else "none"
        return [info.product, info.runtime or "unknown", info.version, registry]

    asked = await _section(title, ("Env", "Container Runtime", "Version", "Cluster Local Registry"), ask, said)
    return Section(title=title, findings=(*chosen, *asked.findings))


async def _info(
    target: ClusterTarget, settings: Settings, runner: Runner, engine: Engine, report: Callable[[str], None]
) -> ClusterInfo:
    async with AsyncExitStack() as opened:
        access = await opened.enter_async_context(connected(target, "", settings, runner, engine, report))
        return await access.cluster.info()


async def _section(
    title: str, names: Sequence[str], ask: Callable[[], Awaitable[Sequence[str]]], said: Sequence[str] = ()
) -> Section:
    """Findings with the answers, or the one reason why there are none, with what was said meanwhile."""
    try:
        async with asyncio.timeout(SECONDS):
            answers = await ask()
    except TimeoutError:
        error = "; ".join((f"no answer within {SECONDS:.0f} s", *said))
        return Section(title=title, findings=(Finding(name=names[0], error=error),))
    except (PytiltError, ExceptionGroup) as failure:
        problem = first_failure(failure) if isinstance(failure, ExceptionGroup) else failure
        if not isinstance(problem, PytiltError):
            raise
        return Section(title=title, findings=(Finding(name=names[0], error=str(problem)),))
    return Section(
        title=title,
        findings=tuple(Finding(name=name, value=answer) for name, answer in zip(names, answers, strict=True)),
    )


def _programs(settings: Settings) -> Section:
    found = ((name, shutil.which(name, path=settings.environ.get("PATH"))) for name in PROGRAMS)
    return Section(
        title="Programs", findings=tuple(Finding(name=name, value=place or "not found") for name, place in found)
    )
