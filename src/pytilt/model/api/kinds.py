"""The table of the kinds that Tiltfiles and clients make. What is to be done with all kinds goes through it."""

from pytilt.model.api.buttons import UIButton
from pytilt.model.api.cmds import Cmd
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.kubernetes_applies import KubernetesApply
from pytilt.model.api.kubernetes_discoveries import KubernetesDiscovery
from pytilt.model.api.metadata import ApiObject
from pytilt.model.api.toggles import ToggleButton
from pytilt.model.base import Value


class ApiKind(Value):
    """A kind of the API group."""

    type: type[ApiObject]
    plural: str
    function: str = ""
    """Of the Tiltfile, in the module `v1alpha1`; empty where a Tiltfile cannot make it."""
    short: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The word of the API: `UIButton`."""
        return self.type.kind


API_KINDS = (
    ApiKind(type=UIButton, plural="uibuttons", function="ui_button"),
    ApiKind(type=ToggleButton, plural="togglebuttons"),
    ApiKind(type=Cmd, plural="cmds", function="cmd"),
    ApiKind(type=ConfigMap, plural="configmaps", function="config_map", short=("cm",)),
    ApiKind(type=ApiFileWatch, plural="filewatches", function="file_watch", short=("fw",)),
    ApiKind(type=KubernetesApply, plural="kubernetesapplys", function="kubernetes_apply", short=("ka", "kapp")),
    ApiKind(
        type=KubernetesDiscovery,
        plural="kubernetesdiscoveries",
        function="kubernetes_discovery",
        short=("kd", "kdisco"),
    ),
)
"""In the order in which they are listed."""

AnyApiObject = UIButton | ToggleButton | Cmd | ConfigMap | ApiFileWatch | KubernetesApply | KubernetesDiscovery
"""One of them; their names on the wire, where they are part of something else, distinguish them."""
