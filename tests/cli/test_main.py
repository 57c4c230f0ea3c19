import re
import sys
from pathlib import Path

import pytest

from pytilt import BUILD, TILT_VERSION, __date__, __version__
from pytilt.cli.command_line.commands import CommandGroup
from pytilt.cli.command_line.parsing import Option
from pytilt.cli.command_line.table import COMMANDS, command_named
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.settings import Settings
from scripts.cli_reference import PAGE, reference
from tests.cli.conftest import Tilt

SLOW = {"httpx", "websockets", "yaml", "starlette", "uvicorn", "pytilt.tiltfile", "pytilt.kubernetes"}
SLOWER_THAN_A_VERB = {
    *("click", "msgspec", "pathlib", "socket", "urllib.parse", "hashlib", "inspect", "datetime", "yaml"),
    *("typing", "collections", "contextlib", "enum", "functools", "json", "re", "threading"),
}
SLOW_AND_UNUSED = {"httpx", "httpcore", "anyio", "rich", "textual", "websockets", "starlette", "uvicorn"}
"""What a session does without, as long as it has no port and opens nothing in a cluster."""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(tilt: Tilt, name: str):
    ended = tilt(name, "--help")
    assert (ended.status, ended.error) == (0, "")
    assert ended.out.startswith(f"Usage: tilt {name} ")
    assert f"  tilt {name}" in ended.out.partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(tilt: Tilt, name: str):
    options = tilt(name, "-h").out.partition("Options:\n")[2].splitlines()
    assert options
    bare = [
        line
        for line, after in zip(options, [*options[1:], ""], strict=True)
        if line.startswith(("  -", "      --")) and "  " not in line.strip() and not after.startswith(" " * 10)
    ]
    assert not bare


@pytest.mark.parametrize("name", ["apply", "create", "delete", "wait", "snapshot view", "demo", "get"])
def test_what_is_accepted_without_effect_is_named_with_its_reason(tilt: Tilt, name: str):
    text = " ".join(tilt(*name.split(), "--help").out.partition("Accepted without effect:\n")[2].split())
    declared = command_named(name.split(maxsplit=1)[0])
    params = declared.commands["view"].params if isinstance(declared, CommandGroup) and " " in name else declared.params
    inert = [each for each in params if isinstance(each, Option) and (each.help or "").startswith("Changes nothing")]
    assert inert
    for each in inert:
        assert each.words[-1] in text
        assert (each.help or "").partition(": ")[2].rstrip(".") in text


def test_all_commands_are_listed_with_what_they_do(tilt: Tilt):
    ended = tilt("--help")
    assert ended.status == 0
    for name, (_, text) in COMMANDS.items():
        assert any(name in line and text[:30] in line for line in ended.out.splitlines())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_docs(name: str):
    assert f"\n## tilt {name}\n" in PAGE.read_text()


def test_the_page_of_the_docs_is_what_the_commands_say():
    assert PAGE.read_text() == reference(), "write it anew: python scripts/cli_reference.py"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["get"], "Missing argument 'WHAT'"),
        (["logs", "--nonsense"], "No such option"),
        (["logs", "--level", "loud"], "'loud' is not one of 'warn', 'error'"),
        (["get", "uiresources", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_a_mistake_on_the_command_line_is_an_error_with_status_1(tilt: Tilt, words: list[str], text: str):
    ended = tilt(*words)
    assert (ended.status, ended.out) == (1, "")
    assert text in ended.error


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("log", "is it `tilt logs`?"),
        ("nonsense", "`tilt --help` lists the commands"),
    ],
)
def test_a_command_that_is_not_there_is_an_error_that_says_what_to_do_instead(tilt: Tilt, name: str, hint: str):
    assert tilt(name) == (1, "", f"Error: No such command '{name}'\nhint: {hint}\n")


def test_a_setting_that_cannot_be_used_is_an_error(tilt: Tilt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TILT_PORT", "many")
    ended = tilt("get", "uiresources")
    assert ended.status == 1
    assert ended.error.startswith("Error: `TILT_PORT` is `many`, which is not a port\nhint: ")


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (["version"], f"v{TILT_VERSION}, built {__date__}, by pytilt v{__version__}\n"),
        (["--version"], f"{BUILD}\n"),
        (["version", "-o", "json"], f'{{"version": "{__version__}", "date": "{__date__}"}}\n'),
    ],
)
def test_the_version_is_printed(tilt: Tilt, words: list[str], out: str):
    assert tilt(*words) == (0, out, "")


@pytest.mark.parametrize("command", ["up", "ci", "down"])
def test_without_a_tiltfile_a_project_command_says_where_it_looked(
    tilt: Tilt, command: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))
    ended = tilt(command)
    assert ended.status == 1
    assert "No Tiltfile found at paths '" in ended.error
    assert "hint: go to the folder of a Tiltfile, or name it with `-f`" in ended.error


async def imported(words: list[str], folder: str, watched: set[str]) -> tuple[int | None, bytes]:
    """Run a command line by itself: its status, and which of some modules it has imported."""
    program = (
        f"import sys; from pytilt.cli.main import run; status = run({words!r});"
        f"print(*sorted({watched!r} & set(sys.modules)), file=sys.stderr); sys.exit(status)"
    )
    environ = tuple(sorted(Settings.from_environment().environ.items()))
    said: list[bytes] = []
    request = ProcessRequest(argv=(sys.executable, "-c", program), dir=folder, env=environ)
    async with HostRunner() as runner:
        outcome = await runner.run(request, lambda _: None, error_output=said.append)
    return outcome.exit_status, b"".join(said).strip()


@pytest.mark.parametrize(
    ("to", "status", "error"),
    [
        (">/dev/full", 1, "Error: the output cannot be written: no space left on device\n"),
        (">&-", 0, ""),
        ("<&- >&- 2>&-", 0, ""),
    ],
)
async def test_an_output_that_takes_nothing_is_no_bug(to: str, status: int, error: str):
    line = f"{sys.executable} -m pytilt completion bash {to}"
    environ = tuple(sorted({**Settings.from_environment().environ, "PYTHONUNBUFFERED": ""}.items()))
    said: list[bytes] = []
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("sh", "-c", line), dir="/", env=environ)
        outcome = await runner.run(request, lambda _: None, error_output=said.append)
    assert (outcome.exit_status, b"".join(said).decode()) == (status, error)


async def test_too_few_open_files_are_no_bug(tmp_path: Path):
    (tmp_path / "Tiltfile").write_text("local_resource('a', 'true')\n")
    line = f"ulimit -n 15; exec {sys.executable} -m pytilt ci --port 0 --context engine"
    environ = tuple(sorted({**Settings.from_environment().environ, "TILT_DEV_DIR": str(tmp_path / "dev")}.items()))
    said: list[bytes] = []
    async with HostRunner() as runner:
        request = ProcessRequest(argv=("sh", "-c", line), dir=str(tmp_path), env=environ)
        outcome = await runner.run(request, lambda _: None, error_output=said.append)
    assert outcome.exit_status == 1
    assert b"".join(said).decode().startswith("Error: too many open files\nhint: allow more open files: `ulimit -n`")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
async def test_a_log_is_printed_in_any_encoding(tmp_path: Path, encoding: str):
    (tmp_path / "Tiltfile").write_bytes("local_resource('a', 'echo \u2713')\n".encode())
    environ = {**Settings.from_environment().environ, "PYTHONIOENCODING": encoding, "TILT_DEV_DIR": f"{tmp_path}/dev"}
    said: list[bytes] = []
    async with HostRunner() as runner:
        argv = (sys.executable, "-m", "pytilt", "ci", "--port=0", "--context=engine")
        request = ProcessRequest(argv=argv, dir=str(tmp_path), env=tuple(sorted(environ.items())))
        outcome = await runner.run(request, said.append)
    wanted = " a \u2502 \u2713\n".encode(encoding, "replace")
    assert (outcome.exit_status, wanted in b"".join(said)) == (0, True), said


async def test_a_command_that_asks_a_session_starts_without_what_a_session_needs():
    assert await imported(["get", "--help"], "/", SLOW) == (0, b"")


@pytest.mark.parametrize(
    "words",
    [
        "version",
        "get uiresources",
        "get uiresources -o json",
        "describe uiresource db",
        "trigger db",
        "logs db",
        "enable db",
        "args a",
        "wait --for=create uiresource/db",
        "wait --for=condition=Ready=false uiresource/db",
    ],
)
@pytest.mark.usefixtures("served")
async def test_a_plain_verb_imports_nothing_that_takes_longer_than_its_answer(words: str):
    assert await imported(words.split(), "/", SLOWER_THAN_A_VERB) == (0, b"")


@pytest.mark.parametrize(
    ("before", "after"),
    [("pass", b""), ("import atexit; atexit.register(print, 'bye')", b"bye\n")],
)
async def test_what_is_registered_for_the_end_of_python_runs(before: str, after: bytes):
    program = f"import sys; {before}; sys.argv = ['tilt', 'version']; from pytilt.cli.main import main; main()"
    said: list[bytes] = []
    environ = tuple(sorted(Settings.from_environment().environ.items()))
    async with HostRunner() as runner:
        request = ProcessRequest(argv=(sys.executable, "-c", program), dir="/", env=environ)
        outcome = await runner.run(request, said.append)
    assert outcome.exit_status == 0
    assert b"".join(said).endswith(f"by pytilt v{__version__}\n".encode() + after)


@pytest.mark.parametrize(
    ("text", "printed"), [("/a\udcff", b"/a\xff"), ("\ud800", b"?"), ("\N{BLACK CIRCLE}", "\N{BLACK CIRCLE}".encode())]
)
async def test_a_text_that_is_no_utf_8_is_printed_as_it_is(text: str, printed: bytes):
    program = (
        f"import atexit, sys; atexit.register(lambda: print({text!a})); atexit.register(lambda: print({text!a},"
        " file=sys.stderr)); sys.argv = ['tilt', 'version']; from pytilt.cli.main import main; main()"
    )
    environ = tuple(sorted({**Settings.from_environment().environ, "PYTHONIOENCODING": "utf-8:strict"}.items()))
    out, error = list[bytes](), list[bytes]()
    async with HostRunner() as runner:
        request = ProcessRequest(argv=(sys.executable, "-c", program), dir="/", env=environ)
        outcome = await runner.run(request, out.append, error_output=error.append)
    assert (outcome.exit_status, b"".join(error)) == (0, printed + b"\n")
    assert b"".join(out).splitlines()[1:] == [printed]


async def test_a_session_without_a_port_starts_without_a_web_server_and_large_libraries(tmp_path: Path):
    (tmp_path / "Tiltfile").write_text("local_resource('a', 'true')\n")
    assert await imported(["ci", "--port", "0"], str(tmp_path), SLOW_AND_UNUSED) == (0, b"")


def test_the_version_has_the_form_of_tilts():
    assert re.fullmatch(r"v\d+\.\d+\.\d+, built \d{4}-\d\d-\d\d", BUILD)


@pytest.mark.parametrize("name", ["dump", "alpha", "completion", "snapshot"])
def test_a_command_that_needs_another_one_shows_its_help(tilt: Tilt, name: str):
    ended = tilt(name)
    assert (ended.status, ended.error) == (0, "")
    assert ended.out == tilt(name, "--help").out
