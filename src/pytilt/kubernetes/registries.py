"""Finding the registry that a cluster announces for local images."""

from collections.abc import Mapping

from pytilt.cluster import objects, yaml
from pytilt.errors import UserError
from pytilt.kubernetes.api import KubernetesApi
from pytilt.kubernetes.products import ClusterProduct
from pytilt.model.images import Registry
from pytilt.model.resources import KubeObject

ANNOUNCED = "/api/v1/namespaces/kube-public/configmaps/local-registry-hosting"
"""Where KEP-1755 has clusters announce it."""

MICROK8S = "/api/v1/namespaces/container-registry/services/registry"
"""The registry add-on of MicroK8s."""

_TILT = "tilt.dev/registry"
_TILT_FROM_CLUSTER = "tilt.dev/registry-from-cluster"
_KIND = "kind.x-k8s.io/registry"


async def find(api: KubernetesApi, node: KubeObject) -> Registry | None:
    """The registry, by the first source that names one; None where none does or none may be read.

    Args:
        api: whom to ask.
        node: a node of the cluster; empty where nodes may not be read.
    """
    answer = await api.request("GET", ANNOUNCED)
    found = announced(answer.json()) if answer.ok else None
    if found is None and api.connection.product is ClusterProduct.MICROK8S:
        answer = await api.request("GET", MICROK8S)
        found = microk8s(answer.json()) if answer.ok else None
    return found or annotated(objects.annotations(node))


def announced(config_map: KubeObject) -> Registry | None:
    """The registry of the ConfigMap that announces it."""
    text = str(objects.mapping(config_map, "data").get("localRegistryHosting.v1") or "")
    try:
        document = next(iter(yaml.parse_values(text, "local-registry-hosting")), None)
    except UserError:
        return None
    if not isinstance(document, Mapping) or not document.get("host"):
        return None
    return Registry(host=str(document["host"]), host_from_cluster=str(document.get("hostFromContainerRuntime") or ""))


def microk8s(service: KubeObject) -> Registry | None:
    """The registry behind the Service of the MicroK8s add-on."""
    port = next((one.get("nodePort") for one in objects.items(service, "spec", "ports")), None)
    return Registry(host=f"localhost:{port}") if port else None


def annotated(annotations: Mapping[str, str]) -> Registry | None:
    """The registry that scripts wrote to the annotations of a node."""
    if host := annotations.get(_TILT):
        return Registry(host=host, host_from_cluster=annotations.get(_TILT_FROM_CLUSTER, ""))
    if host := annotations.get(_KIND):
        return Registry(host=host)
    return None
