"""The Docker Engine API as a client, which Podman speaks too: address, discovery, requests, streams, events, errors.

Here belongs what knows this API's paths and messages. Not here: building images (`images.docker`), names of registries
and credentials (`images`), and running containers as a cluster (`engines`). Called by `images` and `engines`.
"""
