"""Live updates: what changed goes into every running container of a resource, through a stream kept open for it."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from pytilt.cluster.seam import ContainerRef, Containers
from pytilt.errors import SyncError, UnreachableError
from pytilt.liveupdate.archive import Archive, initial_files, pack
from pytilt.liveupdate.planning import ChangedFile, FallBack, plan
from pytilt.liveupdate.stream import ContainerStream
from pytilt.loop import freshness
from pytilt.loop.freshness import Possible, Target
from pytilt.loop.outcomes import Done
from pytilt.loop.schedule import Start
from pytilt.model.logs import Level, Log
from pytilt.model.objects import Resource
from pytilt.model.updates import Outcome, SyncedContainer
from pytilt.store.objects import Store
