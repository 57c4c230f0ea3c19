"""Repositories of Tiltfile extensions: fetched with git once, kept in the state directory, pinned by a lock file.

Here belongs where an extension's files are and which commit they are of. Not here: what `ext://…` means in a Tiltfile
(`tiltfile.extensions`). Called by `tiltfile` through a seam, by `loop.evaluation` and by the command `tilt extension`.
"""
