"""What a command line says of the project: which Tiltfile, which cluster, which arguments."""

from pathlib import Path

from pytilt import TILT_VERSION
from pytilt.errors import UserError
from pytilt.host.reading import read_file
from pytilt.model.base import Value
from pytilt.model.names import session_id
from pytilt.model.resources import UpdateMode
from pytilt.session.clusters import ClusterTarget, choose
from pytilt.settings import Settings
from pytilt.tiltfile.running.request import EvaluationRequest

SESSION = "{session}"
"""Stands in `--namespace` for the id of the session; see `model.names.session_id`."""


class SessionProject(Value):
    """A Tiltfile, and where what it declares is to run."""

    tiltfile: str
    """Absolute path."""
    args: tuple[str, ...]
    target: ClusterTarget
    settings: Settings
    update_mode: UpdateMode = UpdateMode.AUTO
    """`--update-mode`."""
    own_namespace: bool = False
    """Is the namespace one of this worktree alone? Then it is made, and deleted."""
    deploys: bool = False
    """Does the Tiltfile speak of Kubernetes? Then the way to the cluster is opened while it is evaluated."""

    @property
    def root(self) -> str:
        """The Tiltfile's folder."""
        return str(Path(self.tiltfile).parent)

    def request(self, subcommand: str) -> EvaluationRequest:
        """What to ask of an evaluation, but for the arguments."""
        return EvaluationRequest(
            path=self.tiltfile,
            args=self.args,
            subcommand=subcommand,
            context=self.target.context,
            context_is_dev=self.target.development,
            namespace=self.target.namespace,
            own_namespace=self.own_namespace,
            environ=self.settings.environ,
            tilt_version=TILT_VERSION,
            update_mode=self.update_mode,
        )


def find_project(
    settings: Settings,
    tiltfile: str,
    args: tuple[str, ...],
    *,
    context: str | None,
    namespace: str | None,
    update_mode: str = UpdateMode.AUTO,
) -> SessionProject:
    """Find the Tiltfile and choose the cluster.

    Args:
        settings: the environment.
        tiltfile: path of the Tiltfile; a folder means the `Tiltfile` in it.
        args: the other words of the command line.
        context: `--context`.
        namespace: `--namespace`; with `{session}` it is one of this worktree alone.
        update_mode: `--update-mode`.

    Raises:
        UserError: there is no such Tiltfile or context.
    """
    try:
        found = Path(tiltfile).absolute()
    except FileNotFoundError as problem:
        raise UserError("the folder you are in is gone", hint="go to the folder of a Tiltfile") from problem
    if found.is_dir():
        found /= "Tiltfile"
    if not found.exists():
        raise UserError(
            f"No Tiltfile found at paths '{found}'. Check out https://docs.tilt.dev/tutorial.html",
            hint="go to the folder of a Tiltfile, or name it with `-f`",
        )
    wanted = namespace or settings.namespace
    target = choose(settings, context=context, namespace=wanted.replace(SESSION, session_id(str(found))))
    return SessionProject(
        tiltfile=str(found),
        args=args,
        target=target,
        settings=settings,
        update_mode=UpdateMode(update_mode),
        own_namespace=SESSION in wanted,
        deploys=_deploys(found),
    )


def _deploys(tiltfile: Path) -> bool:
    try:
        return b"k8s_" in read_file(str(tiltfile))
    except OSError:  # whoever evaluates it reports that
        return False
