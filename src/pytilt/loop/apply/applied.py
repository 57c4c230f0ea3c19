"""What an update leaves behind that applied objects to the cluster."""

from collections.abc import Sequence

from pytilt.cluster import objects
from pytilt.cluster.pods import apply_conditions
from pytilt.errors import ApplyError
from pytilt.loop.updates.outcomes import Done
from pytilt.model.clusters import ClusterInfo
from pytilt.model.inference import Inference
from pytilt.model.objects import ClusterState, Resource
from pytilt.model.resources import KubeObject
from pytilt.model.updates import DeployedImage, Outcome
from pytilt.store.objects import Store
from pytilt.views.hiding import without_data


def connected_cluster(store: Store) -> ClusterInfo:
    """The cluster of the session.

    Raises:
        ApplyError: it is not connected.
    """
    state = store.get(ClusterState, "default")
    if state is None or state.info is None:
        raise ApplyError("the cluster is not connected")
    return state.info


def done(
    resource: Resource,
    applied: Sequence[KubeObject],
    images: Sequence[DeployedImage],
    *,
    sequence: int,
    now: str,
    template_hashes: tuple[str, ...] = (),
    inferences: tuple[Inference, ...] = (),
    manifest: Sequence[KubeObject] = (),
    adopted: bool = False,
) -> Done:
    """The end of an update that went well.

    Args:
        resource: as it was before.
        applied: the objects as they are in the cluster.
        images: what they run.
        sequence: changes up to this one are in them.
        now: RFC 3339.
        template_hashes: of the pod templates that were applied.
        inferences: what is known of the images, see `inference.infer`.
        manifest: the objects as they were sent to the cluster; none: a command has applied them.
        adopted: nothing had to be sent, since an earlier session had.
    """
    kept, before = tuple(map(without_data, manifest)), resource.status.manifest
    same = kept == before
    deployed = [image for image in resource.spec.built_images if image.deployed]
    return Done(
        outcome=Outcome.OK,
        status={
            "applied": tuple(objects.ref(each) for each in applied),
            "applied_uids": tuple(str(each["metadata"].get("uid", "")) for each in applied),
            "applied_conditions": apply_conditions(applied),
            "manifest": kept,
            "manifest_before": resource.status.manifest_before if same else before,
            "template_hashes": template_hashes,
            "applied_images": tuple(images),
            "deployed_at": now,
            "adopted": adopted,
            "synced": sequence,
            "inferences": inferences,
            # Their pods may go on running: no image was built for them.
            "containers": resource.status.containers if deployed != list(resource.spec.images) else (),
        },
    )
