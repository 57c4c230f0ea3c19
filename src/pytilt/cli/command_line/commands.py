"""What a command is, and with which words it is called: declared here once, for `parsing` and for click.

Nothing here imports click, which takes longer to import than most commands take to run. `parsing` reads the command
lines that have nothing wrong in them; `program` makes click's commands of the same declarations, and these answer
everything else: help, mistakes, completion, and the rarer ways to write an option.
"""

from __future__ import annotations

from pytilt.cli.command_line.parsing import Argument, Option, converted, parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Body = Callable[..., object]
    Find = Callable[[str], str]

INTERRUPTED = 130
"""The exit code after ctrl-C, as a shell has it."""


class Subcommand:
    """A command.

    Args:
        name: its word on the command line.
        params: what may follow it, in the order of its help.
        body: what it does; the result is the exit code where it is a number. Its docstring is the help.
        passes_on: all words that follow belong to another program, flags too.
        options_first: after the first word that is no option, all are arguments.
    """

    def __init__(
        self,
        name: str,
        params: Sequence[Option | Argument],
        body: Body,
        *,
        passes_on: bool = False,
        options_first: bool = False,
    ) -> None:
        self.name = name
        self.params = tuple(params)
        self.body = body
        self.passes_on = passes_on
        self.options_first = options_first

    def bound(self, words: Sequence[str]) -> Callable[[], object] | None:
        """What is to be called for the words that follow it; None where click has to read them."""
        values = self.values(words)
        return None if values is None else lambda: self.body(**values)

    def values(self, words: Sequence[str]) -> dict[str, object] | None:
        """What the words that follow it give to its parameters; None where click has to read them."""
        return None if self.passes_on or self.options_first else parsed(self.params, words)

    def call(self, **given: object) -> object:
        """Run it with some values, and the defaults of all others."""
        unset = {each.name: value for each, value in converted((each, each.unset) for each in self.params)}
        return self.body(**unset | given)


class CommandGroup:
    """A command that has commands below it.

    Args:
        name: its word on the command line.
        params: what may follow it where it stands `alone`.
        body: what it does without another word, where `alone`; its docstring is the help.
        alone: may it stand alone?
        find: returns the name of the command that a word means; without, its name is the word.
    """

    def __init__(
        self, name: str, params: Sequence[Option], body: Body, *, alone: bool = False, find: Find | None = None
    ) -> None:
        self.name = name
        self.params = tuple(params)
        self.body = body
        self.alone = alone
        self.find = find
        self.commands: dict[str, Subcommand] = {}

    def subcommand(
        self, name: str, *params: Option | Argument, options_first: bool = False
    ) -> Callable[[Body], Subcommand]:
        """Declare a command below this one."""

        def declare(body: Body) -> Subcommand:
            self.commands[name] = Subcommand(name, params, body, options_first=options_first)
            return self.commands[name]

        return declare

    def bound(self, words: Sequence[str]) -> Callable[[], object] | None:
        """What is to be called for the words that follow it; None where click has to read them."""
        if words and not words[0].startswith("-"):
            found = self.commands.get(self.find(words[0]) if self.find else words[0])
            return None if found is None else found.bound(words[1:])
        values = parsed(self.params, words) if self.alone else None
        return None if values is None else lambda: self.body(**values)


def subcommand(name: str, *params: Option | Argument, passes_on: bool = False) -> Callable[[Body], Subcommand]:
    """Declare a command of `tilt`; see `Subcommand`."""
    return lambda body: Subcommand(name, params, body, passes_on=passes_on)


def group(name: str, *params: Option, alone: bool = False, find: Find | None = None) -> Callable[[Body], CommandGroup]:
    """Declare a command of `tilt` that has others below it; see `CommandGroup`."""
    return lambda body: CommandGroup(name, params, body, alone=alone, find=find)
