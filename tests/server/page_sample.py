"""A session in which every view of the page has something to show: for its pictures, and for tests of how it looks."""

from pathlib import Path

from msgspec.structs import replace

from pytilt.model.api.buttons import (
    UIBoolInputSpec,
    UIButton,
    UIButtonSpec,
    UIChoiceInputSpec,
    UIComponentLocation,
    UIInputSpec,
    UITextInputSpec,
)
from pytilt.model.cluster_events import ClusterEvent, ResourceEvents
from pytilt.model.files import FileRule, Ignore
from pytilt.model.images import DockerBuild, Image, LiveUpdate, Run, Sync
from pytilt.model.logs import Level
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import Resource, ResourceStatus, Runtime, Tiltfile
from pytilt.model.pods import Condition
from pytilt.model.resources import KubernetesDeploy, Link, PortForwardSpec, TriggerMode
from pytilt.model.stored import Object
from pytilt.model.updates import Hold, HoldReason, Outcome, Reason, StepName, Strategy, Update, UpdateStep
from pytilt.store.objects import Clock, utc_now
from tests import samples
from tests.server.sessions import Served

LONG = "payments-reconciliation-worker"
FALL_BACK = "web/package.json changed, which the live update does not bring into the container"
EVENTS = (
    ("Normal", "Pulled", "Container image was already present on the node", 1),
    ("Normal", "Started", "Container started", 3),
    ("Warning", "BackOff", "Back-off restarting failed container catalog in pod catalog-79f5bd4c66-lw9vd_default", 7),
)
SAID = (
    ("listening on :8080\n", Level.INFO),
    ('{"level": "info", "msg": "request served", "path": "/catalog", "ms": 12, "user": {"id": 7}}\n', Level.INFO),
    ("\x1b[33mwarn\x1b[0m the database answers slowly, see https://example.com/slow\n", Level.WARN),
    ("".join(f"\x1b[{code}mcolour {code}\x1b[0m " for code in (*range(30, 38), *range(90, 98))) + "\n", Level.INFO),
    ("\x1b[2mdim\x1b[0m \x1b[1mbold\x1b[0m \x1b[37;41mon red\x1b[0m \x1b[30;42mon green\x1b[0m\n", Level.INFO),
    ('{"level": "error", "msg": "cannot read the prices", "currency": "coins"}\n', Level.INFO),
    ("panic: no such currency: coins\n", Level.ERROR),
)


def full_session(folder: Path, clock: Clock = utc_now) -> Served:
    """The shop with a catalog that crashes, and one resource of every other kind beside it.

    Args:
        folder: takes the log.
        clock: returns the time of its lines.
    """
    served = Served(folder, token=None, clock=clock)
    for each in samples.changed(samples.crashing(), *_others()):
        served.store.put(each)
    served.store.change(Resource, "web", _whole)
    served.store.change(Resource, "catalog", lambda each: replace(each, status=_timed(each)))
    served.store.change(Runtime, "catalog", _conditions)
    served.store.change(Tiltfile, "(Tiltfile)", lambda each: replace(each, args=("web", "--debug")))
    _log(served)
    return served


def _others() -> tuple[Object, ...]:
    waits = Hold(reason=HoldReason.WAITING_FOR_DEP, on=tuple(map(ResourceName, ("catalog", "cart", "db", "web"))))
    error = (
        "building image `shop/payments` failed\nDockerfile:4: RUN pip install -r requirements.txt\n"
        "ERROR: No matching distribution found for flaskk==3.0"
    )
    failed = samples.update(20, seconds=2.7, ended=30, reason=Reason.WEB_TRIGGER, error=error)
    broken = samples.service(LONG, 7, labels=("backend/jobs",), history=(failed,))
    manual = samples.service("reports", 8, labels=("backend/jobs",), mode=TriggerMode.MANUAL)
    return (
        broken,
        replace(manual, status=replace(manual.status, pending_manual=True)),
        samples.service("shipping", 9, labels=("backend",), hold=waits, needs=("catalog", "cart")),
        samples.service("search", 10, labels=("frontend",), enabled=False),
        samples.service("mail", 11, labels=("backend",), current=(samples.running(21, seconds=3.4),)),
        *samples.frame(warnings=("Tiltfile:12:1: `docker_build` of `shop/old` is used by no resource",)),
        _button("seed", "Seed the database", inputs=True),
        _button("flush", "Flush caches"),
        ResourceEvents(
            name="catalog",
            events=tuple(
                ClusterEvent(
                    uid=reason,
                    type=kind,
                    reason=reason,
                    message=message,
                    count=count,
                    object="pod/catalog-79f5bd4c66-lw9vd",
                    last_seen=samples.ago(9),
                )
                for kind, reason, message, count in EVENTS
            ),
        ),
    )


def _button(name: str, text: str, *, inputs: bool = False) -> UIButton:
    place = UIComponentLocation(component_id="catalog", component_type="resource")
    asked = (
        UIInputSpec(name="rows", label="Rows", text=UITextInputSpec(default_value="100", placeholder="how many")),
        UIInputSpec(name="clean", label="Empty it first", bool=UIBoolInputSpec(default_value=True)),
        UIInputSpec(name="kind", label="Kind", choice=UIChoiceInputSpec(choices=("fruit", "vegetables"))),
    )
    spec = UIButtonSpec(text=text, location=place, requires_confirmation=True, inputs=asked if inputs else ())
    return UIButton(name=name, spec=spec)


def _whole(web: Resource) -> Resource:
    """A definition with everything that there may be in one."""
    root = f"{samples.ROOT}/web"
    rules = LiveUpdate(
        fall_back_on=(f"{root}/package.json",),
        syncs=(Sync(local=f"{root}/site", remote="/site"),),
        runs=(Run(argv=("sh", "-c", "kill -HUP 1"), triggers=(Ignore(base=root, patterns=("*.conf",)),)),),
        restart=True,
    )
    image = Image(
        name=ImageName("shop/web"),
        build=DockerBuild(context=root, dockerfile=f"{root}/Dockerfile", build_args=(("VERSION", "3"),)),
        files=FileRule(paths=(root,), ignores=(Ignore(base=root, patterns=("node_modules", "*.md")),)),
        live_update=rules,
    )
    forward = PortForwardSpec(local_port=8200, container_port=80)
    deploy = KubernetesDeploy(objects=(), images=(image.name,), port_forwards=(forward,))
    links = (Link(url="https://wiki.example.com/web", name="wiki"),)
    spec = replace(web.spec, images=(image,), deploy=deploy, links=links)
    before, after = _manifest("a1b2"), _manifest("c3d4")
    return replace(web, spec=spec, status=replace(_timed(web), manifest=(after,), manifest_before=(before,)))


def _manifest(tag: str) -> dict[str, object]:
    container = {"name": "web", "image": f"localhost:5001/shop/web:tilt-{tag}", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    selector = {"matchLabels": {"app": "web"}}
    spec = {"replicas": 1, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def _timed(resource: Resource) -> ResourceStatus:
    """Its history with the steps of each update, and one that fell back."""
    status = resource.status
    history = [replace(each, steps=_steps(each)) for each in status.history]
    if len(history) > 1:
        history[1] = replace(history[1], note=FALL_BACK, outcome=Outcome.FELL_BACK)
    return replace(status, history=tuple(history))


def _steps(update: Update) -> tuple[UpdateStep, ...]:
    live = (StepName.PLAN, StepName.SEND, StepName.ACKNOWLEDGE)
    names = live if update.strategy is Strategy.LIVE else (StepName.WAIT, StepName.BUILD, StepName.APPLY, StepName.POD)
    share, begin, found = update.seconds / len(names), 0.0, list[UpdateStep]()
    for place, name in enumerate(names):
        took = share * (0.4 + place % 2)
        subject = "shop/web" if name is StepName.BUILD else ""
        found.append(UpdateStep(name=name, subject=subject, begin=begin, seconds=took))
        begin += took
    return tuple(found)


def _conditions(runtime: Runtime) -> Runtime:
    ready = Condition(type="Ready", status="False", reason="ContainersNotReady", message="containers are not ready")
    pods = tuple(
        replace(pod, ip="10.1.2.3", conditions=(Condition(type="PodScheduled", status="True"), ready))
        for pod in runtime.status.pods
    )
    return replace(runtime, status=replace(runtime.status, pods=pods))


def _log(served: Served) -> None:
    updates = served.logs.span(ResourceName("catalog"), SpanId("build:16"), build=True)
    updates.header("1 File Changed: [catalog/serve.sh]")
    updates("STEP 1/2 - Building Dockerfile: [shop/catalog]\nSTEP 2/2 - Deploying\n")
    span = served.logs.span(ResourceName("catalog"), SpanId("pod:catalog"))
    for text, level in SAID:
        span(text, level=level)
    web = served.logs.span(ResourceName("web"), SpanId("pod:web"))
    web('127.0.0.1 - - "GET /style.css HTTP/1.1" 200 -\n')
