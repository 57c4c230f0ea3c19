"""`tilt open`."""

import asyncio
from urllib.parse import quote, urlencode

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, Option
from pytilt.settings import Settings


@subcommand(
    "open",
    Argument("resource", required=False),
    Option("--print", "only_print", is_flag=True, help="Print the address instead, with a link that works once."),
    *SESSION_OPTIONS,
)
def command(resource: str | None, only_print: bool, host: str | None, port: int | None) -> None:
    """Open the web page of a running session, or of one of its resources, in the browser.

    \b
    Examples:
      tilt open
      tilt open web
      tilt open --print --host 192.168.1.20
    """
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    if resource is not None:
        client.get("uiresources", resource)
    place = f"/r/{quote(resource, safe='')}/overview" if resource else "/"
    code = client.post("/api/link", {})
    url = f"http://{client.host}:{client.port}{place}?{urlencode({'token': code})}"
    if only_print or not asyncio.run(_opened(url, settings)):
        print(url)


async def _opened(url: str, settings: Settings) -> bool:
    from pytilt.host.browser import open_browser

    return await open_browser(url, settings)
