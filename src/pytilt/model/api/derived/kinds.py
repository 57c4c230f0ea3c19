"""The table of the derived kinds."""

from pytilt.model.api.derived.images import ApiImageMap, CmdImage, DockerImage
from pytilt.model.api.derived.running import ApiCluster, ApiLiveUpdate, ApiPortForward, PodLogStream
from pytilt.model.api.derived.sessions import ApiSession, UISession
from pytilt.model.api.derived.shared import DerivedObject
from pytilt.model.api.derived.tiltfiles import ApiExtension, ApiExtensionRepo, ApiTiltfile
from pytilt.model.api.derived.ui_resources import UIResource

DERIVED_KINDS: dict[str, type[DerivedObject]] = {
    each.kind: each
    for each in (
        UIResource,
        ApiSession,
        ApiTiltfile,
        ApiImageMap,
        ApiLiveUpdate,
        ApiPortForward,
        ApiCluster,
        DockerImage,
        CmdImage,
        PodLogStream,
        ApiExtensionRepo,
        ApiExtension,
        UISession,
    )
}
"""By their names in the API."""
