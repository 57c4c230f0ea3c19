"""Building images by the Docker Engine API: BuildKit and the classic builder, their options, progress and failures.

Not here: the API's client itself (`docker`), registries' names and credentials (`images`). Called by `images.assembly`.
"""
