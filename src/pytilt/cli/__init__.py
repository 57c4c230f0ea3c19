"""The commands, one file each.

Here belongs what speaks to people on a command line. Not here: any logic that a test would want without a terminal.
"""
