"""`tilt timeline`."""

import json
import shutil
import sys
from pathlib import Path, PurePath

from pytilt.cli.client import SessionClient
from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import JSON_OPTIONS, SESSION_OPTIONS
from pytilt.cli.command_line.parsing import Argument, IntRange, Option
from pytilt.errors import UserError
from pytilt.model.names import TILTFILE
from pytilt.model.objects import Resource, Tiltfile
from pytilt.model.stored import Object
from pytilt.settings import Settings
from pytilt.store.objects import Snapshot

SHOWN = 5
"""Updates that are shown unless somebody says how many."""


@subcommand(
    "timeline",
    Argument("resource", required=False, default=""),
    Option("-n", "--last", type=IntRange(1), metavar="N", help=f"How many updates ({SHOWN}; in files all)."),
    *JSON_OPTIONS,
    Option("--trace", metavar="FILE", help="Write Chrome's trace format to FILE (`-`: standard output)."),
    *SESSION_OPTIONS,
)
def command(
    resource: str,
    last: int | None,
    output: str | None,
    as_json: bool,
    trace: str | None,
    host: str | None,
    port: int | None,
) -> None:
    """Show where the time of the last saves went, of RESOURCE or of all: every step of their updates as a bar.

    A live update has the steps event, plan, pack, send, acknowledge, run, restart and ready; a full one build, push,
    apply and pod. The bars begin with the kernel's first event of the save. `--trace` is for ui.perfetto.dev and
    chrome://tracing.

    \b
    Examples:
      tilt timeline
      tilt timeline web -n 1
      tilt timeline web -o json
      tilt timeline --trace save.json
    """
    from pytilt.views.timelines import chart, documents, timed_updates
    from pytilt.views.timelines import trace as as_trace

    state = _state(SessionClient(Settings.from_environment(), host, port))
    names = {each.name for kind in (Resource, Tiltfile) for each in state.all(kind)}
    if resource and resource not in names:
        raise UserError(f'there is no resource "{resource}"', hint=f"there are: {', '.join(sorted(names))}")
    tiltfile = state.get(Tiltfile, TILTFILE)
    root = str(PurePath(tiltfile.path).parent) if tiltfile else ""
    found = timed_updates(state, resource)
    as_json = as_json or output == "json"
    written = as_json or trace is not None
    found = found[-last:] if last else found if written else found[-SHOWN:]
    if trace is not None:
        _write(trace, json.dumps(as_trace(found, root), separators=(",", ":")))
    if as_json:
        print(json.dumps(documents(found, root), indent=2))
    if written:
        return
    if not found:
        print("no update has ended yet", file=sys.stderr)
    width = shutil.get_terminal_size((100, 24)).columns
    print("\n\n".join("\n".join(chart(each, root, width)) for each in found), end="\n" if found else "")


def _state(client: SessionClient) -> Snapshot:
    """The objects of a session that remember updates."""
    import msgspec

    from pytilt.hud.mirror import WireObject, read
    from pytilt.model.api.words import OWN_GROUP
    from pytilt.model.objects import KINDS

    objects: dict[type[Object], dict[str, Object]] = {kind: {} for kind in KINDS}
    kinds: tuple[tuple[str, type[Object]], ...] = (("resources", Resource), ("tiltfiles", Tiltfile))
    for plural, kind in kinds:
        for item in client.items(f"{plural}.{OWN_GROUP}")["items"]:
            objects[kind][item["metadata"]["name"]] = read(kind, msgspec.convert(item, WireObject))
    return Snapshot(objects, 0)


def _write(name: str, text: str) -> None:
    if name == "-":
        print(text)
        return
    try:
        Path(name).write_text(f"{text}\n")
    except OSError as problem:
        raise UserError(f"cannot write {name}: {(problem.strerror or str(problem)).lower()}") from problem
