import json
from pathlib import Path

import pytest

from pytilt.session.diagnosis import Section, diagnose
from pytilt.settings import Settings
from tests.images.docker.scripted import scripted
from tests.kubernetes.api_server import Reply, api_server

NODE = {"status": {"nodeInfo": {"architecture": "amd64", "containerRuntimeVersion": "containerd://1.7.2"}}}


def section(found: tuple[Section, ...], title: str) -> dict[str, str]:
    (chosen,) = (each for each in found if each.title == title)
    return {finding.name: finding.error or finding.value for finding in chosen.findings}


async def test_engine_and_cluster_are_asked_what_they_are(tmp_path: Path):
    async with api_server() as server, scripted(tmp_path, {}) as (_, settings):
        server.on("GET", "/version", Reply(body={"gitVersion": "v1.34.4"}))
        server.on("GET", "/api/v1/nodes", Reply(body={"items": [NODE]}))
        config = {
            "current-context": "kind-a",
            "clusters": [{"name": "kind-a", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
            "contexts": [{"name": "kind-a", "context": {"cluster": "kind-a", "namespace": "shop"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        environ = {**settings.environ, "KUBECONFIG": str(tmp_path / "config")}
        found = await diagnose(Settings.from_environment(environ))
    assert section(found, "Container engine") == {
        "Host": f"unix://{tmp_path}/engine.sock (by `DOCKER_HOST`)",
        "Server Version": "27.0 (docker)",
        "Platform": "linux/amd64",
        "Builder": "BuildKit",
    }
    assert section(found, "Kubernetes") == {
        "Context": "kind-a",
        "Cluster Name": "kind-a",
        "Namespace": "shop",
        "Env": "kind",
        "Container Runtime": "containerd://1.7.2",
        "Version": "v1.34.4",
        "Cluster Local Registry": "none",
    }


async def test_what_does_not_answer_is_named_with_the_reason_and_the_rest_is_there(tmp_path: Path):
    environ = {"DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(tmp_path), "PATH": str(tmp_path)}
    (tmp_path / "helm").write_text("#!/bin/sh\n")
    (tmp_path / "helm").chmod(0o755)
    found = await diagnose(Settings.from_environment(environ))
    assert "does not answer" in section(found, "Container engine")["Host"]
    assert section(found, "Kubernetes")["Context"] == "engine"
    assert "does not answer" in section(found, "Kubernetes")["Env"]
    programs = section(found, "Programs")
    assert (programs["helm"], programs["kubectl"]) == (str(tmp_path / "helm"), "not found")
    assert section(found, "")["Tilt"].startswith("v0.37.6, built ")


async def test_a_context_that_is_none_is_an_error_of_its_section(tmp_path: Path):
    settings = Settings.from_environment({"DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(tmp_path)})
    found = await diagnose(settings, context="staging")
    assert "staging" in section(found, "Kubernetes")["Context"]


@pytest.mark.parametrize("status", [None, 401, 500])
async def test_a_cluster_that_does_not_answer_is_an_error_of_its_section(tmp_path: Path, status: int | None):
    async with api_server() as server:
        port = 1 if status is None else server.port
        server.on("GET", "/version", Reply(status=status or 200, body={"message": "go away"}))
        config = {
            "current-context": "far",
            "clusters": [{"name": "far", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "contexts": [{"name": "far", "context": {"cluster": "far"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config))
        environ = {"DOCKER_HOST": f"unix://{tmp_path}/none", "HOME": str(tmp_path)}
        found = await diagnose(Settings.from_environment({**environ, "KUBECONFIG": str(tmp_path / "config")}))
    assert section(found, "Kubernetes")["Context"] == "far"
    assert section(found, "Kubernetes")["Env"]
