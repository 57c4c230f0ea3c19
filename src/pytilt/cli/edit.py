"""`tilt edit`."""

import click

from pytilt.cli.addressing import addresses, parsed
from pytilt.cli.client import SessionClient
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.errors import UserError
from pytilt.settings import Settings


@click.command("edit", cls=TiltCommand)
@click.argument("words", nargs=-1, required=True)
@session_options
def command(words: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Change an object of a running session in an editor (TILT_EDITOR or EDITOR).

    \b
    Examples:
      tilt edit configmap web-disable
      EDITOR=nano tilt edit uibutton/go
    """
    import yaml

    _, named = addresses(words)
    if not named:
        raise UserError("no object is named", hint="for example `tilt edit configmap web-disable`")
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    for address in named:
        before = client.get(address.kind.resource, address.name)
        text = yaml.safe_dump(before, sort_keys=False, allow_unicode=True)
        edited = click.edit(text, editor=settings.editor or None, require_save=False, extension=".yaml") or text
        try:
            ((_, after),) = parsed(edited, "the edited object")
        except ValueError as problem:
            raise UserError("the edited file must hold exactly one object") from problem
        if after == before:
            print("Edit cancelled, no changes made.")
        else:
            client.replace(address.kind.resource, address.name, after)
            print(f"{address.shown} edited")
