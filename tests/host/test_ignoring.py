from pathlib import Path

import pytest

from pytilt.errors import UserError
from pytilt.host.ignoring import EDITOR_PATTERNS, compile_ignores, parse_ignore_file
from pytilt.model.files import Ignore


def ignored(*patterns: str, base: str = "/repo") -> set[str]:
    matcher = compile_ignores([Ignore(base=base, patterns=patterns)])
    return {path for path in PATHS if matcher.matches(path)}


PATHS = (
    "/repo",
    "/repo/a",
    "/repo/a/b",
    "/repo/a/b/c.go",
    "/repo/a/temporary.txt",
    "/repo/A/b",
    "/repo/node_modules/left-pad/index.js",
    "/repo/docs/README.md",
    "/repo/docs/stuff.md",
    "/repo/main.go",
    "/other/a/b",
)


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["node_modules"], {"/repo/node_modules/left-pad/index.js"}),
        (["node_modules/"], {"/repo/node_modules/left-pad/index.js"}),
        (["node_modules/**"], {"/repo/node_modules/left-pad/index.js"}),
        (["./docs/../docs"], {"/repo/docs/README.md", "/repo/docs/stuff.md"}),
        (["*/temp*"], {"/repo/a/temporary.txt"}),
        (["**/temp*"], {"/repo/a/temporary.txt"}),
        (["**/c.go"], {"/repo/a/b/c.go"}),
        (["a/**/c.go"], {"/repo/a/b/c.go"}),
        (["a/**/*.txt"], {"/repo/a/temporary.txt"}),
        (["*.go"], {"/repo/main.go"}),
        (["**/*.go"], {"/repo/main.go", "/repo/a/b/c.go"}),
        (["main.g?"], {"/repo/main.go"}),
        (["main.g"], set()),
        (["[a-c]/b"], {"/repo/a/b", "/repo/a/b/c.go"}),
        (["[^a-c]/b"], {"/repo/A/b"}),
        ([r"\main.go"], {"/repo/main.go"}),
        (["docs", "!docs/README.md"], {"/repo/docs/stuff.md"}),
        (["!docs/README.md", "docs"], {"/repo/docs/README.md", "/repo/docs/stuff.md"}),
        (["docs", "!docs", "docs/README.md"], {"/repo/docs/README.md"}),
        (["/repo/docs/README.md"], {"/repo/docs/README.md"}),
        (["/docs/README.md"], set()),
        (["../other"], {"/other/a/b"}),
        (["../**/b"], {"/repo/a/b", "/repo/a/b/c.go", "/repo/A/b", "/other/a/b"}),
        (["."], set(PATHS) - {"/repo", "/other/a/b"}),
        (["", "  "], set()),
    ],
)
def test_patterns_mean_what_they_mean_in_a_dockerignore(patterns: list[str], expected: set[str]):
    assert ignored(*patterns) == expected


def test_only_what_an_exception_names_is_left_of_a_tree():
    matcher = compile_ignores([Ignore(base="/repo", patterns=("**", "!pkg/**/*.go", "!go.mod"))])
    kept = ["/repo/go.mod", "/repo/pkg/hello.go", "/repo/pkg/internal/hello.go"]
    dropped = ["/repo/hello.go", "/repo/pkg/hello.txt", "/repo/pkg/internal/module/hello.txt"]
    assert [path for path in kept + dropped if not matcher.matches(path)] == kept


def test_an_ignore_without_patterns_covers_its_whole_base():
    matcher = compile_ignores([Ignore(base="/repo/.git"), Ignore(base="/repo/Tiltfile")])
    paths = ["/repo/.git", "/repo/.git/index", "/repo/.gitignore", "/repo/Tiltfile", "/repo/Tiltfile.py"]
    assert [path for path in paths if matcher.matches(path)] == paths[:2] + paths[3:4]


def test_any_of_several_ignores_is_enough():
    matcher = compile_ignores(
        [Ignore(base="/repo", patterns=("*.go", "!main.go")), Ignore(base="/repo/a", patterns=("*.go",))]
    )
    assert not matcher.matches("/repo/main.go")
    assert matcher.matches("/repo/other.go")
    assert matcher.matches("/repo/a/main.go")


def test_special_characters_of_the_base_are_taken_literally():
    matcher = compile_ignores([Ignore(base="/re[po]*", patterns=("../x", "b*"))])
    assert matcher.matches("/re[po]*/bar")
    assert matcher.matches("/x")
    assert not matcher.matches("/rep/bar")


def test_the_root_of_the_file_system_can_be_a_base():
    matcher = compile_ignores([Ignore(base="/", patterns=("tmp", "**/*.pyc"))])
    assert matcher.matches("/tmp/x")
    assert matcher.matches("/a.pyc")
    assert matcher.may_skip_dir("/tmp")
    assert not matcher.may_skip_dir("/")


@pytest.mark.parametrize(
    ("patterns", "skipped"),
    [
        (["a"], {"a"}),
        (["a/**"], {"a/b", "a/x"}),
        (["a", "!a/b", "a/b/c"], {"a/x", "a/b/c"}),
        (["a", "!b/README.md"], {"a"}),
        (["a", "!**/README.md"], set()),
        (["a", "!a/*/c"], {"a/b/d"}),
        (["a", "!a/[b]/c"], set()),
        (["**", "!a/b"], {"a/x", "z"}),
        (["a", "!a"], set()),
        (["!a", "a"], {"a"}),
    ],
)
def test_a_directory_may_be_skipped_only_when_nothing_below_can_come_back(patterns: list[str], skipped: set[str]):
    matcher = compile_ignores([Ignore(base="/repo", patterns=tuple(patterns))])
    directories = [".", "a", "a/b", "a/b/c", "a/b/d", "a/x", "z"]
    found = {directory for directory in directories if matcher.may_skip_dir(f"/repo/{directory}".removesuffix("/."))}
    outermost = {directory for directory in found if not any(directory.startswith(f"{other}/") for other in found)}
    assert outermost == skipped


def test_files_of_editors_are_known(tmp_path: Path):
    matcher = compile_ignores([Ignore(base=str(tmp_path), patterns=EDITOR_PATTERNS)])
    names = [
        ".main.py.swp",
        "4913",
        "main.py~",
        "x/.idea/workspace.xml",
        "#main.py#",
        ".#main.py",
        "main.py___jb_tmp___",
    ]
    assert all(matcher.matches(f"{tmp_path}/{name}") for name in names)
    assert not any(matcher.matches(f"{tmp_path}/{name}") for name in ("main.py", "swp", "x/4913.py"))


def test_an_ignore_file_is_read_line_by_line():
    text = "\ufeff# a comment\n /dist/ \r\n\n!  dist/keep\n  # no comment\n./x//y\n/\n"
    assert parse_ignore_file(text).patterns == ("dist", "!dist/keep", "# no comment", "x/y")


def test_a_line_of_an_ignore_file_that_is_no_pattern_is_left_out_and_reported():
    found = parse_ignore_file("a\n!\n\nd/[\nb\n")
    assert found.patterns == ("a", "b")
    assert [(line.number, line.error.message) for line in found.bad_lines] == [
        (2, "illegal exclusion pattern: `!`"),
        (4, "syntax error in pattern `d/[`"),
    ]


@pytest.mark.parametrize("pattern", ["[", "[]", "[a-]", "[b-a]", "a\\", "[z", "!"])
def test_a_pattern_that_cannot_be_read_is_the_users_error(pattern: str):
    with pytest.raises(UserError, match="pattern"):
        compile_ignores([Ignore(base="/repo", patterns=(pattern,))])


@pytest.mark.parametrize("pattern", ["/", "//", "!/", ".", "./", "/.", "a/.."])
def test_the_directory_of_an_ignore_file_itself_excludes_nothing(pattern):
    """As in Docker; in the Tiltfile a dot is the whole directory, as in Tilt."""
    assert parse_ignore_file(pattern).patterns == ()


def test_the_root_of_the_file_system_ignores_nothing():
    matcher = compile_ignores([Ignore(base="/p", patterns=("/", "!/"))])
    assert not matcher.matches("/p/a")
    assert not matcher.may_skip_dir("/p")
    assert compile_ignores([Ignore(base="/p", patterns=(".",))]).matches("/p/a")
