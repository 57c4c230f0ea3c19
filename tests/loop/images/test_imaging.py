import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from pytilt.errors import BuildError
from pytilt.images.contract import BuildRequest
from pytilt.loop.images.imaging import Imaging, delivery_for, registry_for, step_count
from pytilt.loop.planning import freshness
from pytilt.loop.updates.narration import UpdateSteps
from pytilt.model.clusters import ClusterInfo
from pytilt.model.images import (
    BuiltImage,
    CustomBuild,
    Delivery,
    DockerBuild,
    FastBuild,
    HelperMode,
    Image,
    ImageConfig,
    LiveUpdate,
    Registry,
    Sync,
)
from pytilt.model.logs import Log
from pytilt.model.names import TILTFILE, ImageName, ResourceName
from pytilt.model.objects import FileWatch, FileWatchStatus, ImageMap, Resource, Tiltfile
from pytilt.model.resources import Declaration
from pytilt.store.logs import LogStore
from pytilt.store.objects import Store
from pytilt.testing.images import FakeBuilder, FakePublisher
from tests.idle import eventually
from tests.loop.declaring import INFO, command, custom, image, kubernetes, prepare
from tests.loop.waiting import logged, running

REGISTRY = Registry(host="localhost:5001")


class Numbering(FakeBuilder):
    """Every build gives another image, as a changed context does."""

    def __init__(self) -> None:
        super().__init__(self._built)
        self.config: ImageConfig | None = None

    def _built(self, request: BuildRequest) -> BuiltImage:
        number, name = len(self.requests), request.image.name
        return BuiltImage(name=name, id=f"sha256:{number}", reference=f"{name}:tilt-{number}", config=self.config)


class Trial:
    """Images of resources of a session."""

    def __init__(self, store: Store, logs: LogStore, builder: FakeBuilder | None = None) -> None:
        self.store = store
        self.logs = logs
        self.builder = builder or Numbering()
        self.publisher = FakePublisher()
        self.imaging = Imaging(store, self.builder, self.publisher)

    async def ensure(
        self, name: str, *, sequence: int = 0, force: bool = False, info: ClusterInfo = INFO
    ) -> Mapping[str, str]:
        resource = self.store.get(Resource, name)
        assert resource
        log = self.logs.span(resource.spec.name, resource.spec.name)  # type: ignore[arg-type]  # the name will do
        steps = UpdateSteps(log, step_count(resource.spec.images, force=force))
        made = await self.imaging.ensure(resource, info, steps, sequence=sequence, force=force)
        return {each.name: each.reference for each in made}

    def change(self, name: str, sequence: int, path: str = "") -> None:
        status = FileWatchStatus(changes={path or f"/p/{name}/x": sequence}, latest=sequence)
        self.store.put(FileWatch(name=freshness.image_watch(ImageName(name)), status=status))

    @property
    def built(self) -> Sequence[str]:
        return [request.image.name for request in self.builder.requests]

    @property
    def published(self) -> Sequence[str]:
        return [each.image.reference for each in self.publisher.published]


@pytest.fixture
def trial(store: Store, logs: LogStore) -> Trial:
    return Trial(store, logs)


def shop(trial: Trial) -> tuple[Image, Image]:
    """`web` and `cart` with an image each, both upon `base`."""
    base = image("base", deployed=False)
    prepare(
        trial.store,
        kubernetes("web", images=[base, image("web-image", "base")]),
        kubernetes("cart", images=[base, image("cart-image", "base")]),
    )
    return base, image("web-image", "base")


async def test_an_image_is_built_and_pushed_once_and_then_fresh(trial: Trial, logs: LogStore):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    assert await trial.ensure("web") == {"web-image": "web-image:tilt-1"}
    assert await trial.ensure("web") == {"web-image": "web-image:tilt-1"}
    assert (trial.built, trial.published) == (["web-image"], ["web-image:tilt-1"])
    assert "STEP 1/3 — Building Dockerfile: [web-image]\n     Building web-image\n" in logged(logs)
    assert "STEP 2/3 — Pushing web-image:tilt-1\n" in logged(logs)


async def test_a_changed_file_makes_an_image_stale_until_it_is_built(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    await trial.ensure("web")
    trial.change("web-image", 3)
    assert await trial.ensure("web", sequence=3) == {"web-image": "web-image:tilt-2"}
    await trial.ensure("web", sequence=3)
    assert trial.built == ["web-image", "web-image"]


async def test_a_fast_build_is_built_upon_the_image_before_with_what_changed_since(
    trial: Trial, logs: LogStore, tmp_path: Path
):
    fast = FastBuild(adds=(Sync(local=str(tmp_path), remote="/src"),))
    made = image("web-image", build=DockerBuild(context="-", contents="FROM busybox", fast=fast))
    prepare(trial.store, kubernetes("web", images=[made]))
    await trial.ensure("web")
    changed = tmp_path / "main.py"
    changed.write_text("")
    trial.change("web-image", 3, str(changed))
    await trial.ensure("web", sequence=3)
    trial.change("web-image", 4, str(changed))
    await trial.ensure("web", sequence=4, force=True)
    first, second, forced = trial.builder.requests
    assert (first.previous, forced.previous) == (None, None)
    assert second.previous
    assert (second.previous.reference, second.changed) == ("web-image:tilt-1", (str(changed),))
    assert "— Building from scratch: [web-image]\n" in logged(logs)
    assert "— Building from existing: [web-image]\n" in logged(logs)


async def test_a_change_while_it_is_built_leaves_an_image_stale(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    trial.change("web-image", 3)
    await trial.ensure("web", sequence=2)
    await trial.ensure("web", sequence=3)
    assert trial.built == ["web-image", "web-image"]


async def test_a_changed_definition_makes_an_image_stale(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    await trial.ensure("web")
    trial.store.change(ImageMap, "web-image", lambda each: replace(each, digest="other"))
    await trial.ensure("web")
    assert trial.built == ["web-image", "web-image"]


async def test_an_image_that_was_pruned_is_built_again(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    await trial.ensure("web")
    trial.builder.stored.clear()
    await trial.ensure("web")
    assert trial.built == ["web-image", "web-image"]


async def test_what_is_not_there_any_more_is_published_again_and_built_only_where_that_is_gone_too(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    resource = trial.store.get(Resource, "web")
    assert resource
    await trial.ensure("web")
    assert await trial.imaging.lost(resource, INFO) == ()
    trial.publisher.gone.add(ImageName("web-image"))
    assert await trial.imaging.lost(resource, INFO, {"another:tilt-1"}) == ()
    assert await trial.imaging.lost(resource, INFO, {"web-image:tilt-1"}) == ("web-image",)
    await trial.ensure("web")
    assert (trial.built, trial.published) == (["web-image"], ["web-image:tilt-1"] * 2)
    await trial.ensure("web")
    assert len(trial.published) == 2


async def test_an_image_whose_command_publishes_it_is_left_to_that(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[custom("web-image", disable_push=True)]))
    resource = trial.store.get(Resource, "web")
    assert resource
    await trial.ensure("web")
    trial.publisher.gone.add(ImageName("web-image"))
    assert await trial.imaging.lost(resource, INFO) == ()


async def test_an_image_that_is_only_updated_in_place_is_published_by_nobody(trial: Trial):
    other = image("other", live=True, build=CustomBuild(command=command(":")))
    resource = Resource(name=ResourceName("web"), spec=kubernetes("web", images=[other]))
    assert resource.spec.images[0].live_update_only
    assert await trial.imaging.lost(resource, INFO) == ()


async def test_force_builds_what_is_fresh(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    await trial.ensure("web")
    await trial.ensure("web", force=True)
    assert trial.built == ["web-image", "web-image"]


async def test_a_base_image_is_built_first_and_not_pushed(trial: Trial):
    shop(trial)
    assert await trial.ensure("web") == {"base": "base:tilt-1", "web-image": "web-image:tilt-2"}
    assert trial.built == ["base", "web-image"]
    assert trial.published == ["web-image:tilt-2"]
    assert trial.builder.requests[1].bases[ImageName("base")].reference == "base:tilt-1"


async def test_two_resources_at_the_same_time_build_their_base_image_once(trial: Trial):
    shop(trial)
    async with asyncio.TaskGroup() as group:
        group.create_task(trial.ensure("web"))
        group.create_task(trial.ensure("cart"))
    assert sorted(trial.built) == ["base", "cart-image", "web-image"]


async def test_a_changed_base_image_rebuilds_what_builds_on_it(trial: Trial):
    shop(trial)
    await trial.ensure("web")
    await trial.ensure("cart")
    trial.change("base", 5)
    await trial.ensure("web", sequence=5)
    assert trial.built[3:] == ["base", "web-image"]
    assert (await trial.ensure("cart", sequence=5))["base"] == "base:tilt-4"
    assert trial.built[5:] == ["cart-image"]


async def test_an_image_that_is_a_base_here_and_deployed_there_is_pushed_for_the_latter(trial: Trial):
    deployed = image("base")
    prepare(
        trial.store,
        kubernetes("web", images=[replace(deployed, deployed=False), image("web-image", "base")]),
        kubernetes("base", images=[deployed]),
    )
    await trial.ensure("web")
    assert await trial.ensure("base") == {"base": "base:tilt-1"}
    assert trial.published == ["web-image:tilt-2", "base:tilt-1"]


async def test_images_that_do_not_need_each_other_are_built_at_the_same_time(store: Store, logs: LogStore):
    class Slow(FakeBuilder):
        def __init__(self) -> None:
            super().__init__()
            self.gate = asyncio.Event()

        async def build(self, request: BuildRequest, log: Log) -> BuiltImage:
            built = await super().build(request, log)
            await self.gate.wait()
            return built

    builder = Slow()
    trial = Trial(store, logs, builder)
    prepare(store, kubernetes("web", images=[image("one"), image("two")]))
    async with running() as group:
        ended = group.create_task(trial.ensure("web"))
        await eventually(lambda: len(builder.requests) == 2)
        builder.gate.set()
        assert set(await ended) == {"one", "two"}


async def test_a_failed_build_is_reported_as_it_is_and_its_image_stays_stale(store: Store, logs: LogStore):
    failing = FakeBuilder({ImageName("base"): BuildError("no such file")})
    trial = Trial(store, logs, failing)
    shop(trial)
    with pytest.raises(BuildError, match="no such file"):
        await trial.ensure("web")
    assert trial.built == ["base"]
    found = store.get(ImageMap, "base")
    assert found
    assert found.status.built is None


async def test_the_reference_is_that_of_the_registry(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    made = await trial.ensure("web", info=replace(INFO, registry=REGISTRY))
    assert made == {"web-image": "localhost:5001/web-image:tilt-1"}
    assert trial.publisher.published[0].delivery is Delivery.PUSH
    assert trial.builder.requests[0].registry == REGISTRY


async def test_an_image_is_built_for_the_nodes_of_the_cluster(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    await trial.ensure("web", info=replace(INFO, arch="arm64"))
    assert trial.builder.requests[0].platform == "linux/arm64"


@pytest.mark.parametrize(
    ("fields", "pushed"),
    [({}, True), ({"disable_push": True}, False), ({"skips_local_docker": True}, False)],
)
async def test_a_custom_build_that_pushes_by_itself_is_not_pushed(
    trial: Trial, logs: LogStore, fields: Mapping[str, bool], pushed: bool
):
    prepare(trial.store, kubernetes("web", images=[custom("web-image", **fields)]))
    await trial.ensure("web")
    assert bool(trial.published) is pushed
    skipped = "Skipping push: custom_build() configured to handle push itself"
    assert (skipped in logged(logs)) is not pushed
    assert "Building Custom Build: [web-image]" in logged(logs)


@pytest.mark.parametrize(
    ("info", "registry", "expected"),
    [
        (INFO, None, Delivery.KIND_LOAD),
        (INFO, REGISTRY, Delivery.PUSH),
        (replace(INFO, product="gke"), None, Delivery.PUSH),
        (replace(INFO, product="docker-desktop", shares_engine=True), None, Delivery.SHARED),
        (replace(INFO, product="minikube", shares_engine=True), REGISTRY, Delivery.SHARED),
    ],
)
def test_how_images_get_into_the_cluster(info: ClusterInfo, registry: Registry | None, expected: Delivery):
    assert delivery_for(info, registry) is expected


def test_the_clusters_own_registry_wins_over_the_tiltfiles():
    declaration = Declaration(default_registry=Registry(host="gcr.io/shop"))
    assert registry_for(INFO, declaration) == declaration.default_registry
    assert registry_for(replace(INFO, registry=REGISTRY), declaration) == REGISTRY
    assert registry_for(INFO, None) is None


async def test_the_tiltfiles_registry_is_used(trial: Trial):
    prepare(trial.store, kubernetes("web", images=[image("web-image")]))
    declaration = Declaration(default_registry=Registry(host="gcr.io/shop"))
    trial.store.change(
        Tiltfile, TILTFILE, lambda each: replace(each, status=replace(each.status, declaration=declaration))
    )
    assert await trial.ensure("web") == {"web-image": "gcr.io/shop/web-image:tilt-1"}


def test_a_full_update_has_a_step_for_every_build_and_push():
    images = [image("base", deployed=False), image("web-image", "base")]
    assert step_count(images, force=False) == 4
    assert step_count(images, force=True) == 5


async def test_an_image_for_live_updates_only_is_neither_built_nor_pushed(trial: Trial):
    ready = image("ready", live=True, build=CustomBuild(command=command(":")))
    prepare(trial.store, kubernetes("web", images=(image("web"), ready)))
    assert await trial.ensure("web") == {"web": "web:tilt-1"}
    assert trial.built == ["web"]


async def test_a_builder_is_reported_of_which_bases_the_tag_counts(trial: Trial):
    bases = image("a:v1", deployed=False, match_exact=True), image("b", deployed=False)
    prepare(trial.store, kubernetes("web", images=(*bases, image("web", "a:v1", "b"))))
    await trial.ensure("web")
    assert trial.builder.requests[-1].exact_bases == {"a:v1"}


class Layers:
    """Adds a layer, or refuses to."""

    def __init__(self) -> None:
        self.failing = ""
        self.added: list[tuple[str, bool]] = []

    async def add(self, image: BuiltImage, *, supervised: bool) -> BuiltImage:
        if self.failing:
            raise BuildError(self.failing)
        self.added.append((image.reference, supervised))
        return replace(image, id=f"{image.id}-layered", reference=f"{image.reference}-layered")


SYNC = Sync(local="/p", remote="/app")


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        ({"live_update": LiveUpdate(syncs=(SYNC,))}, [("img:tilt-1", False)]),
        ({"live_update": LiveUpdate(syncs=(SYNC,), restart=True)}, [("img:tilt-1", True)]),
        ({"live_update": LiveUpdate(syncs=(SYNC,)), "helper": HelperMode.OFF}, []),
        ({"live_update": LiveUpdate(syncs=(SYNC,)), "deployed": False}, []),
        ({}, []),
    ],
)
async def test_an_image_with_a_live_update_gets_the_helper_and_that_is_what_runs(store, logs, fields, added):
    trial = Trial(store, logs)
    layers = Layers()
    trial.imaging = Imaging(store, trial.builder, trial.publisher, layers)
    prepare(store, kubernetes("web", images=[image("img", **fields)]))
    references = await trial.ensure("web")
    assert layers.added == added
    status = store.get(ImageMap, "img").status
    assert status.built.reference == "img:tilt-1"
    if added:
        assert references["img"].endswith("img:tilt-1-layered")
        assert trial.imaging.supervised(store.get(Resource, "web")) == ({"img"} if added[0][1] else set())


@pytest.mark.parametrize("restarts", [True, False])
async def test_a_program_that_can_safely_be_started_again_gets_the_helper_by_itself_in_a_session(store, logs, restarts):
    builder = Numbering()
    builder.config = ImageConfig(command=("python", "main.py"))
    trial = Trial(store, logs, builder)
    layers = Layers()
    trial.imaging = Imaging(store, trial.builder, trial.publisher, layers, restarts=restarts)
    build = DockerBuild(context="/p", contents="FROM python\nCOPY . .\n")
    prepare(store, kubernetes("web", images=[image("img", build=build)]))
    await trial.ensure("web")
    assert layers.added == ([("img:tilt-1", True)] if restarts else [])
    assert trial.imaging.supervised(store.get(Resource, "web")) == ({"img"} if restarts else set())
    await trial.ensure("web")  # nothing is stale
    assert len(trial.builder.requests) == 1


async def test_an_image_that_cannot_have_the_helper_runs_without(store, logs):
    trial = Trial(store, logs)
    layers = Layers()
    layers.failing = "it has `ONBUILD` instructions"
    trial.imaging = Imaging(store, trial.builder, trial.publisher, layers)
    prepare(store, kubernetes("web", images=[image("img", live_update=LiveUpdate(syncs=(SYNC,)))]))
    references = await trial.ensure("web")
    assert references["img"].endswith("img:tilt-1")
    assert "was not added to img: it has `ONBUILD` instructions" in logged(logs)
