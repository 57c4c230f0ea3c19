"""`tilt args`."""

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.cli.terminal.editing import edited_text
from pytilt.errors import UserError
from pytilt.settings import Settings


@subcommand(
    "args",
    Argument("args", several=True),
    Option("--clear", is_flag=True, help="Evaluate without arguments."),
    *SESSION_OPTIONS,
)
def command(args: tuple[str, ...], clear: bool, host: str | None, port: int | None) -> None:
    """Change the arguments of the Tiltfile of a running session; without ARGS an editor opens.

    \b
    Examples:
      tilt args web -- --debug
      tilt args --clear
    """
    if clear and args:
        raise UserError("--clear cannot be specified with other values")
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    wanted = list(args) if args or clear else _edited(client, settings)
    answer = client.post("/api/args", wanted)
    print(answer or f"Changed config args for Tilt running at {client.host}:{client.port} to [{' '.join(wanted)}]")


def _edited(client: SessionClient, settings: Settings) -> list[str]:
    if not settings.editor:
        raise UserError("no arguments were given", hint="set EDITOR to edit the present ones, or use `--clear`")
    import shlex  # imported here: most command lines have the arguments

    present = client.items("tiltfiles")["items"][0].get("spec", {}).get("args", [])
    text = f"# arguments for the Tiltfile\n{shlex.join(present)}\n"
    # Left without saving, the text is as it was, and so are the arguments.
    edited = edited_text(text, settings.editor)
    lines = [line for line in edited.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) > 1:
        raise UserError("exactly one line of arguments is expected")
    try:
        return shlex.split(lines[0]) if lines else []
    except ValueError as problem:
        raise UserError(f"the arguments cannot be read: {problem}", hint="quote them as in a shell") from problem
