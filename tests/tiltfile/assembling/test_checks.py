"""What is wrong in a Tiltfile, and how it is reported: `mistakes.txt` has a Tiltfile and the whole message, in turn.

Tilt says the same at the same place, in substance; where its words are those of Go, these are others.
"""

from pathlib import Path

import pytest

from pytilt.testing.project import Project
from tests.tiltfile.projects import DOCKERFILE, config_map, deployment, secret

MISTAKES = (Path(__file__).parent / "mistakes.txt").read_text().rstrip("\n").split("\n=====\n")
FILES = {
    "Dockerfile": DOCKERFILE,
    "sub/Dockerfile": DOCKERFILE,
    "d.yaml": deployment("web", "img/web"),
    "other.yaml": deployment("other", "img/other"),
    "cm.yaml": config_map("cm"),
    "secret.yaml": secret("cm", "k", "v"),
    "dc.yaml": "services: {s: {image: x}}\n",
    "list.yaml": "services: [1]\n",
    "includes.yaml": "include: [list.yaml]\nservices: {}\n",
    "frozen.star": "d = {}\nl = [1]\n",
    "bad.env": "a b c\n",
    "repo/.git/HEAD": "",
    "bad.yaml": "a: b: c\n",
    "multi.yaml": "a: 1\n---\nb: 2\n",
    "lib.star": "y = 1\n",
    "broken.star": "x = (\n",
    "cycle.star": "load('cycle.star', 'x')\nx = 1\n",
    "fails.star": "def g():\n  fail('deep')\ng()\n",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("project"), FILES)


@pytest.mark.parametrize("mistake", MISTAKES, ids=[each.partition("\n-----\n")[0][:60] for each in MISTAKES])
def test_a_mistake_is_reported_with_its_place_and_what_to_do(project: Project, mistake: str) -> None:
    tiltfile, _, expected = mistake.partition("\n-----\n")
    project.tiltfile.write_text(f"{tiltfile}\n")
    assert project.error() == expected
