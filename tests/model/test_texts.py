"""Files are bytes until they are shown: nothing that is no UTF-8 breaks an evaluation, and the bytes stay the same."""

import os
import random
from pathlib import Path

import pytest

from pytilt.images.context import context_chunks, plan_context
from pytilt.loop.planning.digests import resource_digest
from pytilt.model.images import DockerBuild
from pytilt.model.resources import LocalDeploy
from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, deployment

LATIN = "café".encode("latin-1")
BINARY = bytes(range(256))


def project(tmp_path: Path, **files: bytes) -> Project:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    return Project(tmp_path, {})


def argument(found: Project, name: str) -> bytes:
    deploy = found.resource(name).deploy
    assert isinstance(deploy, LocalDeploy)
    assert deploy.update is not None
    return os.fsencode(deploy.update.argv[-1])


def test_bytes_of_a_tiltfile_reach_a_command(tmp_path):
    found = project(tmp_path, Tiltfile=b"local_resource('a', ['echo', '" + LATIN + b"'], env={'X': '\xff'})")
    assert argument(found, "a") == LATIN
    assert resource_digest(found.resource("a"))


def test_another_byte_is_another_digest(tmp_path):
    texts = (b"local_resource('a', 'echo \xe9')", b"local_resource('a', 'echo \xe8')")
    digests = {resource_digest(project(tmp_path, Tiltfile=text).resource("a")) for text in texts}
    assert len(digests) == len(texts)


@pytest.mark.parametrize("read", ["read_file('data')", "local('cat data', quiet=True)", "local('cat data')"])
def test_a_file_of_any_bytes_can_be_read_and_used(tmp_path, read: str):
    found = project(tmp_path, Tiltfile=f"local_resource('a', ['x', str({read})])".encode(), data=BINARY + b"\r\n")
    assert argument(found, "a") == BINARY + b"\r\n"
    assert resource_digest(found.resource("a"))


def test_a_dockerfile_of_any_bytes_is_sent_as_it_is(tmp_path):
    text = DOCKERFILE.encode() + b"# " + LATIN + b"\nRUN echo \xff\r\n"
    script = f"docker_build('img', '.')\nk8s_yaml(blob({deployment('web', 'img')!r}))".encode()
    web = project(tmp_path, Tiltfile=script, Dockerfile=text).resource("web")
    build = web.images[0].build
    assert isinstance(build, DockerBuild)
    assert build.contents is not None
    plan = plan_context(build.context, build.dockerfile, build.contents, build.context_ignores)
    assert text in b"".join(context_chunks(plan))
    assert resource_digest(web)


@pytest.mark.parametrize("name", [".dockerignore", ".tiltignore"])
def test_an_ignore_file_names_files_by_their_bytes(tmp_path, name: str):
    (tmp_path / name).write_bytes(LATIN + b"\n\xff[\n\x85x\n")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    found = project(tmp_path, Tiltfile=b"docker_build('img', '.')\nlocal_resource('a', 'true')")
    result = found.evaluate()
    assert result.declaration is not None
    assert any(":2: syntax error in pattern" in text for text in result.warnings)


def test_yaml_of_other_bytes_is_an_error_that_names_the_file(tmp_path):
    (tmp_path / "app.yaml").write_bytes(b"kind: ConfigMap\nmetadata: {name: " + LATIN + b"}\n")
    assert "app.yaml: not YAML" in project(tmp_path, Tiltfile=b"k8s_yaml('app.yaml')").error()


def test_half_a_pair_in_json_is_no_text(tmp_path):
    found = project(tmp_path, Tiltfile=b"local_resource('a', decode_json('\"x\\\\ud800y\"'))")
    assert argument(found, "a") == "x\N{REPLACEMENT CHARACTER}y".encode()


@pytest.mark.parametrize("seed", range(30))
def test_no_tiltfile_of_any_bytes_is_more_than_an_error(tmp_path, seed: int):
    chance = random.Random(seed)
    text = bytearray(b"local_resource('a', 'echo x', deps=['src'], ignore=['*.o'], labels=['l'])\nprint('y')\n" * 2)
    for _ in range(chance.randint(1, 12)):
        text[chance.randrange(len(text))] = chance.randrange(256)
    result = project(tmp_path, Tiltfile=bytes(text)).evaluate()
    if result.declaration is None:
        assert result.error
    else:
        assert all(resource_digest(each) for each in result.declaration.resources)
