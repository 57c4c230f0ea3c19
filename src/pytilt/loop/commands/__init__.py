"""Commands of the user's as processes: their environment, their probes, how they ended, and what each is for.

Not here: which of them run when (`kinds`, and `api` for `Cmd`), and processes as such (`host.processes`).
"""
