import pytest

from pytilt.cluster.references import names, parse


@pytest.mark.parametrize(
    ("text", "name", "tag", "familiar"),
    [
        ("web", "docker.io/library/web", "", "web"),
        ("web:1.0", "docker.io/library/web", "1.0", "web"),
        ("shop/web", "docker.io/shop/web", "", "shop/web"),
        ("docker.io/web", "docker.io/library/web", "", "web"),
        ("index.docker.io/library/web", "docker.io/library/web", "", "web"),
        ("localhost/web", "localhost/web", "", "localhost/web"),
        ("localhost:5001/a/web:x", "localhost:5001/a/web", "x", "localhost:5001/a/web"),
        ("gcr.io/p/web", "gcr.io/p/web", "", "gcr.io/p/web"),
        ("localhost:5000", "docker.io/library/localhost", "5000", "localhost"),
        ("a__b-c/e", "docker.io/a__b-c/e", "", "a__b-c/e"),
    ],
)
def test_short_names_mean_what_they_mean_to_docker(text, name, tag, familiar):
    found = parse(text)
    assert found
    assert (found.name, found.tag, found.familiar_name) == (name, tag, familiar)


@pytest.mark.parametrize("text", ["", "Web", "a b", "http://x/y", "web:", "/web", "web@sha256:12", "$(IMAGE)", "a//b"])
def test_what_cannot_be_a_reference_is_none(text):
    assert parse(text) is None


def test_digests_are_understood():
    found = parse(f"gcr.io/p/web:1@sha256:{'a' * 64}")
    assert found
    assert (found.name, found.tag, found.digest) == ("gcr.io/p/web", "1", f"sha256:{'a' * 64}")


def test_a_name_matches_every_tag_unless_exactness_is_asked_for():
    assert names("docker.io/library/web:2", "web")
    assert names("web:1", "web:1", exact=True)
    assert not names("web:2", "web:1", exact=True)
    assert names("docker.io/library/web:1", "web:1", exact=True)
    assert not names("other/web", "web")
    assert not names("", "web")
