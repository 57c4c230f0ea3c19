"""Names and labels by which a project finds its own in the engine."""

import hashlib

from pytilt.model.base import Value
from pytilt.model.texts import to_bytes

PREFIX = "dev.pytilt"
PROJECT = f"{PREFIX}.project"
ROLE = f"{PREFIX}.role"
NAMESPACE = f"{PREFIX}.namespace"
POD = f"{PREFIX}.pod"
POD_UID = f"{PREFIX}.pod-uid"
POD_OBJECT = f"{PREFIX}.pod-object"
"""On a pod's sandbox: the pod as JSON, so that a pod and the knowledge of it come and go at once."""
OBJECT = f"{PREFIX}.object"
"""On a volume of the record: an object as JSON."""
CONTAINER = f"{PREFIX}.container"
ATTEMPT = f"{PREFIX}.attempt"
DIGEST = f"{PREFIX}.digest"
"""Of what the thing was made from, to see that it is still what is wanted."""

RECORD = "record"
FORWARDER = "forwarder"
PUBLISHER = "publisher"
SANDBOX = "sandbox"
APP = "app"
POD_VOLUME = "pod-volume"
CLAIM = "claim"

NAME_LIMIT = 40
"""Letters of a pod's name in a container's name, which may become a host name."""


class EngineProject(Value):
    """Whose containers, networks and volumes they are."""

    id: str

    @property
    def prefix(self) -> str:
        """What the names of all its things begin with."""
        return f"tilt-{self.id}"

    def labels(self, role: str, **more: str) -> dict[str, str]:
        """The labels of a thing of this project."""
        return {PROJECT: self.id, ROLE: role} | more

    @property
    def network(self) -> str:
        """The name of its network."""
        return self.prefix

    @property
    def record(self) -> str:
        """The name of the container that keeps its objects."""
        return f"{self.prefix}-record"

    @property
    def forwarder(self) -> str:
        """The name of the container that owns the Services' addresses."""
        return f"{self.prefix}-services"

    def publisher(self, namespace: str, service: str) -> str:
        """The name of the container that publishes a Service on this machine."""
        return f"{self.prefix}-publish-{namespace}-{service}"

    def sandbox(self, namespace: str, pod: str, uid: str) -> str:
        """The name of the container that holds a pod's namespaces."""
        return f"{self.prefix}-{namespace}-{pod[:NAME_LIMIT]}-{uid[:8]}"

    def container(self, namespace: str, pod: str, uid: str, container: str, attempt: int) -> str:
        """The name of one container of a pod."""
        return f"{self.sandbox(namespace, pod, uid)}-{container}-{attempt}"

    def pod_volume(self, uid: str, volume: str) -> str:
        """The name of a volume that lives as long as its pod."""
        return f"{self.prefix}-{uid}-{volume}"

    def claim(self, namespace: str, name: str) -> str:
        """The name of a volume that a claim stands for."""
        return f"{self.prefix}-claim-{namespace}-{name}"


def project_id(directory: str) -> str:
    """The id of the project whose Tiltfile lies in a directory."""
    return hashlib.sha256(to_bytes(directory)).hexdigest()[:8]
