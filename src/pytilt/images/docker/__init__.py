"""Docker Engine's HTTP API, which Podman speaks too: finding an engine, talking to it, building with it.

Here belongs what knows this API's paths and messages. Not here: registries' names and credentials (`images`) and
running containers as a cluster (`engines`, which borrows `api`). Called by `images`, `engines` and `compose`.
"""
