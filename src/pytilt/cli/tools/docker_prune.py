"""`tilt docker-prune`."""

import asyncio
import sys
from datetime import UTC, datetime

from pytilt.cli.command_line.commands import subcommand
from pytilt.cli.command_line.options import PROJECT_OPTIONS
from pytilt.cli.command_line.parsing import Argument
from pytilt.errors import UserError
from pytilt.settings import Settings


@subcommand(
    "docker-prune",
    Argument("args", several=True),
    *PROJECT_OPTIONS,
)
def command(args: tuple[str, ...], tiltfile: str, context: str | None, namespace: str | None) -> None:
    """Remove old images of this project from the container engine, and ended containers of images built here.

    `docker_prune_settings` in the Tiltfile says which: by default those older than six hours, but for the two newest
    of each image. What a container uses stays, and so does the engine's build cache.

    \b
    Examples:
      tilt docker-prune
    """
    from pytilt.session.project import find_project

    settings = Settings.from_environment()
    project = find_project(settings, tiltfile, args, context=context, namespace=namespace)

    async def run() -> None:
        from pytilt.docker.engine import Engine
        from pytilt.host.processes import HostRunner
        from pytilt.images.pruning import prune
        from pytilt.loop.evaluation.evaluator import Evaluator
        from pytilt.loop.images.imaging import project_images, registry_for
        from pytilt.model.logs import Level
        from pytilt.session.clusters import connected

        def log(text: str, *, level: Level = Level.INFO, progress: str = "") -> None:  # noqa: ARG001 - a `Log`
            sys.stderr.write(text)

        async with (
            HostRunner() as runner,
            Engine(settings) as engine,
            connected(project.target, project.root, settings, runner, engine, print) as access,
        ):
            result = await Evaluator(project.request("docker-prune"), runner).evaluate(args, log)
            if (declaration := result.declaration) is None:
                raise UserError(result.error or "the Tiltfile cannot be evaluated")
            names = project_images(declaration, registry_for(await access.cluster.info(), declaration))
            await prune(await engine.api(), names, declaration.prune, datetime.now(UTC), print)

    asyncio.run(run())
