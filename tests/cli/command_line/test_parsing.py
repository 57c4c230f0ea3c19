from collections.abc import Iterator

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytilt.cli.command_line.commands import CommandGroup, Subcommand
from pytilt.cli.command_line.parsing import Argument, IntRange, OneOf, Option, parsed
from pytilt.cli.command_line.program import as_click
from pytilt.cli.command_line.table import COMMANDS, command_named
from pytilt.errors import UserError

VALUES = [
    "web",
    "x=y",
    "",
    "-",
    "--",
    "-1",
    "0",
    "12",
    "012",
    "70000",
    "1_0",
    "²",
    "true",
    "false",
    "F",
    "maybe",
    "a,b",
]


def all_commands() -> Iterator[Subcommand]:
    for name in COMMANDS:
        found = command_named(name)
        yield from found.commands.values() if isinstance(found, CommandGroup) else [found]


def words_of(command: Subcommand) -> list[str]:
    options = [each for each in command.params if isinstance(each, Option)]
    choices = [word for each in command.params if isinstance(each.type, OneOf) for word in each.type.words]
    names = [word for each in options for word in each.words]
    joined = [f"{name}={value}" for name in names for value in (*VALUES, *choices)]
    return [*VALUES, *choices, *names, *joined, "--help", "--none", "--debug", "-v", *(f"{name}x" for name in names)]


def by_click(command: click.Command, words: list[str]) -> dict[str, object] | None:
    """What click makes of the words; None where it finds a mistake in them."""
    try:
        with command.make_context(command.name, list(words)) as context:
            return {**context.params}
    except (click.ClickException, click.exceptions.Exit, UserError):
        return None


EVERY = [(each, as_click(each), words_of(each)) for each in all_commands()]


@settings(max_examples=500, deadline=None, database=None)
@given(st.data())
def test_what_is_read_without_click_is_read_as_click_does(data: st.DataObject):
    command, same, known = data.draw(st.sampled_from(EVERY))
    words = data.draw(st.lists(st.sampled_from(known), max_size=5))
    try:
        plain = command.values(words)
    except UserError:
        plain = None
    assert plain is None or plain == by_click(same, words)


def test_only_the_last_argument_takes_all_that_are_left_and_every_option_has_words_of_its_own():
    for command in all_commands():
        arguments = [each for each in command.params if isinstance(each, Argument)]
        assert not any(each.several for each in arguments[:-1])
        words = [word for each in command.params if isinstance(each, Option) for word in each.words]
        assert len(words) == len(set(words))


PARAMS = (
    Argument("what"),
    Argument("names", several=True),
    Option("-o", "--output", type=OneOf("json", "yaml")),
    Option("-n", "--tail", type=IntRange(0)),
    Option("-l", "--labels", multiple=True),
    Option("--watch", is_flag=True),
    Option("--since-when", "since", default="1h"),
    Option("--quiet", is_flag=True, exposed=False),
    Option("--mode", convert=lambda value: str(value).upper(), default="auto"),
    Option("--dry-run", bare="client", default="none"),
)
UNSET = {
    "names": (),
    "output": None,
    "tail": None,
    "labels": (),
    "watch": False,
    "since": "1h",
    "mode": "AUTO",
    "dry_run": "none",
}


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["a"], {"what": "a"}),
        (["a", "b", "-", "c"], {"what": "a", "names": ("b", "-", "c")}),
        (["--watch", "a", "--", "--watch", "-o"], {"what": "a", "names": ("--watch", "-o"), "watch": True}),
        (["a", "-o", "json", "--output=yaml"], {"what": "a", "output": "yaml"}),
        (["-l=x=y", "a", "--labels", "-l"], {"what": "a", "labels": ("x=y", "-l")}),
        (["a", "--tail", "012", "--watch=F"], {"what": "a", "tail": 12}),
        (["a", "--since-when=", "--quiet"], {"what": "a", "since": ""}),
        (["--mode", "fast", "--dry-run", "a"], {"what": "a", "mode": "FAST", "dry_run": "client"}),
        (["a", "--dry-run=server"], {"what": "a", "dry_run": "server"}),
    ],
)
def test_plain_words_are_read(words: list[str], values: dict[str, object]):
    assert parsed(PARAMS, words) == UNSET | values


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a", "-ojson"],
        ["a", "-o"],
        ["a", "-o", "xml"],
        ["a", "--tail", "-1"],
        ["a", "--tail", "many"],
        ["a", "--watch=maybe"],
        ["a", "--out", "json"],
        ["a", "--help"],
        ["a", "--debug"],
        ["a", "--dry-run=--"],
    ],
)
def test_all_else_is_left_to_click(words: list[str]):
    assert parsed(PARAMS, words) is None


def test_a_word_too_many_is_left_to_click():
    assert parsed([Argument("what")], ["a", "b"]) is None
