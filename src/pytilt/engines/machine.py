"""What a container engine says of the machine that it runs on."""

import time
from collections.abc import Callable

from pytilt.docker.seam import ContainerRuntime
from pytilt.engines.podspec.placement import NodeInfo
from pytilt.model.times import seconds_of


async def node_info(runtime: ContainerRuntime, clock: Callable[[], float] = time.time) -> NodeInfo:
    """Ask the engine about its machine.

    Args:
        runtime: the engine.
        clock: this machine's Unix time.

    Raises:
        ClusterUnreachableError: it does not answer.
    """
    version = await runtime.version()
    asked = clock()
    about = await runtime.info()
    took = clock() - asked
    there = seconds_of(str(about.get("SystemTime") or ""))
    ahead = there - asked - took / 2 if there else 0.0
    return NodeInfo(
        architecture=str(version.get("Arch", "")),
        version=str(version.get("Version", "")),
        podman=any("Podman" in part.get("Name", "") for part in version.get("Components") or ()),
        memory=int(about.get("MemTotal") or 0),
        processors=int(about.get("NCPU") or 1),
        clock_ahead=round(ahead) if abs(ahead) > took / 2 + 1 else 0,
    )
