"""When a resource updates, of what the Tiltfile says in two words."""

from pytilt.model.resources import TriggerMode
from pytilt.tiltfile.arguments.values import Mode

_MODES = {
    (Mode.AUTO, True): TriggerMode.AUTO,
    (Mode.AUTO, False): TriggerMode.AUTO_NO_INIT,
    (Mode.MANUAL, True): TriggerMode.MANUAL,
    (Mode.MANUAL, False): TriggerMode.MANUAL_NO_INIT,
}


def model_mode(mode: Mode, *, auto_init: bool) -> TriggerMode:
    """The mode of a resource: its `trigger_mode` and `auto_init` as one."""
    return _MODES[mode, auto_init]
