"""The commands about the resources of a running session: `tilt trigger`, `enable`, `status` and others."""
