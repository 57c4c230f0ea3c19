"""Which product a cluster is, by its name, and what that means for development on it."""

import re
from enum import StrEnum
from pathlib import PurePath


class ClusterProduct(StrEnum):
    """The clusters that are distinguished; the words are Tilt's."""

    MINIKUBE = "minikube"
    DOCKER_DESKTOP = "docker-desktop"
    GKE = "gke"
    EKS = "eks"
    KIND = "kind"
    MICROK8S = "microk8s"
    CRC = "crc"
    KRUCIBLE = "krucible"
    K3D = "k3d"
    RANCHER_DESKTOP = "rancher-desktop"
    COLIMA = "colima"
    ORBSTACK = "orbstack"
    UNKNOWN = "unknown"


_NAMES = (
    (r"minikube", ClusterProduct.MINIKUBE),
    (r"docker-for-desktop-cluster|docker-desktop", ClusterProduct.DOCKER_DESKTOP),
    (r"gke", ClusterProduct.GKE),
    (r"arn:aws:eks:|.*\.eksctl\.io$", ClusterProduct.EKS),
    (r"kind$|kind-", ClusterProduct.KIND),
    (r"microk8s", ClusterProduct.MICROK8S),
    (r"api-crc-testing", ClusterProduct.CRC),
    (r"krucible-", ClusterProduct.KRUCIBLE),
    (r"k3d-", ClusterProduct.K3D),
    (r"rancher-desktop", ClusterProduct.RANCHER_DESKTOP),
    (r"colima", ClusterProduct.COLIMA),
    (r"orbstack$", ClusterProduct.ORBSTACK),
)
"""Patterns that the name of a cluster begins with, as Tilt has them."""

_REMOTE = {ClusterProduct.GKE, ClusterProduct.EKS, ClusterProduct.UNKNOWN}

_DEFAULT_ENGINE = re.compile(
    r"$|tcp://(localhost|127\.0\.0\.1):237[56]$|unix:///var/run/docker\.sock$|unix://.*/\.docker/(desktop|run)/docker\.sock$"
    r"|unix://.*/\.rd/docker\.sock$"
)
_COLIMA_ENGINE = re.compile(r".*/\.(?:config/)?colima(?:-(?P<old>[^/]+)|(?:/(?P<new>[^/]+))?)/docker\.sock$")

_START = {
    ClusterProduct.MINIKUBE: "start it with `minikube start`",
    ClusterProduct.DOCKER_DESKTOP: "start Docker Desktop, with Kubernetes switched on in its settings",
    ClusterProduct.KIND: "start its node with `docker start {name}-control-plane`, or run `kind create cluster` again",
    ClusterProduct.K3D: "start it with `k3d cluster start {name}`",
    ClusterProduct.MICROK8S: "start it with `microk8s start`",
    ClusterProduct.CRC: "start it with `crc start`",
    ClusterProduct.RANCHER_DESKTOP: "start Rancher Desktop",
    ClusterProduct.COLIMA: "start it with `colima start --kubernetes`",
    ClusterProduct.ORBSTACK: "start it with `orb start k8s`",
}


def product(cluster: str, *, authority: str = "", config: str = "", home: str = "") -> ClusterProduct:
    """Recognize the product.

    Args:
        cluster: the cluster's name in the kubeconfig.
        authority: path of its certificate authority, empty when it is not in a file.
        config: path of the kubeconfig that names it.
        home: the user's home.
    """
    for pattern, found in _NAMES:
        if re.match(pattern, cluster):
            return found
    if config and PurePath(config).is_relative_to(PurePath(home, ".config", "k3d")):
        return ClusterProduct.K3D
    if authority and PurePath(authority).is_relative_to(PurePath(home, ".minikube")):
        return ClusterProduct.MINIKUBE
    if PurePath(config).name.startswith("kind-config-"):
        return ClusterProduct.KIND
    return ClusterProduct.UNKNOWN


def is_development(found: ClusterProduct) -> bool:
    """Is this a cluster on the developer's machine, on which everything is allowed?"""
    return found not in _REMOTE


def shares_engine(found: ClusterProduct, *, context: str, engine_host: str, runtime: str, minikube: str = "") -> bool:
    """Do pods run on the very engine that builds the images?

    Args:
        found: the cluster's product.
        context: the name of the context.
        engine_host: the engine's address in the form of `DOCKER_HOST`; empty: the usual socket.
        runtime: what the nodes say of their container runtime, for example `docker://27.3.1`.
        minikube: MINIKUBE_ACTIVE_DOCKERD, with which `minikube docker-env` marks whose engine DOCKER_HOST is.
    """
    default = _DEFAULT_ENGINE.match(engine_host) is not None
    if found is ClusterProduct.DOCKER_DESKTOP:
        return default
    if not runtime.startswith("docker://"):
        return False
    match found:
        case ClusterProduct.MINIKUBE:
            return minikube == context
        case ClusterProduct.RANCHER_DESKTOP:
            return default
        case ClusterProduct.COLIMA:
            return _colima_profile(engine_host) == (
                "default" if context == "colima" else context.removeprefix("colima-")
            )
        case ClusterProduct.ORBSTACK:
            return engine_host.startswith("unix://") and engine_host.endswith("/.orbstack/run/docker.sock")
        case _:
            return False


def start_hint(found: ClusterProduct, cluster: str) -> str:
    """What to do when the cluster does not answer."""
    name = cluster.removeprefix("kind-").removeprefix("k3d-")
    return _START.get(found, "see whether the cluster runs and can be reached from here").format(name=name)


def _colima_profile(engine_host: str) -> str:
    if not (match := _COLIMA_ENGINE.match(engine_host)):
        return ""
    return match["old"] or match["new"] or "default"
