"""Port forwards as a Tiltfile writes them: `8000`, `"8000:9000"`, `"host:8000:9000"`, `port_forward(…)`."""

import re

from pytilt.dialect import to_repr, type_name
from pytilt.errors import UserError
from pytilt.model.regex import regex
from pytilt.model.resources import PortForwardSpec
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.values import PortForwardValue

_MAX_PORT = 65535
_OCTET = r"(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = regex(rf"(?:{_OCTET}\.){{3}}{_OCTET}|(?:{_LABEL}\.)*{_LABEL}")
_MOST_PARTS = 3


def port_forwards(value: object) -> tuple[PortForwardSpec, ...]:
    """The forwards of one value, or of a sequence of them.

    Raises:
        UserError: not forwards.
    """
    one = isinstance(value, int | str | PortForwardValue)
    if not one and value is not None and not isinstance(value, list | tuple | dict):
        raise UserError(
            f"port_forwards must be an int, a port_forward, or a sequence of those; is a {type_name(value)}"
        )
    return tuple(_forward(item, value) for item in conversions.items(value))


def _forward(item: object, given: object) -> PortForwardSpec:
    if isinstance(item, PortForwardValue):
        return item.forward
    if isinstance(item, int) and not isinstance(item, bool):
        if not 0 <= item <= _MAX_PORT:
            raise UserError(f"portForward port value {item} is not in the valid range [0-{_MAX_PORT}]")
        return PortForwardSpec(local_port=item)
    if isinstance(item, str):
        return _from_text(item)
    raise UserError(
        f"port_forwards arg {to_repr(given)} includes element {to_repr(item)} which must be an int or a "
        f"port_forward; is a {type_name(item)}"
    )


def _from_text(text: str) -> PortForwardSpec:
    parts = text.split(":", _MOST_PARTS - 1)
    host = parts.pop(0) if len(parts) == _MOST_PARTS else ""
    if host and not _HOST.fullmatch(host):
        raise UserError(f'portForward host value "{host}" is not a valid hostname or IP address')
    ports = [_port(part) for part in parts]
    return PortForwardSpec(local_port=ports[0], container_port=ports[1] if len(ports) > 1 else 0, host=host)


def _port(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", text) or not 0 <= int(text) <= _MAX_PORT:
        raise UserError(f'portForward port value "{text}" is not in the valid range [0-{_MAX_PORT}]')
    return int(text)
