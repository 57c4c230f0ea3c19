"""Building and publishing images.

Here belongs what knows builders and registries: reading Dockerfiles, build contexts, references and tags, Docker's and
Podman's API, custom build commands, stored credentials. Not here: when to build (`loop`) and what a cluster is
(`cluster`). Called by the update pipeline in `loop`, and by `tiltfile` for references and Dockerfiles.

A session makes one `docker.engine.Engine`, one builder (`assembly.image_builder`) and one `publishing.DockerPublisher`.
"""
