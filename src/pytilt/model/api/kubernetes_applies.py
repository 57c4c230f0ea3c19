"""`KubernetesApply`: objects to apply to the cluster, as YAML or by a command."""

from typing import ClassVar

import msgspec

from pytilt.model.api.kubernetes_discoveries import LabelSelector, PodLogStreamTemplateSpec, PortForwardTemplateSpec
from pytilt.model.api.metadata import ApiObject, DisableSource, DisableStatus, Duration, LocalPath, RestartOnSpec
from pytilt.model.base import Value
from pytilt.model.pods import Condition


class ObjectSelector(Value):
    """Which objects; every pattern is a regular expression."""

    api_version_regexp: str = ""
    """Of `apiVersion`."""
    kind_regexp: str = ""
    """Of `kind`."""
    name_regexp: str = ""
    """Of `metadata.name`."""
    namespace_regexp: str = ""
    """Of `metadata.namespace`."""


class KubernetesImageObjectDescriptor(Value):
    """The fields of a JSON object that hold an image's name and tag."""

    repo_field: str = ""
    """That of the name."""
    tag_field: str = ""
    """That of the tag."""


class KubernetesImageLocator(Value):
    """Where in some objects the name of an image stands."""

    object_selector: ObjectSelector = ObjectSelector()
    path: str = ""
    """A JSON path: `{.spec.image}`."""
    object: KubernetesImageObjectDescriptor | None = None


class KubernetesDiscoveryTemplateSpec(Value):
    """Which pods belong to what is applied, beside those that it owns."""

    extra_selectors: tuple[LabelSelector, ...] = ()


class KubernetesApplyCmd(Value):
    """A command that applies or deletes."""

    args: tuple[str, ...] = ()
    """Its words."""
    dir: LocalPath = ""
    """Where it runs."""
    env: tuple[str, ...] = ()
    """Its variables, `NAME=VALUE`."""


class KubernetesApplySpec(Value):
    """What is applied, and how."""

    yaml: str = ""
    """The objects; empty where a command applies."""
    image_maps: tuple[str, ...] = ()
    """Names of ImageMaps: these images are put into the objects."""
    image_locators: tuple[KubernetesImageLocator, ...] = ()
    timeout: Duration = ""
    """As Go writes durations; empty means 30 s."""
    kubernetes_discovery_template_spec: KubernetesDiscoveryTemplateSpec | None = None
    port_forward_template_spec: PortForwardTemplateSpec | None = None
    pod_log_stream_template_spec: PodLogStreamTemplateSpec | None = None
    discovery_strategy: str = ""
    """`default`, or `selectors-only` for pods that nothing applied owns."""
    disable_source: DisableSource | None = None
    apply_cmd: KubernetesApplyCmd | None = None
    restart_on: RestartOnSpec | None = None
    delete_cmd: KubernetesApplyCmd | None = None
    cluster: str = ""
    """Where; empty: the default one."""
    server_side_apply: bool = False
    """Changes nothing here: it is always applied by the server."""


class KubernetesApplyStatus(Value):
    """What came of it."""

    result_yaml: str = msgspec.field(default="", name="resultYAML")
    """The objects as the cluster has them, without what is secret."""
    error: str = ""
    """Why it failed."""
    last_apply_time: str = ""
    """When the last apply ended, RFC 3339."""
    last_apply_start_time: str = ""
    """When it began, RFC 3339."""
    applied_input_hash: str = ""
    """Of all that was applied: another one asks for another apply."""
    disable_status: DisableStatus | None = None
    conditions: tuple[Condition, ...] = ()
    """`JobComplete`: one of its Jobs had ended well before."""


class KubernetesApply(ApiObject):
    """Objects to apply. The spec is written by the declarer, the status by the session."""

    kind: ClassVar[str] = "KubernetesApply"

    spec: KubernetesApplySpec = KubernetesApplySpec()
    status: KubernetesApplyStatus = KubernetesApplyStatus()

    def problems(self) -> tuple[str, ...]:
        """It applies either YAML or by a command."""
        spec, found = self.spec, []
        if spec.discovery_strategy not in ("", "default", "selectors-only"):
            found.append(
                f'spec.discoveryStrategy: Unsupported value: "{spec.discovery_strategy}": '
                'supported values: "default", "selectors-only"'
            )
        if bool(spec.yaml) == (spec.apply_cmd is not None):
            place = "spec.applyCmd: Invalid value" if spec.yaml else "spec.yaml: Required value"
            found.append(f"{place}: must specify exactly ONE of .spec.yaml or .spec.applyCmd")
        elif spec.apply_cmd is not None and not spec.apply_cmd.args:
            found.append("spec.applyCmd.args: Required value: args cannot be empty")
        return tuple(found)
