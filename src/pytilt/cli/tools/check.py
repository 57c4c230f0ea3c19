"""`tilt check`."""

import sys
from typing import TYPE_CHECKING

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import PROJECT_OPTIONS
from pytilt.cli.command_line.parsing import Argument, OneOf, Option
from pytilt.cli.terminal.printing import readable
from pytilt.model.logs import Level
from pytilt.settings import Settings

if TYPE_CHECKING:
    from pytilt.tiltfile.running.request import EvaluationResult


@subcommand(
    "check",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
    Option("-o", "--output", type=OneOf("text", "json"), default="text", help="Form of the output."),
)
def command(args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None, output: str) -> int:
    """Evaluate the Tiltfile and say all that is wrong with it; nothing is built or deployed.

    After a wrong call that returns nothing (`local_resource`, `k8s_yaml`) the check goes on, so that more is found at
    once. The exit code is 1 where something is wrong; warnings alone are no failure. Commands that the Tiltfile itself
    runs (`local`, `helm`) do run.

    \b
    Examples:
      tilt check
      tilt check -f dev/Tiltfile -o json
    """
    from pytilt.session.project import find_project
    from pytilt.session.standalone import evaluate_once

    project = find_project(Settings.from_environment(), tiltfile, args, context=context, namespace=namespace)
    result = evaluate_once(project, "check", _quiet, all_errors=True)
    if output == "json":
        _print_json(result)
    else:
        _print_text(result, project.tiltfile)
    return 0 if result.error is None else 1


def _quiet(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:
    """A `Log`: what is wrong stands in the result."""


def _print_json(result: "EvaluationResult") -> None:
    import msgspec

    names = [each.name for each in result.declaration.resources] if result.declaration else []
    found = {"errors": result.problems, "warnings": list(result.warnings), "resources": names}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")


def _print_text(result: "EvaluationResult", tiltfile: str) -> None:
    for warning in result.warnings:
        print(readable(f"warning: {warning}"))
    for error in result.problems:
        print(readable(f"error: {error.text}"))
    if result.declaration is not None:
        print(f"{tiltfile}: {_counted(len(result.declaration.resources), 'resource')}, no errors")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
