"""Every command and flag of Tilt 0.37 is known here, be it to say that there is nothing to do."""

from pathlib import Path

import click
import pytest

from pytilt.cli.command_line.flags import EVERYWHERE
from pytilt.cli.command_line.program import tilt

LISTED = Path(__file__).parent / "commands_of_tilt.txt"
"""A line for each command: its words, and its flags but for those that all have."""


def command(words: str) -> click.Command:
    found: click.Command = tilt
    for word in words.split():
        assert isinstance(found, click.Group), words
        inner = found.get_command(click.Context(found), word)
        assert inner is not None, words
        found = inner
    return found


@pytest.mark.parametrize("line", LISTED.read_text().splitlines(), ids=lambda line: line.partition(":")[0])
def test_a_command_of_tilts_is_there_with_its_flags(line: str):
    words, _, flags = line.partition(":")
    known = {name for each in command(words).params if isinstance(each, click.Option) for name in each.opts}
    assert set(flags.split()) <= known | set(EVERYWHERE)
