"""The commands of `tilt`: in which module each is, and what it does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pytilt.cli.command_line.commands import CommandGroup, Subcommand

COMMANDS = {
    "up": ("session", "Start a session: build, deploy and watch, until ctrl-C"),
    "ci": ("session", "Build and deploy once, exit when all is healthy or something failed"),
    "attach": ("display", "Show the session of this project in this terminal"),
    "stop": ("session", "End the session of this project"),
    "down": ("session", "Delete what `tilt up` deployed"),
    "check": ("tools", "Evaluate the Tiltfile, and say what is wrong with it"),
    "args": ("session", "Change the arguments of the Tiltfile of a running session"),
    "enable": ("resources", "Enable resources"),
    "disable": ("resources", "Disable resources"),
    "hud": ("display", "Show a running session in this terminal"),
    "open": ("display", "Open the web page of a running session"),
    "snapshot": ("display", "Keep the page of a session in a file, and show it"),
    "get": ("objects", "Show objects of a running session"),
    "describe": ("objects", "Show all of an object of a running session"),
    "create": ("objects", "Make objects of a running session"),
    "apply": ("objects", "Make or change objects of a running session as files say"),
    "patch": ("objects", "Change an object of a running session"),
    "edit": ("objects", "Change an object of a running session in an editor"),
    "delete": ("objects", "Delete objects of a running session"),
    "api-resources": ("objects", "List the kinds of objects of a session"),
    "explain": ("objects", "Say what the objects of a kind have"),
    "dump": ("tools", "Print what a running session knows, or what a build context holds"),
    "logs": ("display", "Print the logs of a running session"),
    "trigger": ("resources", "Start an update of a resource"),
    "sessions": ("session", "List the sessions that run on this machine"),
    "status": ("resources", "Show whether all that runs is fresh and healthy"),
    "alerts": ("resources", "List what asks for attention in a running session"),
    "timeline": ("resources", "Show where the time of the last saves went"),
    "wait": ("objects", "Wait for a condition of resources"),
    "demo": ("session", "Show what it does with an example project"),
    "alpha": ("tools", "Commands whose output may change: `tiltfile-result`, `tree-view`, `shell`"),
    "docker": ("tools", "Run the `docker` command against the engine that builds images"),
    "docker-prune": ("tools", "Remove old images that were built here"),
    "extension": ("tools", "List, lock and update the repositories of extensions"),
    "lsp": ("tools", "The language server for editors"),
    "completion": ("tools", "Print the script that completes commands in a shell"),
    "doctor": ("tools", "Print what a report of a problem should say"),
    "version": ("tools", "Print the version"),
    "verify-install": ("tools", "Say by the exit code that `tilt` is there"),
    "analytics": ("tools", "Say that nothing is sent to anybody"),
    "help": ("tools", "Print how a command is used"),
}
"""Each is a module of the package that is named first, imported only when it is asked for, so that every command starts
at once; what it does is said second. Their order is that of the help."""


def command_named(name: str) -> Subcommand | CommandGroup:
    """The command of a name, which is imported now."""
    # Not by `importlib`, which takes longer to import than some commands do.
    module = f"pytilt.cli.{COMMANDS[name][0]}.{name.replace('-', '_')}"
    found: Subcommand | CommandGroup = __import__(module, fromlist=["command"]).command
    return found
