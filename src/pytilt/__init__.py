"""Tilt in Python: several services on Kubernetes, fresh while you write them.

`docs/architecture.md` is the map of the packages, and of which may import which. `errors` and `settings` belong to all
of them. Begin with `session.composition`, which makes every part of a session.
"""

__version__ = "0.1.0"
__date__ = "2026-11-29"
"""When this version was made."""

TILT_VERSION = "0.37.6"
"""The version of Tilt whose Tiltfiles run here: what `version_settings` and scripts compare with."""

BUILD = f"v{__version__}, built {__date__}"
"""What `tilt --version` prints, in Tilt's form."""
