"""Having the person change a text in an editor, or say yes or no."""

from pytilt.errors import UserError


def edited_text(text: str, editor: str, *, extension: str = ".txt") -> str:
    """The text as it is when the editor ends; one that is left without saving is as it was.

    Args:
        text: to begin with.
        editor: the command; empty: what the machine has.
        extension: of the file, by which an editor knows what is in it.

    Raises:
        UserError: the editor cannot be started, or failed.
    """
    import click  # imported here: it takes longer than most commands

    try:
        return click.edit(text, editor=editor or None, require_save=False, extension=extension) or text
    except click.ClickException as problem:
        raise UserError(problem.message) from problem


def confirmed(question: str) -> bool:
    """Ask the person, who says yes or no; nothing is no.

    Raises:
        KeyboardInterrupt: there is no answer.
    """
    import click

    try:
        return click.confirm(question)
    except click.Abort:
        raise KeyboardInterrupt from None
