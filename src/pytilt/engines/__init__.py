"""The cluster seam over a container engine: the built-in context `engine`, for which no cluster is needed.

Here belongs what makes the engine behave like a small cluster: an object store, controllers that want pods, runners
that make pods of containers, Services as names with a forwarder. Not here: building images (`images`), what is true
of every cluster (`cluster`), and when to apply what (`loop`). Called by `session`, which hands it to `loop`.
"""
