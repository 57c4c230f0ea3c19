"""The commands, one file each, in one package a topic; `main` calls them, `command_line.table` lists them.

Here belongs what speaks to people on a command line. Not here: any logic that a test would want without a terminal.
No `__init__` of these packages imports anything: every command has to start at once.
"""
