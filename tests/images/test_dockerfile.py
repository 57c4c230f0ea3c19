from collections.abc import Mapping

import pytest

from pytilt.images.dockerfile import expand, image_uses, instructions, needs_session, with_bases
from pytilt.model.names import ImageName
from pytilt.model.references import find_image

BASE, TOOLS = ImageName("shop/base"), ImageName("shop/tools")


def bases(text: str, build_args: Mapping[str, str] | None = None) -> list[ImageName]:
    """Which of two images a Dockerfile builds upon."""
    found = [find_image(use.reference, [BASE, TOOLS]) for use in image_uses(text, build_args)]
    return [name for name in dict.fromkeys(found) if name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM shop/base\n", [BASE]),
        ("from docker.io/shop/base:1.0\n", [BASE]),
        ("FROM --platform=$BUILDPLATFORM shop/base AS build\n", [BASE]),
        ("FROM shop/base as shop/tools\nFROM shop/tools\n", [BASE]),
        ("FROM a\nCOPY --chown=1 --from=shop/tools /a /b\n", [TOOLS]),
        ("FROM a AS x\nFROM b\nCOPY --from=x /a /b\nCOPY --from=0 /c /d\n", []),
        ("FROM a\nRUN --mount=type=bind,from=shop/tools,target=/t make\n", [TOOLS]),
        ("FROM a\nRUN --mount=from=shop/tools,target=/t make\n", [TOOLS]),
        ("FROM a\nRUN echo --from=shop/tools\n", []),
        ("FROM a\nCOPY x --from=shop/tools\n", []),
        ("ARG tag=1\nARG base=shop/base:$tag\nFROM ${base}\n", [BASE]),
        ('ARG base="shop/base"\nFROM $base\n', [BASE]),
        ("ARG base\nFROM ${base:-shop/base}\n", [BASE]),
        ("FROM a\nARG base=shop/base\nFROM ${base}x\n", []),
        ("FROM a\nARG repo=shop\nARG name=base\nFROM ${repo}/${name}\n", [BASE]),
        ("ARG name=base\nFROM a\nARG name=tools\nFROM shop/$name\n", [BASE]),
        ("# shop/base\n#FROM shop/base\nFROM \\\n# a comment\n\n  shop/base\n", [BASE]),
        ("# escape=`\nFROM `\nshop/base\n", [BASE]),
        ("FROM a\nRUN <<EOF\nFROM shop/base\nEOF\nFROM shop/tools\n", [TOOLS]),
        ("FROM a\nCOPY <<-'one' <<two /d/\nFROM shop/base\n\tone\nFROM shop/base\ntwo\nFROM shop/tools", [TOOLS]),
        ("FROM shop/base\r\nRUN x\r\n", [BASE]),
        ("FROM scratch\n", []),
        ("FROM\n", []),
        ("", []),
        ("nonsense \\\n", []),
        ("FROM shop/tools\nFROM shop/base\nFROM shop/tools\n", [TOOLS, BASE]),
    ],
)
def test_images_that_a_dockerfile_builds_upon_are_found(text: str, expected: list[ImageName]) -> None:
    assert bases(text) == expected


def test_build_args_go_before_defaults() -> None:
    text = "ARG base=busybox\nARG which\nFROM $base\nFROM $which\n"
    assert bases(text, {"base": "shop/base", "which": "shop/tools"}) == [BASE, TOOLS]
    assert bases(text) == []


def test_a_build_arg_between_two_stages_counts_for_the_names_after_it() -> None:
    text = "FROM a\nARG repo\nFROM ${repo}/${name}\n"
    assert bases(text, {"repo": "shop", "name": "tools"}) == [TOOLS]
    assert bases("ARG name=tools\nFROM shop/$name", {"name": ""}) == [TOOLS]


def test_uses_know_their_line() -> None:
    text = "# top\nARG v=1\nFROM a:$v AS x\nRUN one \\\n  two\nCOPY --from=b:2 / /\n"
    assert [(use.line, use.reference) for use in image_uses(text)] == [(3, "a:1"), (6, "b:2")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("FROM shop/base AS b\n", "FROM base:t AS b\n"),
        ("FROM  --platform=x \\\n  shop/base:1 # no\nRUN x", "FROM  --platform=x \\\n  base:t # no\nRUN x"),
        ("FROM a\nCOPY --from=shop/base /a /b", "FROM a\nCOPY --from=base:t /a /b"),
        ("FROM a\nRUN --mount=from=shop/base,rw true", "FROM a\nRUN --mount=from=base:t,rw true"),
        ("ARG b=shop/base\nFROM ${b}\r\n", "ARG b=shop/base\nFROM base:t\r\n"),
        ("FROM sh\\\nop/base\nRUN x", "FROM base:t\nRUN x"),
        ("FROM shop/base\nFROM x\nFROM shop/base", "FROM base:t\nFROM x\nFROM base:t"),
        ("FROM busybox\n# shop/base", "FROM busybox\n# shop/base"),
    ],
)
def test_references_are_replaced_where_they_are(before: str, after: str) -> None:
    assert with_bases(before, {BASE: "base:t"}) == after


def test_only_the_same_tag_of_an_image_with_a_tag_is_replaced() -> None:
    text = "FROM base:v1\nFROM base:other\nFROM base\nFROM base@sha256:" + "0" * 64 + "\nFROM any:x\n"
    names = {ImageName("base:v1"): "base:t", ImageName("any"): "any:t"}
    replaced = with_bases(text, names, exact={ImageName("base:v1")})
    assert replaced == text.replace("base:v1", "base:t").replace("any:x", "any:t")


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("$a-${a}", "1-1"),
        ("${none}", ""),
        ("${none:-x}", "x"),
        ("${none-x}", "x"),
        ("${empty:-x}", "x"),
        ("${empty-x}", ""),
        ("${a:+y}${none:+z}", "y"),
        ("${none:-$a}", "1"),
        (r"\$a", "$a"),
    ],
)
def test_variables_are_expanded(word: str, expected: str) -> None:
    assert expand(word, {"a": "1", "empty": ""}) == expected


def test_an_instruction_knows_where_its_characters_are() -> None:
    text = "  RUN one \\\n # note\n two\nCMD x\n"
    run, cmd = instructions(text)
    assert (run.keyword, run.text, run.line) == ("RUN", "RUN one  two", 1)
    assert "".join(text[offset] for offset in run.offsets) == run.text
    assert (cmd.text, cmd.line) == ("CMD x", 4)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("FROM busybox\nRUN true\nADD . .\nCOPY --from=a /b /c", False),
        ("FROM busybox\nRUN --mount=type=cache,target=/c true", False),
        ("FROM busybox\nRUN --mount=type=ssh git fetch", True),
        ("FROM busybox\nRUN --mount=target=/x,type=secret,id=a \\\n  cat /x", True),
        ("FROM busybox\nRUN --mount=$HOW true", True),
        ("FROM busybox\nADD git@github.com:a/b.git /b", True),
        ("FROM busybox\nADD https://example.com/a /a", True),
        ("# syntax=docker/dockerfile:1.4\nFROM busybox", False),
        ("# syntax=example.com/other\nFROM busybox", True),
    ],
)
def test_what_may_ask_for_keys_and_secrets_is_known_by_its_instructions(text: str, asks: bool):
    assert needs_session(text) is asks
