"""What a `DisableSource` says: is an object disabled by its ConfigMaps? Pure."""

from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.metadata import ConfigMapDisableSource, DisableSource, DisableStatus
from pytilt.store.objects import Snapshot


def disable_status(
    state: Snapshot, source: DisableSource | None, before: DisableStatus | None, now: str
) -> DisableStatus:
    """Whether an object is disabled, and since when.

    Args:
        state: has the ConfigMaps.
        source: of the object; None: nothing disables it.
        before: what was found last.
        now: RFC 3339.
    """
    state_name, reason = _found(state, source)
    if before is not None and (before.state, before.reason) == (state_name, reason):
        return before
    return DisableStatus(state=state_name, reason=reason, last_update_time=now)


def _found(state: Snapshot, source: DisableSource | None) -> tuple[str, str]:
    if source is None:
        return "Enabled", "object does not specify a DisableSource"
    if source.config_map is not None:
        return _of_key(state, source.config_map)
    found = [_of_key(state, each) for each in source.every_config_map]
    if not found:
        return "Error", "DisableSource specifies no valid source"
    # One that does not disable is enough to enable.
    return next((each for each in found if each[0] != "Disabled"), found[0])


def _of_key(state: Snapshot, source: ConfigMapDisableSource) -> tuple[str, str]:
    config = state.get(ConfigMap, source.name)
    if config is None:
        return "Pending", f'ConfigMap "{source.name}" does not exist'
    value = config.data.get(source.key)
    if value is None:
        return "Pending", f'ConfigMap "{source.name}" has no key "{source.key}"'
    if value in ("true", "false"):
        return (
            "Disabled" if value == "true" else "Enabled"
        ), f'ConfigMap/key "{source.name}"/"{source.key}" is "{value}"'
    return "Error", f'error parsing disable value from ConfigMap/key "{source.name}"/"{source.key}": "{value}"'
