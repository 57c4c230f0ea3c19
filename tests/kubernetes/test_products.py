import pytest

from pytilt.kubernetes.products import ClusterProduct, is_development, product, shares_engine, start_hint


@pytest.mark.parametrize(
    ("cluster", "expected"),
    [
        ("minikube", ClusterProduct.MINIKUBE),
        ("minikube-two", ClusterProduct.MINIKUBE),
        ("docker-desktop", ClusterProduct.DOCKER_DESKTOP),
        ("docker-for-desktop-cluster", ClusterProduct.DOCKER_DESKTOP),
        ("kind", ClusterProduct.KIND),
        ("kind-dev", ClusterProduct.KIND),
        ("kindly", ClusterProduct.UNKNOWN),
        ("k3d-shop", ClusterProduct.K3D),
        ("microk8s-cluster", ClusterProduct.MICROK8S),
        ("rancher-desktop", ClusterProduct.RANCHER_DESKTOP),
        ("colima-work", ClusterProduct.COLIMA),
        ("orbstack", ClusterProduct.ORBSTACK),
        ("orbstack-2", ClusterProduct.UNKNOWN),
        ("api-crc-testing:6443", ClusterProduct.CRC),
        ("krucible-x", ClusterProduct.KRUCIBLE),
        ("gke_shop_europe-west1_main", ClusterProduct.GKE),
        ("arn:aws:eks:eu-west-1:1:cluster/main", ClusterProduct.EKS),
        ("main.eu-west-1.eksctl.io", ClusterProduct.EKS),
        ("production", ClusterProduct.UNKNOWN),
    ],
)
def test_a_product_is_reported_by_the_name_of_its_cluster(cluster, expected):
    assert product(cluster) is expected


def test_a_product_is_reported_by_where_its_files_are():
    assert product("x", authority="/home/me/.minikube/ca.crt", home="/home/me") is ClusterProduct.MINIKUBE
    assert product("x", config="/home/me/.config/k3d/kubeconfig.yaml", home="/home/me") is ClusterProduct.K3D
    assert product("x", config="/home/me/kind-config-old") is ClusterProduct.KIND
    assert product("x", authority="/home/you/.minikube/ca.crt", home="/home/me") is ClusterProduct.UNKNOWN


def test_only_clusters_of_the_developers_machine_are_for_development():
    assert {one for one in ClusterProduct if not is_development(one)} == {
        ClusterProduct.GKE,
        ClusterProduct.EKS,
        ClusterProduct.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("found", "context", "host", "runtime", "expected"),
    [
        (ClusterProduct.DOCKER_DESKTOP, "docker-desktop", "", "containerd://1", True),
        (
            ClusterProduct.DOCKER_DESKTOP,
            "docker-desktop",
            "unix:///Users/me/.docker/run/docker.sock",
            "docker://1",
            True,
        ),
        (ClusterProduct.DOCKER_DESKTOP, "docker-desktop", "tcp://build-box:2375", "docker://1", False),
        (ClusterProduct.RANCHER_DESKTOP, "rancher-desktop", "unix:///Users/me/.rd/docker.sock", "docker://1", True),
        (ClusterProduct.RANCHER_DESKTOP, "rancher-desktop", "", "containerd://1", False),
        (ClusterProduct.COLIMA, "colima", "unix:///Users/me/.colima/docker.sock", "docker://1", True),
        (ClusterProduct.COLIMA, "colima", "unix:///Users/me/.colima/default/docker.sock", "docker://1", True),
        (ClusterProduct.COLIMA, "colima-work", "unix:///Users/me/.config/colima/work/docker.sock", "docker://1", True),
        (ClusterProduct.COLIMA, "colima-work", "unix:///Users/me/.colima-work/docker.sock", "docker://1", True),
        (ClusterProduct.COLIMA, "colima-work", "unix:///Users/me/.colima/docker.sock", "docker://1", False),
        (ClusterProduct.COLIMA, "colima", "", "docker://1", False),
        (ClusterProduct.ORBSTACK, "orbstack", "unix:///Users/me/.orbstack/run/docker.sock", "docker://1", True),
        (ClusterProduct.ORBSTACK, "orbstack", "", "docker://1", False),
        (ClusterProduct.KIND, "kind-kind", "", "containerd://1", False),
        (ClusterProduct.UNKNOWN, "x", "", "docker://1", False),
    ],
)
def test_pods_share_the_engine_only_where_both_are_the_same(found, context, host, runtime, expected):
    assert shares_engine(found, context=context, engine_host=host, runtime=runtime) is expected


def test_minikube_shares_the_engine_that_its_docker_env_names():
    rules = {"context": "dev", "engine_host": "tcp://192.168.49.2:2376", "runtime": "docker://1"}
    assert shares_engine(ClusterProduct.MINIKUBE, **rules, minikube="dev")
    assert not shares_engine(ClusterProduct.MINIKUBE, **rules, minikube="other")
    assert not shares_engine(ClusterProduct.MINIKUBE, **rules)


def test_a_cluster_that_is_down_comes_with_the_command_that_starts_it():
    assert "docker start dev-control-plane" in start_hint(ClusterProduct.KIND, "kind-dev")
    assert "k3d cluster start shop" in start_hint(ClusterProduct.K3D, "k3d-shop")
    assert start_hint(ClusterProduct.UNKNOWN, "x")
