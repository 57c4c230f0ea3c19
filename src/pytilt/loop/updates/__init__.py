"""From changed files to updates, and what came of each: the scheduler, which starts what `planning` says.

Here belongs what every update has, whatever its kind: watched files, quiet times, rounds, its text in the log, its
outcome. Not here: how the resources of a kind are updated (`kinds`), or a container in place (`live_updates`).
"""
