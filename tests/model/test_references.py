import pytest

from pytilt.errors import UserError
from pytilt.model.names import ImageName
from pytilt.model.references import find_image, image_name, matches, parse, try_parse

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "canonical", "familiar"),
    [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("docker.io/library/shop/web", "docker.io/library/shop/web", "library/shop/web"),
        ("shop/web", "docker.io/shop/web", "shop/web"),
        ("localhost/web", "localhost/web", "localhost/web"),
        ("localhost:5001/web:a", "localhost:5001/web:a", "localhost:5001/web:a"),
        ("Build/web", "Build/web", "Build/web"),
        ("gcr.io/a-b/c__d/e.f:T_1", "gcr.io/a-b/c__d/e.f:T_1", "gcr.io/a-b/c__d/e.f:T_1"),
        ("[::1]:5000/web", "[::1]:5000/web", "[::1]:5000/web"),
        (f"web:1@{DIGEST}", f"docker.io/library/web:1@{DIGEST}", f"web:1@{DIGEST}"),
    ],
)
def test_references_have_a_canonical_and_a_familiar_form(text: str, canonical: str, familiar: str) -> None:
    reference = parse(text)
    assert (reference.canonical, reference.familiar) == (canonical, familiar)
    assert image_name(text) == familiar


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("img web", "invalid reference format"),
        ("", "invalid reference format"),
        ("web:", "invalid reference format"),
        ("web:tag\n", "invalid reference format"),
        ("-web", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("Web", "invalid reference format: repository name (library/Web) must be lowercase"),
        ("shop/Web:1", "invalid reference format: repository name (shop/Web) must be lowercase"),
        ("a" * 64, f"invalid repository name ({'a' * 64}), cannot specify 64-byte hexadecimal strings"),
        ("x/" + "a" * 256, "repository name must not be more than 255 characters"),
        ("web@md5:" + "a" * 32, "unsupported digest algorithm"),
        ("web@sha256:" + "a" * 32, "invalid checksum digest length"),
    ],
)
def test_what_is_not_a_reference_is_refused_with_dockers_words(text: str, problem: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)
    assert caught.value.message == f'can\'t parse "{text}": {problem}'
    assert try_parse(text) is None


@pytest.mark.parametrize(
    ("reference", "image", "exact", "expected"),
    [
        ("shop/web:prod", "shop/web", False, True),
        ("docker.io/shop/web", "shop/web", False, True),
        ("shop/web2", "shop/web", False, False),
        ("shop/web:a", "shop/web:b", False, True),
        ("shop/web:a", "shop/web:b", True, False),
        ("shop/web:a", "docker.io/shop/web:a", True, True),
        ("$(IMAGE)", "shop/web", False, False),
    ],
)
def test_references_in_yaml_match_images(reference: str, image: str, exact: bool, expected: bool) -> None:
    assert matches(reference, ImageName(image), exact=exact) is expected


def test_an_image_is_found_by_its_name_or_where_that_counts_by_its_tag() -> None:
    images = [ImageName("shop/web:a"), ImageName("shop/web:b"), ImageName("shop/db")]
    assert find_image("docker.io/shop/web:b", images, exact=images[:2]) == "shop/web:b"
    assert find_image("shop/web:c", images, exact=images[:2]) is None
    assert find_image("shop/db:latest", images) == "shop/db"
    assert find_image("busybox", images) is None
