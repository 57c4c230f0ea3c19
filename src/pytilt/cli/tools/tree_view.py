"""`tilt alpha tree-view`: resources below those that they depend on."""

import sys

from pytilt.cli.client import SessionClient
from pytilt.cli.terminal.printing import without_steering
from pytilt.model.names import TILTFILE
from pytilt.settings import Settings
from pytilt.views.resource_tree import ResourceTree, RowStatus, TreeLine

_COLORS = {"ok": "32", "warning": "33", "error": "31", "also": "36"}


def print_tree(host: str | None, port: int | None, *, blockers: bool, dedupe: bool) -> None:
    """Ask a session and print the tree."""
    settings = Settings.from_environment()
    client = SessionClient(settings, host, port)
    rows = {each["metadata"]["name"]: each["status"] for each in client.items("uiresources")["items"]}
    rows.pop(TILTFILE, None)
    specs = {each["metadata"]["name"]: each["spec"]["spec"] for each in client.items("resources.pytilt.dev")["items"]}
    sessions = client.items("sessions")["items"]
    path = sessions[0]["spec"].get("tiltfilePath", "") if sessions else ""
    tree = ResourceTree(
        {
            name: RowStatus(status.get("updateStatus", ""), status.get("runtimeStatus", ""))
            for name, status in rows.items()
        },
        {name: spec.get("resourceDeps", ()) for name, spec in specs.items()},
        dedupe=dedupe,
    )
    roots = tree.blockers() if blockers else tree.whole()
    if not roots:
        none = "No blocked resources found. All resources are OK." if blockers and rows else "No resources found."
        print(none)
        return
    color = sys.stdout.isatty() and not settings.no_color
    print(f"{'Blocked resources for Tiltfile' if blockers else 'Tiltfile'}: {path}")
    sys.stdout.writelines(f"{_drawn(line, color=color)}\n" for line in tree.lines(roots))
    total, counts = tree.counts(roots)
    states = {"errors": "error", "ok": "ok"}
    parts = [_colored(f"{count} {word}", states.get(word, "warning"), color=color) for word, count in counts.items()]
    print(f"\n---\nResources: {', '.join([f'{total} total', *parts])}")


def _drawn(line: TreeLine, *, color: bool) -> str:
    text = f"{line.lead}{_colored(without_steering(line.text), line.state, color=color)}"
    if not line.also:
        return text
    names = ", ".join(_colored(name, state, color=color) for name, state in line.also)
    return f"{text} {_colored('[also depends on: ', 'also', color=color)}{names}{_colored(']', 'also', color=color)}"


def _colored(text: str, state: str, *, color: bool) -> str:
    return f"\x1b[{_COLORS[state]}m{text}\x1b[0m" if color and state else text
