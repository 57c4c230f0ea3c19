from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.errors import NodeUnreachableError, NotInPlaceError
from pytilt.host.state import StateDirectory
from pytilt.liveupdate.keeping import KeptFiles
from pytilt.liveupdate.shell import open_shell
from pytilt.loop.live_updates.inference import inferences
from pytilt.loop.live_updates.keeper import Keeper
from pytilt.loop.live_updates.receivers import Receivers
from pytilt.loop.live_updates.syncing import Syncing
from pytilt.loop.planning import freshness
from pytilt.loop.planning.freshness import InPlace, NotInPlace
from pytilt.loop.planning.schedule import Start
from pytilt.loop.updates.outcomes import Done
from pytilt.model.files import FileRule
from pytilt.model.images import DockerBuild, Image, ImageConfig, LiveUpdate, Sync
from pytilt.model.inference import Inference, InferenceMode
from pytilt.model.names import ImageName, ResourceName, SpanId
from pytilt.model.objects import FileWatch, FileWatchStatus, ImageMap, ImageMapStatus, Resource, Runtime, RuntimeState
from pytilt.model.pods import Container, ContainerState, Pod
from pytilt.model.resources import KubeObject
from pytilt.model.updates import DeployedImage, Outcome, Reason, Strategy
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.containers import FakeContainers
from tests.liveupdate.shells import Shells
from tests.loop.declaring import deployment, image, kubernetes, prepare, update
from tests.loop.live_updates.sync_trial import Doors
from tests.loop.waiting import logged, running

NGINX = ImageConfig(entrypoint=("/docker-entrypoint.sh",), command=("nginx", "-g", "daemon off;"))
SITE = "FROM nginx\nCOPY . /usr/share/nginx/html\n"


def web(contents: str = SITE, *bases: str, context: str = "/p/web", **fields: object) -> Image:
    build = DockerBuild(context=context, contents=contents)
    files = FileRule(paths=(context,))
    return image("web", *bases, build=build, files=files, **fields)  # type: ignore[arg-type]  # fields of an image


def pod(**container: object) -> KubeObject:
    found = deployment("web", "web")
    found["spec"]["template"]["spec"]["containers"][0].update(container)
    return found


def inferred(
    found: Image | None = None, *objects: KubeObject, config: ImageConfig = NGINX, below: tuple[Image, ...] = ()
) -> Inference | None:
    spec = kubernetes("web", *objects, images=(*below, found or web()))
    answers = inferences(Resource(name="web", spec=spec), {ImageName("web"): config})
    return answers[0] if answers else None


def test_a_page_behind_nginx_needs_no_rule() -> None:
    answer = inferred()
    assert answer is not None
    assert answer.rules is not None
    assert answer.rules.processes[0].argv == ("/docker-entrypoint.sh", "nginx", "-g", "daemon off;")
    assert answer.rules.roots == ("/p/web",)


@pytest.mark.parametrize(
    ("found", "objects", "config", "why"),
    [
        (web(), (pod(command=["sh", "-c", "cp -r /usr/share/nginx /x; nginx"]),), NGINX, "is not known to see"),
        (web(), (pod(args=["python", "app.py"]),), NGINX, "`/docker-entrypoint.sh python app.py` in container `main`"),
        (web(entrypoint=("./mine",)), (), NGINX, "`./mine"),
        (web(), (pod(securityContext={"readOnlyRootFilesystem": True}),), NGINX, "is read-only"),
        (web(), ({**deployment("web", "web"), "kind": "Job", "apiVersion": "batch/v1"},), NGINX, "is to run anew"),
        (web(match_in_env_vars=True), (), NGINX, "it is not known what runs image `web`"),
        (web(), (deployment("web", "other"),), NGINX, "it is not known what runs image `web`"),
        (web("FROM nginx\nCOPY . /\n"), (), NGINX, "is not known to see"),
        (web("FROM nginx\nCOPY --from=x /out/nginx /usr/sbin/\nCOPY . /app/\n"), (), NGINX, "is not known to see"),
        (web(), (), replace(NGINX, triggers=1), "the image `nginx` has `ONBUILD` instructions"),
    ],
)
def test_where_it_could_do_harm_it_is_said_why_not(
    found: Image, objects: tuple[KubeObject, ...], config: ImageConfig, why: str
) -> None:
    answer = inferred(found, *objects, config=config)
    assert answer is not None
    assert answer.rules is None
    assert why in answer.why


def test_an_init_container_runs_anew() -> None:
    found = deployment("web", "web")
    found["spec"]["template"]["spec"]["initContainers"] = [{"name": "first", "image": "web"}]
    answer = inferred(None, found)
    assert answer is not None
    assert answer.why == "the init container `first` runs image `web`, and is to run anew"


def test_what_the_tiltfile_says_goes_first() -> None:
    assert inferred(web(inference=InferenceMode.OFF)) is None
    assert inferred(web(inference=InferenceMode.BUILT)) is None
    assert inferred(web(live_update=LiveUpdate(syncs=(Sync(local="/p/web", remote="/x"),)))) is None
    trusted = inferred(web(inference=InferenceMode.INFER), pod(command=["python", "app.py"]))
    assert trusted is not None
    assert trusted.rules is not None
    assert trusted.rules.trusted


def test_an_image_below_with_rules_of_its_own_is_left_to_them() -> None:
    base = image("base", live=True, deployed=False)
    assert inferred(web("FROM base\nCOPY . /x\n", "base"), below=(base,)) is None


def test_volumes_and_users_of_the_pod_are_known() -> None:
    found = pod(volumeMounts=[{"name": "v", "mountPath": "/data"}], securityContext={"runAsUser": 7})
    answer = inferred(None, found, config=replace(NGINX, volumes=("/cache",)))
    assert answer is not None
    assert answer.rules is not None
    assert answer.rules.mounts == ("/cache", "/data")
    assert answer.rules.user == "7"


def test_what_was_seen_to_be_impossible_stays_known_until_the_definition_changes() -> None:
    spec = kubernetes("web", images=(web(),))
    resource = Resource(name="web", spec=spec, digest="1")
    seen = replace(
        resource.status, applied_digest="1", inferences=(Inference(image=ImageName("web"), blocked="no `tar`"),)
    )
    (same,) = inferences(replace(resource, status=seen), {ImageName("web"): NGINX})
    (changed,) = inferences(replace(resource, status=seen, digest="2"), {ImageName("web"): NGINX})
    assert (same.rules, same.why) == (None, "no `tar`")
    assert changed.rules is not None


class Trial:
    """`web`, deployed, in a container that is a directory of this machine."""

    def __init__(self, store: Store, logs: LogStore, root: Path, containers: FakeContainers) -> None:
        self.store, self.logs = store, logs
        self.local, self.remote = root / "src", root / "container"
        self.local.mkdir()
        self.remote.mkdir()
        text = f"FROM busybox\nWORKDIR {self.remote}\nCOPY a.json .\nRUN cat a.json\nCOPY . .\nCOPY b.txt ../file.txt\n"
        spec = web(text, context=str(self.local))
        prepare(store, kubernetes("web", pod(command=["busybox", "httpd", "-f"]), images=[spec]))
        self.image = ImageMap(name="web", spec=spec, status=ImageMapStatus(reference="web:1"))
        store.put(self.image)
        resource = self.resource
        status = replace(
            resource.status,
            history=(update(),),
            applied_images=(DeployedImage(name=spec.name, reference="web:1"),),
            inferences=inferences(resource, {spec.name: ImageConfig()}),
        )
        store.put(replace(resource, status=status))
        container = Container(name="web", image="web:1", id="c", state=ContainerState.RUNNING)
        found = Pod(name="web-1", namespace="default", uid="u", created_at="", containers=(container,))
        store.put(Runtime(name="web", status=RuntimeState(pods=(found,))))
        self.receivers = Receivers(store, lambda ref, _: open_shell(containers, ref))
        self.syncing = Syncing(
            store, self.receivers, Keeper(KeptFiles(StateDirectory(root / "kept"))), gone_seconds=0.05
        )

    @property
    def resource(self) -> Resource:
        found = self.store.get(Resource, "web")
        assert found
        return found

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.local / name).write_text(text)
        changes = {str(self.local / name): 1 for name in files}
        self.store.put(FileWatch(name="image:web", status=FileWatchStatus(changes=changes, latest=1)))

    def in_place(self) -> object:
        return freshness.in_place(self.store.snapshot(), self.resource)

    async def update(self) -> Done:
        changed = tuple(str(path) for path in sorted(self.local.iterdir()))
        start = Start(
            resource=ResourceName("web"),
            reason=Reason.CHANGED_FILES,
            strategy=Strategy.LIVE,
            sequence=1,
            changed_files=changed,
        )
        async with running(self.receivers.run()):
            return await self.syncing.update(self.resource, start, self.logs.span(start.resource, SpanId("build:1")))


async def test_a_file_that_is_only_copied_is_synced_and_the_rule_is_logged(
    store: Store, logs: LogStore, tmp_path: Path
) -> None:
    trial = Trial(store, logs, tmp_path, Shells())
    trial.write({"index.html": "new"})
    assert isinstance(trial.in_place(), InPlace)
    await trial.update()
    assert (trial.remote / "index.html").read_text() == "new"
    text = logged(logs)
    assert "nothing reads what `COPY . .` (line 5) brings; `httpd` sees the change" in text
    local, remote = f"..{trial.local}", trial.remote
    assert f"live_update=[fall_back_on(['{local}/a.json']), sync('{local}', '{remote}')])" in text


async def test_a_program_that_does_not_see_the_change_is_to_be_started_again(
    store: Store, logs: LogStore, tmp_path: Path
) -> None:
    trial = Trial(store, logs, tmp_path, Shells())
    resource = trial.resource
    (known,) = resource.status.inferences
    assert known.rules is not None
    rules = replace(known.rules, trusted=True, supervised=True)
    inferred = (replace(known, rules=rules),)
    store.put(replace(resource, status=replace(resource.status, inferences=inferred)))
    trial.write({"data.yaml": "new"})
    done = await trial.update()
    assert done.outcome is Outcome.FELL_BACK
    assert "cannot be started again" in done.error


async def test_a_file_that_a_command_reads_is_built(store: Store, logs: LogStore, tmp_path: Path) -> None:
    trial = Trial(store, logs, tmp_path, Shells())
    trial.write({"a.json": "{}"})
    answer = trial.in_place()
    assert isinstance(answer, NotInPlace)
    assert answer.why == "`RUN cat a.json` (line 4) may read `a.json`, which `COPY a.json .` (line 3) brings"


async def test_a_directory_where_a_file_was_expected_is_left_alone(
    store: Store, logs: LogStore, tmp_path: Path
) -> None:
    trial = Trial(store, logs, tmp_path, Shells())
    (tmp_path / "file.txt").mkdir()
    trial.write({"b.txt": "new"})
    with pytest.raises(NotInPlaceError, match="is a directory in the container"):
        await trial.update()
    assert (tmp_path / "file.txt").is_dir()
    assert not (trial.remote / "b.txt").exists()


async def test_a_container_without_tools_is_tried_once(store: Store, logs: LogStore, tmp_path: Path) -> None:
    trial = Trial(store, logs, tmp_path, Shells(path="/nowhere"))
    trial.write({"index.html": "new"})
    done = await trial.update()
    assert done.outcome is Outcome.FELL_BACK
    (seen,) = done.status["inferences"]
    assert seen.rules is None
    assert "cannot be updated in place" in seen.blocked


async def test_a_node_that_does_not_answer_says_nothing_about_the_image(
    store: Store, logs: LogStore, tmp_path: Path
) -> None:
    containers = Doors()
    trial = Trial(store, logs, tmp_path, containers)
    containers.fail("web-1", NodeUnreachableError("the node of pod `web-1` does not answer: i/o timeout"))
    trial.write({"index.html": "new"})
    with pytest.raises(NodeUnreachableError):
        await trial.update()
    assert isinstance(trial.in_place(), InPlace)
