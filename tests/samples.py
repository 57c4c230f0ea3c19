"""A sample session as objects and log lines: a shop of a few services, and ways to change how they are doing.

For everything that draws sessions: tests of displays, and the pictures in the docs.
"""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pytilt.model import resources
from pytilt.model.clusters import ClusterInfo
from pytilt.model.commands import Command
from pytilt.model.images import DockerBuild, Image
from pytilt.model.lines import Line
from pytilt.model.logs import Level
from pytilt.model.names import TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    ClusterState,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Session,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import Declaration, KubernetesDeploy, Link, LocalDeploy, TriggerMode
from pytilt.model.status import RuntimeStatus
from pytilt.model.stored import Object
from pytilt.model.times import precise
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, Strategy, Update

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""When the sample is looked at."""

ROOT = "/home/ada/shop"


def ago(seconds: float) -> str:
    """RFC 3339: so many seconds before noon."""
    return precise(NOON - timedelta(seconds=seconds))


def update(
    number: int,
    *,
    seconds: float,
    ended: float,
    strategy: Strategy = Strategy.FULL,
    reason: Reason = Reason.CHANGED_FILES,
    files: tuple[str, ...] = (),
    error: str = "",
    warnings: tuple[str, ...] = (),
) -> Update:
    """An update that ended so many seconds before noon."""
    return Update(
        id=number,
        span=SpanId(f"build:{number}"),
        reason=reason,
        strategy=strategy,
        changed_files=tuple(f"{ROOT}/{each}" for each in files),
        started_at=ago(ended + seconds),
        finished_at=ago(ended),
        outcome=Outcome.FAILED if error else Outcome.OK,
        error=error,
        warnings=warnings,
        seconds=seconds,
    )


def running(number: int, *, seconds: float, strategy: Strategy = Strategy.FULL, files: tuple[str, ...] = ()) -> Update:
    """An update that began so many seconds before noon and still runs."""
    return Update(
        id=number,
        span=SpanId(f"build:{number}"),
        reason=Reason.CHANGED_FILES if files else Reason.INITIAL_BUILD,
        strategy=strategy,
        changed_files=tuple(f"{ROOT}/{each}" for each in files),
        started_at=ago(seconds),
    )


def service(
    name: str,
    order: int,
    *,
    labels: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    mode: TriggerMode = TriggerMode.AUTO,
    history: tuple[Update, ...] = (),
    current: tuple[Update, ...] = (),
    hold: Hold | None = None,
    enabled: bool = True,
) -> Resource:
    """A resource in the cluster with an image of its own."""
    image = Image(name=ImageName(f"shop/{name}"), build=DockerBuild(context=f"{ROOT}/{name}"))
    return Resource(
        name=name,
        order=order,
        enabled=enabled,
        created_at=ago(600),
        spec=resources.ResourceSpec(
            name=ResourceName(name),
            deploy=KubernetesDeploy(objects=(), images=(image.name,)),
            images=(image,),
            labels=labels,
            resource_deps=tuple(map(ResourceName, needs)),
            trigger_mode=mode,
        ),
        status=ResourceStatus(
            history=history,
            current=current,
            hold=hold,
            due=Reason.INITIAL_BUILD if hold else Reason.NONE,
            deployed_at=next((each.finished_at for each in history if each.outcome is Outcome.OK), ""),
        ),
    )


def local(
    name: str,
    order: int,
    *,
    serves: bool = False,
    labels: tuple[str, ...] = (),
    history: tuple[Update, ...] = (),
    mode: TriggerMode = TriggerMode.AUTO,
) -> Resource:
    """A resource on this machine."""
    command = Command(argv=("sh", "-c", f"sh {name}.sh"), dir=ROOT)
    return Resource(
        name=name,
        order=order,
        created_at=ago(600),
        spec=resources.ResourceSpec(
            name=ResourceName(name),
            deploy=LocalDeploy(update=None if serves else command, serve=command if serves else None),
            labels=labels,
            trigger_mode=mode,
        ),
        status=ResourceStatus(history=history),
    )


def pod(
    name: str,
    *,
    age: float,
    image: str = "",
    state: ContainerState = ContainerState.RUNNING,
    reason: str = "",
    message: str = "",
    restarts: int = 0,
) -> Pod:
    """A pod with one container."""
    well = state is ContainerState.RUNNING
    container = Container(
        name=name.split("-", maxsplit=1)[0],
        image=image or f"localhost:5001/shop/{name.split('-', maxsplit=1)[0]}:tilt-6f2a41c09be7d318",
        id=f"{name}-1",
        state=state,
        reason=reason,
        message=message,
        ready=well,
        restarts=restarts,
    )
    return Pod(
        name=name,
        namespace="default",
        uid=name,
        created_at=ago(age),
        phase="Running",
        status=reason or "Running",
        containers=(container,),
    )


def runtime(
    name: str,
    status: RuntimeStatus = RuntimeStatus.OK,
    *,
    pods: tuple[Pod, ...] = (),
    endpoints: tuple[Link, ...] = (),
    reason: str = "",
    pid: int = 0,
) -> Runtime:
    """How a resource is doing."""
    return Runtime(
        name=name,
        status=RuntimeState(status=status, pods=pods, endpoints=endpoints, reason=reason, pid=pid, since=ago(60)),
    )


def frame(*, error: str = "", warnings: tuple[str, ...] = ()) -> tuple[Object, ...]:
    """Session, cluster and Tiltfile."""
    evaluated = update(
        1, seconds=0.041, ended=180, strategy=Strategy.EVALUATE, reason=Reason.INITIAL_BUILD, error=error
    )
    return (
        Session(name="Tiltfile", tiltfile_path=f"{ROOT}/Tiltfile", created_at=ago(600)),
        Tiltfile(
            name=TILTFILE,
            path=f"{ROOT}/Tiltfile",
            created_at=ago(600),
            status=TiltfileStatus(history=(evaluated,), declaration=Declaration(warnings=warnings)),
        ),
        ClusterState(
            name="default",
            info=ClusterInfo(context="kind-dev", namespace="default", product="kind"),
            connected_at=ago(600),
        ),
    )


def shop() -> tuple[Object, ...]:
    """The shop while all is well."""
    first = Reason.INITIAL_BUILD
    live = Strategy.LIVE
    return (
        *frame(),
        service("db", 1, labels=("backend",), history=(update(2, seconds=4.2, ended=170, reason=first),)),
        service(
            "catalog",
            2,
            labels=("backend",),
            needs=("db",),
            history=(
                update(12, seconds=1.9, ended=48, files=("catalog/fruit.txt",)),
                update(9, seconds=2.4, ended=90, files=("catalog/serve.sh", "catalog/fruit.txt")),
                update(3, seconds=6.1, ended=160, reason=first),
            ),
        ),
        service(
            "cart",
            3,
            labels=("backend",),
            needs=("catalog",),
            history=(update(4, seconds=5.7, ended=150, reason=first),),
        ),
        service(
            "web",
            4,
            labels=("frontend",),
            needs=("catalog", "cart"),
            history=(
                update(15, seconds=0.008, ended=3, strategy=live, files=("web/style.css",)),
                update(14, seconds=0.009, ended=9, strategy=live, files=("web/style.css",)),
                update(13, seconds=0.011, ended=21, strategy=live, files=("web/index.html", "web/style.css")),
                update(8, seconds=2.1, ended=101, files=("web/Dockerfile",)),
                update(5, seconds=7.3, ended=140, reason=first),
            ),
        ),
        local(
            "lint",
            5,
            labels=("checks",),
            history=(
                update(11, seconds=0.31, ended=47, strategy=Strategy.COMMAND, files=("catalog/fruit.txt",)),
                update(6, seconds=0.28, ended=160, strategy=Strategy.COMMAND, reason=first),
            ),
        ),
        local(
            "docs",
            6,
            serves=True,
            labels=("checks",),
            mode=TriggerMode.MANUAL,
            history=(update(7, seconds=0.002, ended=160, strategy=Strategy.COMMAND, reason=first),),
        ),
        *_running(),
    )


def _running() -> tuple[Object, ...]:
    return (
        runtime("db", pods=(pod("db-0", age=168, image="postgres:16"),)),
        runtime("catalog", pods=(pod("catalog-6d4f9c7b8-2xk4q", age=47),)),
        runtime("cart", pods=(pod("cart-5b87dd59f-9hjwz", age=149),)),
        runtime(
            "web",
            pods=(pod("web-7c9d4f55bd-tq8zn", age=100),),
            endpoints=(Link(url="http://localhost:8200/"), Link(url="http://localhost:8200/style.css", name="style")),
        ),
        runtime("lint", RuntimeStatus.NOT_APPLICABLE),
        runtime("docs", pid=4211, endpoints=(Link(url="http://localhost:8300/"),)),
    )


def changed(objects: tuple[Object, ...], *others: Object) -> tuple[Object, ...]:
    """Objects with some of them replaced by others of the same kind and name, or added."""
    found = {(type(each), each.name): each for each in objects}
    found.update({(type(each), each.name): each for each in others})
    return tuple(found.values())


def crashing() -> tuple[Object, ...]:
    """The shop with a catalog that crashes after a change."""
    files = ("catalog/serve.sh",)
    broken = service(
        "catalog",
        2,
        labels=("backend",),
        needs=("db",),
        history=(
            update(16, seconds=1.8, ended=12, files=files),
            update(12, seconds=1.9, ended=48, files=("catalog/fruit.txt",)),
            update(3, seconds=6.1, ended=160, reason=Reason.INITIAL_BUILD),
        ),
    )
    crashed = pod(
        "catalog-79f5bd4c66-lw9vd",
        age=11,
        state=ContainerState.WAITING,
        reason="CrashLoopBackOff",
        message="back-off 10s restarting failed container catalog",
        restarts=2,
    )
    return changed(shop(), broken, runtime("catalog", RuntimeStatus.ERROR, pods=(crashed,), reason="CrashLoopBackOff"))


def building() -> tuple[Object, ...]:
    """The shop at its start: one image builds, one build failed, others wait."""
    first = Reason.INITIAL_BUILD
    wait = Hold(reason=HoldReason.WAITING_FOR_DEP, on=(ResourceName("db"),))
    error = (
        "building image `shop/cart` failed\n"
        "Dockerfile:4: RUN pip install -r requirements.txt\n"
        "ERROR: No matching distribution found for flaskk==3.0"
    )
    return changed(
        shop(),
        service("db", 1, labels=("backend",), current=(running(2, seconds=3.4),)),
        service("catalog", 2, labels=("backend",), needs=("db",), hold=wait),
        service(
            "cart",
            3,
            labels=("backend",),
            history=(replace(update(4, seconds=2.7, ended=8, reason=first, error=error), warnings=("cache is cold",)),),
        ),
        service("web", 4, labels=("frontend",), needs=("catalog", "cart"), hold=wait, mode=TriggerMode.AUTO),
        runtime("db", RuntimeStatus.PENDING),
        runtime("catalog", RuntimeStatus.PENDING),
        runtime("cart", RuntimeStatus.PENDING),
        runtime("web", RuntimeStatus.PENDING),
    )


def line(
    number: int,
    resource: str,
    text: str,
    *,
    level: Level = Level.INFO,
    build: bool = False,
    start: bool = False,
    seconds: float | None = None,
) -> Line:
    """A line of the log."""
    return Line(
        number=number,
        time=ago(200 - number if seconds is None else seconds),
        resource=ResourceName(resource),
        span=SpanId(f"{'build' if build else 'pod'}:{resource}"),
        text=text,
        level=level,
        build=build,
        start=start,
    )


def log() -> list[Line]:
    """The log of the shop, with its crash."""
    said: list[tuple[str, str, Level, bool]] = [
        ("web", "1 File Changed: [web/style.css]", Level.INFO, True),
        ("web", "Will copy 1 file(s) to container: [web]", Level.INFO, True),
        ("web", "live update: 1 file in 8 ms", Level.INFO, True),
        ("web", '127.0.0.1 - - "GET /style.css HTTP/1.1" 200 -', Level.INFO, False),
        ("cart", '{"level":"info","msg":"basket stored","items":3,"customer":"ada"}', Level.INFO, False),
        ("web", "shop is open at http://localhost:8200/ for you", Level.INFO, False),
        ("cart", '{"level":"warn","msg":"slow query","ms":412}', Level.INFO, False),
        ("catalog", "1 File Changed: [catalog/serve.sh]", Level.INFO, True),
        ("catalog", "STEP 1/3 — Building Dockerfile: [shop/catalog]", Level.INFO, True),
        ("catalog", "STEP 2/3 — Pushing localhost:5001/shop/catalog:tilt-6f2a41c09be7d318", Level.INFO, True),
        ("catalog", "STEP 3/3 — Deploying", Level.INFO, True),
        ("catalog", "Traceback (most recent call last):", Level.INFO, False),
        ("catalog", '  File "/srv/serve.py", line 12, in <module>', Level.INFO, False),
        ("catalog", '    fruit = load("frut.txt")', Level.INFO, False),
        ("catalog", "FileNotFoundError: [Errno 2] No such file or directory: 'frut.txt'", Level.ERROR, False),
        ("", "cluster answers again", Level.INFO, False),
    ]
    return [
        line(number, name, text, level=level, build=build, start="Changed:" in text, seconds=30 - number)
        for number, (name, text, level, build) in enumerate(said)
    ]


def many(count: int, *, every: int = 50) -> tuple[Object, ...]:
    """A session of so many services, all well but every fiftieth, or as often as is said."""
    found: list[Object] = list(frame())
    for number in range(1, count + 1):
        name = f"service-{number:03}"
        first = update(number, seconds=1 + number % 9, ended=60 + number, reason=Reason.INITIAL_BUILD)
        broken = number % every == 0
        found.append(service(name, number, labels=(f"team-{number % 8}",), history=(first,)))
        pods = (pod(f"{name}-6d4f9c7b8-2xk4q", age=60),)
        status = RuntimeStatus.ERROR if broken else RuntimeStatus.OK
        links = (Link(url=f"http://localhost:{9000 + number}/"),)
        found.append(runtime(name, status, pods=pods, endpoints=links, reason="CrashLoopBackOff" if broken else ""))
    return tuple(found)
