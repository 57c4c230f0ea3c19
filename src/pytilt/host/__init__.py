"""This machine: processes, watched files, ignore patterns, ports, the state directory.

Here belongs all that touches the operating system and knows nothing of Tilt. Only this package starts processes.
Called by every package above it.
"""
