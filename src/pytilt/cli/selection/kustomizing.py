"""The objects of a folder as kustomize renders them, for `-k`."""

import shutil
import signal
from pathlib import Path

from pytilt.cli.running import run_in_foreground
from pytilt.errors import CommandError, UserError
from pytilt.host.processes import HostRunner, ProcessRequest
from pytilt.settings import Settings

PROGRAMS = {"kustomize": ("kustomize", "build"), "kubectl": ("kubectl", "kustomize")}
"""What renders a folder, the first one that is there; kubectl has kustomize built in."""


def rendered(folder: str, settings: Settings) -> str:
    """The YAML that kustomize makes of a folder, or of an address that it knows.

    Args:
        folder: of a `kustomization.yaml`.
        settings: the environment that it runs in.

    Raises:
        UserError: there is no kustomize, or it fails; the message has its words.
        KeyboardInterrupt: a signal came meanwhile.
    """
    path = settings.environ.get("PATH")
    program = next((name for name in PROGRAMS if shutil.which(name, path=path)), None)
    if program is None:
        raise UserError(
            "`-k` needs `kustomize`, or `kubectl`, which has it too; neither is in the PATH",
            hint="install it from https://kubectl.docs.kubernetes.io/installation/kustomize",
        )
    words = (*PROGRAMS[program], folder)
    request = ProcessRequest(argv=words, dir=str(Path.cwd()), env=tuple(sorted(settings.environ.items())))
    output, errors = bytearray(), bytearray()

    async def run(runner: HostRunner) -> int | None:
        outcome = await runner.run(request, output.extend, error_output=errors.extend)
        return outcome.exit_status

    try:
        status = run_in_foreground(run)
    except CommandError as problem:
        raise UserError(problem.message, hint=problem.hint) from problem
    if isinstance(status, signal.Signals):
        raise KeyboardInterrupt
    if status != 0:
        said = errors.decode(errors="replace").strip()
        raise UserError(f"`{' '.join(words)}` failed: {said.removeprefix('Error: ').removeprefix('error: ')}")
    return output.decode(errors="replace")
