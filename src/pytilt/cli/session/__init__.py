"""The commands that start, change, list and end sessions: `tilt up`, `ci`, `args`, `stop`, `down` and others."""
