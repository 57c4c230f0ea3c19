import pytest

from pytilt.images.docker.client_build import client_words
from pytilt.images.docker.options import build_params, platform_of
from pytilt.model.images import DockerBuild

FULL = DockerBuild(
    context="/src",
    build_args=(("A", "1"), ("FROM_ENV", ""), ("UNSET", "")),
    target="prod",
    network="host",
    cache_from=("r/x",),
    pull=True,
    extra_hosts=("a:1.2.3.4", "b:1.2.3.5"),
    ssh=("default",),
    secrets=("id=x,src=y",),
)


def test_a_plain_build_asks_for_little() -> None:
    params = build_params(DockerBuild(context="/src"), dockerfile="Dockerfile", platform="", environ={}, buildkit=True)
    assert params == {
        "dockerfile": "Dockerfile",
        "labels": '{"dev.tilt.built":"true","dev.tilt.gc":"true"}',
        "rm": True,
        "forcerm": True,
        "version": "2",
    }


def test_all_that_the_tiltfile_says_reaches_the_engine() -> None:
    params = build_params(FULL, dockerfile="D", platform="linux/arm64", environ={"FROM_ENV": "2"}, buildkit=False)
    assert "version" not in params
    assert params["buildargs"] == '{"A":"1","FROM_ENV":"2"}'
    assert params["cachefrom"] == '["r/x"]'
    assert params["extrahosts"] == ("a:1.2.3.4", "b:1.2.3.5")
    assert (params["target"], params["networkmode"], params["platform"], params["pull"]) == (
        "prod",
        "host",
        "linux/arm64",
        True,
    )


def test_all_that_the_tiltfile_says_reaches_the_cli() -> None:
    words = " ".join(client_words(FULL, "D", "linux/arm64", id_file="/id", context="-"))
    for part in (
        "--file D --iidfile /id",
        "--label dev.tilt.gc=true",
        "--build-arg A=1 --build-arg FROM_ENV",
        "--ssh default",
        "--secret id=x,src=y",
        "--target prod --network host --platform linux/arm64 --cache-from r/x",
        "--add-host a:1.2.3.4 --add-host b:1.2.3.5 --pull -",
    ):
        assert part in words


@pytest.mark.parametrize(
    ("own", "default", "cluster", "expected"),
    [
        ("linux/amd64", "linux/s390x", "linux/arm64", "linux/amd64"),
        ("", "linux/s390x", "linux/arm64", "linux/s390x"),
        ("", "", "linux/arm64", "linux/arm64"),
        ("", "", "linux/arm", "linux/arm/v7"),
        ("", "", "", ""),
    ],
)
def test_the_image_then_the_environment_then_the_cluster_decide_the_platform(
    own: str, default: str, cluster: str, expected: str
) -> None:
    assert platform_of(DockerBuild(context="/src", platform=own), default, cluster) == expected
