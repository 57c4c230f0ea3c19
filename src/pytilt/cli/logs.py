"""`tilt logs`."""

import sys

import click
import msgspec

from pytilt.cli.client import Json, SessionClient
from pytilt.cli.durations import seconds
from pytilt.cli.flags import TiltCommand
from pytilt.cli.options import session_options
from pytilt.cli.printing import LogPrinter, wants_color
from pytilt.errors import UserError
from pytilt.model.lines import Line
from pytilt.settings import Settings


@click.command("logs", cls=TiltCommand)
@click.argument("names", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on and print what comes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--level", type=click.Choice(["warn", "error"]), help="Only lines of this level.")
@click.option(
    "--source", type=click.Choice(["all", "build", "runtime"]), default="all", help="Only this kind of lines."
)
@click.option("--since", help="Only lines of the last `5m`, `1h` or the like.")
@click.option("--tail", type=click.IntRange(min=0), help="Only the last N lines.")
@session_options
def command(
    names: tuple[str, ...],
    follow: bool,
    as_json: bool,
    level: str | None,
    source: str,
    since: str | None,
    tail: int | None,
    host: str | None,
    port: int | None,
) -> None:
    """Print the logs of a running session: of all resources, or of those named.

    \b
    Examples:
      tilt logs web
      tilt logs -f --since 5m web cart
      tilt logs --json --level error
    """
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    query: dict[str, str | list[str]] = {"resource": list(names), "source": source}
    if since is not None:
        query["since"] = str(_since(since))
    if level is not None:
        query["level"] = level
    if tail is not None:
        query["tail"] = str(tail)
    if follow:
        query["follow"] = "1"
    _check(client, names)
    printer = LogPrinter(sys.stdout, color=wants_color(sys.stdout, no_color=settings.no_color), prefix=len(names) != 1)
    for raw in client.logs(query):
        line = msgspec.convert(raw, Line)
        if as_json:
            sys.stdout.write(f"{msgspec.json.encode(_fields(line)).decode()}\n")
            sys.stdout.flush()
        else:
            printer.lines([line])


def _check(client: SessionClient, names: tuple[str, ...]) -> None:
    known = {item["metadata"]["name"] for item in client.items("uiresources")["items"]}
    for name in names:
        if name not in known:
            raise UserError(f'No such resource "{name}"', hint=f"there are: {', '.join(sorted(known))}")


def _since(text: str) -> float:
    found = seconds(text, "--since")
    if found <= 0:
        raise UserError(f"--since duration must be positive, got {text}")
    return found


def _fields(line: Line) -> Json:
    return {
        "time": f"{line.time[:19]}Z",
        "resource": line.resource,
        "level": line.level.value.lower(),
        "message": line.text,
        "spanID": line.span,
        "progressID": line.progress,
        "buildEvent": "start" if line.start else "",
        "source": "build" if line.build else "runtime",
    }
