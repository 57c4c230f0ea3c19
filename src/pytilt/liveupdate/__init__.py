"""Updating running containers in place.

Here belongs the plan (which changed files go where, which commands follow, or why not) and the stream that carries it
out in one container. Not here: when to do it (`loop`) and how a container is reached (`cluster.seam`).
"""
