import pytest

from pytilt.engines.objects.labels import EngineProject, project_id
from pytilt.engines.podspec.containers import container_request, sandbox_request
from pytilt.engines.podspec.placement import SandboxBase
from pytilt.engines.podspec.volumes import pod_volumes
from pytilt.errors import ApplyError

GROUND = SandboxBase(image="synclet:1", network="net", service_range="198.18.0.0/16", name_server="198.18.0.10")
PROJECT = EngineProject(id="abc")


def pod(**spec):
    return {
        "metadata": {"name": "web", "namespace": "default", "uid": "12345678-9"},
        "spec": {"containers": [{"name": "c", "image": "web:1"}], **spec},
    }


def request(container, of_pod=None, environment=None, folders=None):
    made = pod(**(of_pod or {}))
    return container_request(
        made,
        {"name": "c", "image": "web:1", **container},
        attempt=2,
        sandbox="box",
        project=PROJECT,
        environment=environment or {},
        volumes=pod_volumes(made, PROJECT),
        folders=folders or {},
    )


@pytest.mark.parametrize(
    ("container", "field", "value"),
    [
        ({"command": ["$(A)", "x"]}, "Entrypoint", ["1", "x"]),
        ({"args": ["$(A)"]}, "Cmd", ["1"]),
        ({"workingDir": "/w"}, "WorkingDir", "/w"),
        ({}, "Env", ["A=1"]),
        ({"tty": True}, "Tty", True),
        ({"securityContext": {"runAsUser": 0}}, "User", "0"),
        ({"securityContext": {"runAsGroup": 5}}, "User", ":5"),
        ({"lifecycle": {"stopSignal": "SIGINT"}}, "StopSignal", "SIGINT"),
    ],
)
def test_fields_of_a_container(container, field, value):
    assert request(container, environment={"A": "1"})[field] == value


@pytest.mark.parametrize("field", ["Entrypoint", "Cmd", "WorkingDir", "User"])
def test_what_is_not_said_is_left_to_the_image(field):
    assert field not in request({})


@pytest.mark.parametrize(
    ("container", "of_pod", "field", "value"),
    [
        ({"resources": {"limits": {"memory": "1Mi"}}}, {}, "MemorySwap", 1 << 20),
        ({"resources": {"limits": {"cpu": "1.5"}}}, {}, "NanoCpus", 1_500_000_000),
        ({"resources": {"limits": {"cpu": "2"}}}, {}, "CpuShares", 2048),
        ({"resources": {"requests": {"cpu": "1m"}}}, {}, "CpuShares", 2),
        ({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}, {}, "CapAdd", ["NET_ADMIN"]),
        ({"securityContext": {"allowPrivilegeEscalation": False}}, {}, "SecurityOpt", ["no-new-privileges"]),
        ({}, {"securityContext": {"supplementalGroups": [1], "fsGroup": 2}}, "GroupAdd", ["1", "2"]),
        ({}, {"shareProcessNamespace": True}, "PidMode", "container:box"),
        ({}, {"hostPID": True}, "PidMode", "host"),
        ({}, {}, "NetworkMode", "container:box"),
    ],
)
def test_fields_of_a_containers_host(container, of_pod, field, value):
    assert request(container, of_pod)["HostConfig"][field] == value


@pytest.mark.parametrize(
    ("volume", "mount", "binds", "mounts"),
    [
        ({"hostPath": {"path": "/h"}}, {"readOnly": True}, ["/h:/m:ro"], []),
        ({"hostPath": {"path": "/h"}}, {"subPath": "x"}, ["/h/x:/m"], []),
        ({"emptyDir": {}}, {}, [], [("tilt-abc-12345678-9-v", False)]),
        ({"emptyDir": {}}, {"subPath": "/x/"}, ["/engine/v/x:/m"], []),
        ({"configMap": {"name": "m"}}, {}, [], [("tilt-abc-12345678-9-v", True)]),
        ({"persistentVolumeClaim": {"claimName": "d"}}, {}, [], [("tilt-abc-claim-default-d", False)]),
    ],
)
def test_mounts(volume, mount, binds, mounts):
    made = request(
        {"volumeMounts": [{"name": "v", "mountPath": "/m", **mount}]},
        {"volumes": [{"name": "v", **volume}]},
        folders={"v": "/engine/v"},
    )["HostConfig"]
    assert made["Binds"] == binds
    assert [(item["Source"], item["ReadOnly"]) for item in made["Mounts"]] == mounts


def test_a_volume_of_a_cluster_is_refused():
    with pytest.raises(ApplyError, match="the volume `v` of `Pod/web` needs a Kubernetes cluster: it is made of nfs"):
        pod_volumes(pod(volumes=[{"name": "v", "nfs": {}}]), PROJECT)


def test_a_sandbox_has_names_ports_and_the_pod():
    ports = [{"containerPort": 80, "hostPort": 8080}]
    made = sandbox_request(pod(containers=[{"name": "c", "image": "x", "ports": ports}]), PROJECT, GROUND, {})
    host = made["HostConfig"]
    assert made["Hostname"] == "web"
    assert made["Cmd"] == ["pause", "198.18.0.0/16"]
    assert host["Dns"] == ["198.18.0.10"]
    assert host["DnsSearch"] == ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    assert host["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]}
    assert '"name":"web"' in made["Labels"]["dev.pytilt.pod-object"]


def test_a_sandbox_on_the_hosts_network_routes_nothing():
    made = sandbox_request(pod(hostNetwork=True), PROJECT, GROUND, {})
    assert made["Cmd"] == ["pause"]
    assert "CapAdd" not in made["HostConfig"]


def test_each_directory_is_a_project_of_its_own():
    assert project_id("/a") == project_id("/a") != project_id("/b")
    assert project_id("/\udcff") != project_id("/\udcfe")  # names of folders need not be UTF-8
