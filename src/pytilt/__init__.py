"""Tilt in Python: several services on Kubernetes, fresh while you write them.

The packages, from low to high (lower never imports higher): `model`, `host`, then `dialect | images | cluster`, then
`kubernetes | engines`, then `tiltfile | liveupdate | store`, then `views`, then `loop | server | hud`, then `cli`,
and `testing` on top. `errors` and `settings` belong to all of them. `docs/architecture.md` is the map.
"""

__version__ = "0.1.0"
__date__ = "2026-11-29"
"""When this version was made."""

TILT_VERSION = "0.37.6"
"""The version of Tilt whose Tiltfiles run here: what `version_settings` and scripts compare with."""

BUILD = f"v{__version__}, built {__date__}"
"""What `tilt --version` prints, in Tilt's form."""
