"""No reader of a session gets the value of a Secret, in whatever form."""

import asyncio
import base64
import http.client
import json
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import indent

from msgspec.structs import replace

from pytilt.model.images import DockerBuild, Image
from pytilt.model.names import TILTFILE, ImageName, ResourceName, SpanId
from pytilt.model.objects import (
    KINDS,
    ClusterState,
    ImageMap,
    Resource,
    ResourceStatus,
    Runtime,
    RuntimeState,
    Session,
    Tiltfile,
    TiltfileStatus,
)
from pytilt.model.updates import Outcome, Reason, Strategy, Update
from pytilt.testing.project import Project
from pytilt.views.api import kinds
from tests.server.sessions import TOKEN, Served

PEM = [
    "-----BEGIN PRIVATE KEY-----",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu",
    "NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s+CLOyS56YyCFGeJZ",
    "-----END PRIVATE KEY-----",
]
PLAIN, ENCODED, REGISTRY, QUOTED = "tr0ub4dor&3", "c0rrect-h0rse", "b4ttery-st4ple", 'quo"ted\\pass<word>'
REGISTRY_AUTH = base64.b64encode(f"robot:{REGISTRY}".encode()).decode()
REGISTRY_CONFIG = json.dumps({"auths": {"ghcr.io": {"username": "robot", "password": REGISTRY, "auth": REGISTRY_AUTH}}})
YAML = f"""
apiVersion: v1
kind: Secret
metadata:
  name: key
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{{"stringData": {{"plain": "{PLAIN}"}}}}'
data:
  encoded: {base64.b64encode(ENCODED.encode()).decode()}
stringData:
  plain: |
    {PLAIN}
  quoted: {json.dumps(QUOTED)}
  pem: |
{indent(chr(10).join(PEM), "    ")}
---
apiVersion: v1
kind: Secret
type: kubernetes.io/dockerconfigjson
metadata: {{name: registry}}
data:
  .dockerconfigjson: {base64.b64encode(REGISTRY_CONFIG.encode()).decode()}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: open}}
data: {{fine: to-be-seen}}
"""
VALUES = [PLAIN, ENCODED, REGISTRY, REGISTRY_AUTH, QUOTED, *PEM[1:-1]]
WHOLE = [f"{PLAIN}\n", ENCODED, "\n".join(PEM) + "\n", REGISTRY_CONFIG, QUOTED]
FORMS = {
    *VALUES,
    *(json.dumps(value)[1:-1] for value in VALUES),
    *(json.dumps(json.dumps(value))[3:-3] for value in VALUES),
    *(base64.b64encode(value.encode()).decode().rstrip("=") for value in [*VALUES, *WHOLE]),
}
SAID = [*WHOLE, *VALUES, json.dumps({"all": WHOLE}), json.dumps(json.dumps(WHOLE)), REGISTRY_AUTH]


def leaks(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


def leaks_in_files(folder: Path) -> dict[Path, list[str]]:
    files = [path for path in folder.rglob("*") if path.is_file() and "project" not in path.parts]
    assert files
    return {path: found for path in files if (found := leaks(path.read_text()))}


@asynccontextmanager
async def a_session_that_holds_secrets(folder: Path):
    """Everything that a program, a cluster or a user may say holds them too."""
    project = Project(folder / "project", {"Tiltfile": "k8s_yaml('all.yaml')\n", "all.yaml": YAML})
    served = Served(folder)
    span = served.logs.span(ResourceName("key"), SpanId("build:1"), build=True)
    for text in SAID:
        span(f"before: {text}\n")
    served.logs.span(TILTFILE, SpanId("tiltfile:1"))("filling the file\n" * 5000)
    declaration = project.declare()
    served.logs.hide(declaration.secrets)
    for text in SAID:
        middle = len(text) // 2
        span(f"after: {text[:middle]}")
        span(f"{text[middle:]}\n")
    said = "\n".join(SAID)
    update = Update(
        id=1,
        span=SpanId("build:1"),
        reason=Reason.CHANGED_FILES,
        strategy=Strategy.FULL,
        started_at="2026-01-01T00:00:01Z",
        finished_at="2026-01-01T00:00:02Z",
        outcome=Outcome.FAILED,
        error=said,
        warnings=tuple(SAID),
        changed_files=(f"/p/{PLAIN}",),
    )
    status = TiltfileStatus(declaration=declaration, history=(update,))
    served.store.put(Tiltfile(name=TILTFILE, path="/p/Tiltfile", args=tuple(SAID), status=status))
    served.store.put(Session(name="Tiltfile", tiltfile_path="/p/Tiltfile"))
    for order, spec in enumerate(declaration.resources, start=2):
        served.store.put(Resource(name=spec.name, spec=spec, order=order, status=ResourceStatus(history=(update,))))
        served.store.put(Runtime(name=spec.name, status=RuntimeState(reason=said)))
        served.store.put(
            ImageMap(name="img", spec=_image(said)),
        )
    served.store.put(ClusterState(name="default", error=said))
    async with served.listening() as port:
        yield served, port
    served.logs.close()


def _image(said: str) -> Image:
    return Image(name=ImageName("img"), build=DockerBuild(context="/p", contents=said, build_args=(("TOKEN", PLAIN),)))


def asked(port: int, path: str, *, stream: bool = False) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"X-Tilt-Token": TOKEN, "Host": f"localhost:{port}"})
        answer = connection.getresponse()
        assert answer.status == 200, path
        return (answer.readline() if stream else answer.read()).decode()
    finally:
        connection.close()


async def test_no_answer_and_no_file_has_the_value_of_a_secret(tmp_path: Path):
    async with a_session_that_holds_secrets(tmp_path) as (served, port):
        own, groups = "/apis/pytilt.dev/v1alpha1", {kind.group_version for kind in kinds()}
        paths = [
            *((f"/apis/{each}", False) for each in groups),
            ("/", False),
            ("/api/logs", False),
            ("/api/version", False),
        ]
        for kind in kinds():
            base = f"/apis/{kind.group_version}"
            names = kind.names(served.store.snapshot())
            paths += [(f"{base}/{kind.plural}", False), *((f"{base}/{kind.plural}/{name}", False) for name in names)]
            paths += [(f"{base}/{kind.plural}?watch=1", True)] if names else []
        assert {each.name for each in kinds()} >= {kind.kind for kind in KINDS}
        answers = {path: await asyncio.to_thread(asked, port, path, stream=stream) for path, stream in paths}
    assert "to-be-seen" in answers[f"{own}/resources"]
    assert "[redacted secret key:plain]" in answers["/apis/tilt.dev/v1alpha1/uiresources"]
    assert {path: found for path, text in answers.items() if (found := leaks(text))} == {}
    assert await asyncio.to_thread(leaks_in_files, tmp_path) == {}


async def test_a_value_that_is_a_mere_word_leaves_what_programs_read_alone(tmp_path: Path):
    served = Served(tmp_path)
    served.logs.hide([("error", "[x]"), ("localhost", "[y]")])
    served.add("error")
    resource = served.store.get(Resource, "error")
    assert resource is not None
    update = Update(
        id=1, span=SpanId("build:error"), reason=Reason.NONE, strategy=Strategy.FULL, started_at="x", error="an error"
    )
    served.store.put(replace(resource, status=ResourceStatus(history=(update,))))
    async with served.listening() as port:
        row = json.loads(await asyncio.to_thread(asked, port, "/apis/pytilt.dev/v1alpha1/resources/error"))
    served.logs.close()
    assert row["metadata"]["name"] == "error"
    [build] = row["status"]["history"]
    assert (build["span"], build["error"]) == ("build:error", "an [x]")
