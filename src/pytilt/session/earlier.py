"""What earlier sessions of a project did, so that this one does not do it again."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from pytilt.cluster import objects
from pytilt.cluster.seam import Cluster
from pytilt.docker.engine import Engine
from pytilt.host.files.digests import FileDigests
from pytilt.host.processes import HostRunner
from pytilt.host.records import Records
from pytilt.host.state import StateDirectory
from pytilt.images.assembly import image_builder
from pytilt.images.credentials import RegistryCredentials
from pytilt.images.docker.synclet_layer import SyncletLayers
from pytilt.images.publishing import DockerPublisher
from pytilt.images.recording import RecordingBuilder, RecordingPublisher
from pytilt.loop.images.imaging import Imaging
from pytilt.model.clusters import ObjectRef
from pytilt.session.project import SessionProject
from pytilt.store.objects import Store

_SYSTEM = ObjectRef(api_version="v1", kind="Namespace", name="kube-system")
"""The namespace that every cluster has, and whose uid is the cluster's."""


def project_records(project: SessionProject, *, used: bool) -> Records:
    """The records of one Tiltfile, at one place of this machine, with one cluster and namespace.

    Args:
        project: whose.
        used: are those of earlier sessions used?
    """
    target = project.target
    where = "\n".join([project.tiltfile, target.context, target.namespace or ""])
    name = hashlib.sha256(where.encode(errors="replace")).hexdigest()[:32]
    records = Records(StateDirectory(project.settings.state_dir).below("records", name), used=used)
    records.prune()
    return records


class BuildLimits(NamedTuple):
    """How the images of a session are built."""

    parallel: int
    """How many at once."""
    restarts: bool
    """May programs be started again where that is safe, although the Tiltfile does not ask for it?"""


def recording_imaging(
    store: Store,
    engine: Engine,
    runner: HostRunner,
    project: SessionProject,
    records: Records,
    cluster: Cluster,
    limits: BuildLimits,
) -> Imaging:
    """What builds and publishes images, but those that are there already.

    Args:
        store: the session's objects.
        engine: builds.
        runner: starts commands.
        project: whose images.
        records: of earlier sessions.
        cluster: runs them.
        limits: how it is done.
    """
    settings = project.settings
    credentials = RegistryCredentials(settings, runner)
    kind = project.target.connection.cluster if project.target.connection else ""
    publisher = DockerPublisher(engine, credentials, runner, settings, kind_cluster=kind)
    builder = image_builder(engine, runner, settings, limit=limits.parallel)
    return Imaging(
        store,
        RecordingBuilder(builder, engine, records, FileDigests(records), settings.environ),
        RecordingPublisher(publisher, records, _uid_of(cluster)),
        SyncletLayers(engine),
        restarts=limits.restarts,
    )


def _uid_of(cluster: Cluster) -> Callable[[], Awaitable[str]]:
    async def uid() -> str:
        found = await cluster.get(_SYSTEM)
        return objects.uid(found) if found is not None else ""

    return uid
