"""Options of kubectl's that the commands share which change objects."""

import sys
from enum import StrEnum

from pytilt.cli.command_line.parsing import Option
from pytilt.cli.selection.object_options import inert_option, inert_switch
from pytilt.errors import UserError


class DryRun(StrEnum):
    """How far a change is only tried."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"

    @property
    def mark(self) -> str:
        """What follows the message of what was done."""
        return {"none": "", "client": " (dry run)", "server": " (server dry run)"}[self]


def _dry_run(value: object) -> DryRun:
    if value in ("true", "unchanged"):
        print("--dry-run is deprecated and can be replaced with --dry-run=client", file=sys.stderr)
        return DryRun.CLIENT
    if value == "false":
        return DryRun.NONE
    if value not in tuple(DryRun):
        raise UserError(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return DryRun(str(value))


DRY_RUN_OPTION = Option(
    "--dry-run",
    bare="client",
    default="none",
    convert=_dry_run,
    metavar="|".join(DryRun),
    help="Only say what would be done: `client` sends nothing, `server` has the session check it.",
)

WRITE_OPTIONS = (
    inert_switch("--windows-line-endings", "line ends are those of this machine"),
    inert_switch("--save-config", "nothing is kept beside an object"),
    inert_option("--field-manager", "nobody manages single fields"),
    inert_option("--validate", "objects are always checked", bare="strict"),
)
"""Options of kubectl's for what an API server does with a write, and the objects of a session have no use for."""

_GONE = "an object is gone at once"

REMOVAL_OPTIONS = (
    inert_switch("--wait", _GONE),
    inert_switch("--force", _GONE),
    inert_option("--timeout", _GONE),
    inert_option("--grace-period", _GONE),
    inert_option("--cascade", "what belongs to an object goes with it", bare="background"),
)
"""Options of kubectl's on how an object goes; here it is gone at once."""
