"""Bringing images to where the cluster finds them, with the engine and its user's credentials."""

import re

from pytilt.docker.api import path
from pytilt.docker.engine import Engine, EngineProduct
from pytilt.errors import CommandError, DockerApiError, PublishError
from pytilt.host.output import Tail, both, decoded
from pytilt.host.processes import ProcessRequest, Runner
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.reading import BuildReader
from pytilt.images.registry_names import cluster_reference, push_reference
from pytilt.model.images import BuiltImage, Delivery, Registry
from pytilt.model.logs import Log
from pytilt.model.references import parse
from pytilt.model.regex import regex
from pytilt.settings import Settings

_REFUSED = regex(
    r"denied|unauthorized|authentication required|no basic auth credentials|401|403|insufficient_scope", re.IGNORECASE
)
_UNREACHED = regex(r"no such host|connection refused|i/o timeout|network is unreachable", re.IGNORECASE)
_INSECURE = regex(r"server gave HTTP response to HTTPS client")


class DockerPublisher:
    """The `Publisher` for images in the engine's store.

    Args:
        engine: where the images are.
        credentials: for registries.
        runner: starts `kind`.
        settings: its environment.
        kind_cluster: the cluster's name in the kubeconfig, for `Delivery.KIND_LOAD`; `kind-` before it is left out.
    """

    def __init__(
        self,
        engine: Engine,
        credentials: RegistryCredentials,
        runner: Runner,
        settings: Settings,
        *,
        kind_cluster: str = "",
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._runner = runner
        self._settings = settings
        self._kind_cluster = kind_cluster.removeprefix("kind-")

    async def publish(self, image: BuiltImage, registry: Registry | None, delivery: Delivery, log: Log) -> str:
        """Bring an image to the cluster; see `Publisher.publish`."""
        try:
            if delivery is Delivery.PUSH:
                await self._push(image, push_reference(image, registry), log)
                return cluster_reference(image, registry)
            reference = cluster_reference(image, registry)
            if reference != image.reference:  # the cluster finds it under that name without a registry's help
                await self._engine.tag(image.reference, reference)
        except DockerApiError as error:
            raise PublishError(error.message, hint=error.hint) from error
        if delivery is Delivery.KIND_LOAD:
            await self._load(reference, log)
        else:
            log("Skipping push: building on cluster's container runtime\n")
        return reference

    async def is_there(
        self, image: BuiltImage, registry: Registry | None, delivery: Delivery, *, missed: bool = False
    ) -> bool:
        """Ask the registry, or the engine where the cluster runs on it; see `Publisher.is_there`."""
        try:
            if delivery is Delivery.PUSH:
                reference = push_reference(image, registry)
                auth = await self._credentials.find(parse(reference).domain)
                return await self._engine.is_in_registry(reference, auth.header)
            if delivery is Delivery.SHARED:
                return await self._engine.image_id(cluster_reference(image, registry)) is not None
        except DockerApiError:
            return False
        return not missed

    async def _push(self, image: BuiltImage, reference: str, log: Log) -> None:
        log("Pushing with Docker client\n")
        wanted = parse(reference)
        if reference != image.reference:
            await self._engine.tag(image.reference, reference)
        auth = await self._credentials.find(wanted.domain, log)
        api = await self._engine.api()
        async with api.stream(
            "POST",
            path("images", wanted.familiar_name, "push"),
            params={"tag": wanted.tag or "latest", **await self._without_tls(wanted.domain)},
            headers={"X-Registry-Auth": auth.header},
        ) as chunks:
            failure = (await BuildReader(log).read(chunks)).failure
        if failure:
            raise push_failure(failure, reference)

    async def _without_tls(self, host: str) -> dict[str, bool]:
        """Docker speaks plain HTTP to registries on this machine by itself, Podman when asked to."""
        local = host.partition(":")[0] in ("localhost", "127.0.0.1")
        podman = local and (await self._engine.about()).product is EngineProduct.PODMAN
        return {"tlsVerify": False} if podman else {}

    async def _load(self, reference: str, log: Log) -> None:
        log("Loading image to KIND\n")
        request = ProcessRequest(
            argv=("kind", "load", "docker-image", reference, "--name", self._kind_cluster),
            dir=self._settings.home,
            env=tuple(sorted(self._settings.environ.items())),
        )
        tail = Tail()
        try:
            outcome = await self._runner.run(request, decoded(both(tail.feed, log)))
        except CommandError as error:
            raise PublishError(
                f"cannot load the image into the cluster: {error.message}",
                hint="install `kind` (https://kind.sigs.k8s.io), or give the cluster a local registry, "
                "which is quicker too: https://kind.sigs.k8s.io/docs/user/local-registry/",
            ) from error
        if outcome.exit_status != 0:
            raise PublishError(
                f"Error loading image to KIND: exit status {outcome.exit_status}",
                hint=f"see whether the cluster runs: `kind get nodes --name {self._kind_cluster}`",
                output=tail.excerpt(),
            )


def push_failure(message: str, reference: str) -> PublishError:
    """The error of a push that failed.

    Args:
        message: the engine's or the registry's words.
        reference: what was pushed.
    """
    host = parse(reference).domain
    login = "`docker login`" if host == "docker.io" else f"`docker login {host}`"
    if _REFUSED.search(message):
        hint = f"log in to it: {login}; or push elsewhere: `default_registry('HOST')` in the Tiltfile"
    elif _INSECURE.search(message):
        hint = f"it speaks plain HTTP: add `{host}` to `insecure-registries` of the engine's `daemon.json`"
    elif _UNREACHED.search(message):
        hint = f"see whether the registry at `{host}` runs and the engine can reach it"
    else:
        hint = f"try it by hand: `docker push {reference}`"
    return PublishError(f"cannot push `{reference}`: {message}", hint=hint)
