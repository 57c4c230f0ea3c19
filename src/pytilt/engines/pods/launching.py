"""Starting one container of a pod: image, environment, container, hook."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pytilt.engines.network.services import variables
from pytilt.engines.objects.fields import Json
from pytilt.engines.pods.context import EngineContext
from pytilt.engines.pods.pulling import pull_credentials
from pytilt.engines.podspec.containers import container_request, host_name
from pytilt.engines.podspec.environment import MissingSourceError, environment
from pytilt.engines.podspec.placement import NodeInfo, PodPlacement
from pytilt.engines.podspec.plan import ContainerView, Instance, RunState
from pytilt.engines.podspec.volumes import PodVolume
from pytilt.errors import ApplyError, ClusterUnreachableError, DockerApiError, PublishError, WorkError
from pytilt.model.references import try_parse
from pytilt.model.resources import KubeObject
from pytilt.model.times import seconds_of

START_FAILED = 128
"""The exit code that Kubernetes gives a container that could not be started."""


class LaunchError(WorkError):
    """A container cannot be started now.

    Args:
        reason: in the words of Kubernetes, for example `ErrImagePull`.
        message: why.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def instance_of(inspected: Json, attempt: int, node: NodeInfo) -> Instance:
    """What the engine says of a container, in this machine's time."""
    state = inspected["State"]
    running = bool(state["Running"]) and not state.get("Dead")
    never = state.get("Status") == "created"
    failed = never and bool(state.get("Error"))
    return Instance(
        id=inspected["Id"],
        attempt=attempt,
        state=RunState.RUNNING if running else RunState.CREATED if never and not failed else RunState.EXITED,
        started_at=node.local_time(seconds_of(state["StartedAt"])),
        finished_at=node.local_time(
            seconds_of(state["FinishedAt"]) or (seconds_of(inspected["Created"]) if failed else 0.0)
        ),
        exit_code=START_FAILED if failed else int(state["ExitCode"]),
        oom_killed=bool(state.get("OOMKilled")),
        reason="StartError" if failed else "",
        message=str(state.get("Error") or "") if failed else "",
        image_id=str(inspected.get("Image", "")),
    )


class SandboxPlace(Protocol):
    """What a container must know of the sandbox that it joins."""

    @property
    def id(self) -> str:
        """Of the container that the engine has for it."""
        ...

    @property
    def place(self) -> PodPlacement:
        """Where the pod runs."""
        ...

    @property
    def volumes(self) -> Mapping[str, PodVolume]:
        """The pod's, by name."""
        ...

    @property
    def folders(self) -> Mapping[str, str]:
        """Where the engine keeps them, by name."""
        ...


class Launcher:
    """Starts containers.

    Args:
        context: the collaborators.
        pod: whose containers they are.
        sandbox: the pod's.
    """

    def __init__(self, context: EngineContext, pod: KubeObject, sandbox: SandboxPlace) -> None:
        self._context = context
        self._pod = pod
        self._sandbox = sandbox
        self._prepared: dict[str, tuple[str, int]] = {}
        """Ids and attempts of containers that were created for the sandbox that is there."""

    async def prepare(self, wanted: Iterable[tuple[Mapping[str, Any], ContainerView]]) -> None:
        """Create containers while the sandbox still starts, where it need not run for that.

        `launch` reports what is in the way.

        Args:
            wanted: containers, and what is known of each.
        """
        for container, view in wanted:
            try:
                if not _needs_running_sandbox(container) and await self._context.runtime.has_image(_image(container)):
                    attempt = _next_attempt(view)
                    self._prepared[container["name"]] = await self._create(container, attempt), attempt
            except (LaunchError, DockerApiError, ClusterUnreachableError):
                return

    def forget(self) -> None:
        """What was prepared is of no use: the sandbox did not start."""
        self._prepared.clear()

    async def launch(self, container: Mapping[str, Any], view: ContainerView) -> Instance:
        """Start a container for the first time or again; the one before the last is removed.

        Raises:
            LaunchError: it cannot be started now; trying later may help.
        """
        attempt = _next_attempt(view)
        created, prepared = self._prepared.pop(container["name"], ("", 0))
        if not created or prepared != attempt:
            await self._image(container)
            created = await self._create(container, attempt)
        try:
            await self._context.runtime.start(created)
        except DockerApiError as error:
            return await self._unstartable(created, attempt, error.message)
        if view.last is not None:
            await self._context.runtime.remove(view.last.id)
        inspected = await self._context.runtime.inspect(created)
        if inspected is None:
            raise LaunchError("RunContainerError", "the container was removed while it started")
        return instance_of(inspected, attempt, self._context.node)

    async def _create(self, container: Mapping[str, Any], attempt: int) -> str:
        request = self._request(container, attempt)
        if self._context.node.podman and not self._pod["spec"].get("hostNetwork"):
            request["Hostname"] = host_name(self._pod)  # Docker takes the sandbox's, and refuses one of its own
        metadata = self._pod["metadata"]
        name = self._context.project.container(
            metadata["namespace"], metadata["name"], metadata["uid"], container["name"], attempt
        )
        try:
            return await self._context.runtime.create(name, request)
        except DockerApiError as error:
            raise LaunchError("CreateContainerError", error.message) from error

    async def _unstartable(self, container: str, attempt: int, message: str) -> Instance:
        inspected = await self._context.runtime.inspect(container)
        if inspected is None:
            raise LaunchError("RunContainerError", message)
        found = instance_of(inspected, attempt, self._context.node)
        return Instance(
            id=found.id,
            attempt=attempt,
            state=RunState.EXITED,
            finished_at=self._context.node.local_time(seconds_of(inspected["Created"])),
            exit_code=START_FAILED,
            reason="StartError",
            message=message,
            image_id=found.image_id,
        )

    def _request(self, container: Mapping[str, Any], attempt: int) -> Json:
        namespace = self._pod["metadata"]["namespace"]
        links = self._pod["spec"].get("enableServiceLinks")
        services = self._context.store.all("Service", namespace) if links is not False else []
        try:
            values = environment(
                container,
                self._pod,
                self._sandbox.place,
                self._context.lookup(namespace),
                variables(services, namespace),
            )
            return container_request(
                self._pod,
                container,
                attempt=attempt,
                sandbox=self._sandbox.id,
                project=self._context.project,
                environment=values,
                volumes=self._sandbox.volumes,
                folders=self._sandbox.folders,
            )
        except (MissingSourceError, ApplyError) as error:
            raise LaunchError("CreateContainerConfigError", error.message) from error

    async def _image(self, container: Mapping[str, Any]) -> None:
        reference, policy = _image(container), container.get("imagePullPolicy")
        if await self._context.runtime.has_image(reference) is not None:
            return
        if policy == "Never":
            text = f'Container image "{reference}" is not present with pull policy of Never'
            raise LaunchError("ErrImageNeverPull", text)
        self._context.events.normal(self._pod, "Pulling", f'Pulling image "{reference}"')
        try:
            lookup = self._context.lookup(self._pod["metadata"]["namespace"])
            auth = await pull_credentials(reference, self._pod, lookup, self._context.credentials)
            await self._context.runtime.pull(reference, auth)
        except (DockerApiError, PublishError) as error:
            self._context.events.warning(self._pod, "Failed", f'Failed to pull image "{reference}": {error.message}')
            raise LaunchError("ErrImagePull", error.message) from error
        self._context.events.normal(self._pod, "Pulled", f'Successfully pulled image "{reference}"')


def _image(container: Mapping[str, Any]) -> str:
    """The container's image, which must be one: it becomes part of the path of requests."""
    reference = str(container["image"])
    if try_parse(reference) is None:
        text = f'Failed to apply default image tag "{reference}": couldn\'t parse image name "{reference}"'
        raise LaunchError("InvalidImageName", f"{text}: invalid reference format")
    return reference


def _next_attempt(view: ContainerView) -> int:
    before = view.current
    return 0 if before is None else before.attempt + (before.state is RunState.EXITED)


def _needs_running_sandbox(container: Mapping[str, Any]) -> bool:
    """Is the pod's address, or where its volumes are, a part of what the container is created with?"""
    fields = [
        ((item.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath", "")
        for item in container.get("env") or ()
    ]
    parts = [name for mount in container.get("volumeMounts") or () for name in mount if name.startswith("subPath")]
    return bool(parts) or any(field.startswith("status.") for field in fields)
