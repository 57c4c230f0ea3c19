"""Names and ids. They are strings that must not be mixed up."""

from typing import NewType

ResourceName = NewType("ResourceName", str)
"""The name of a resource as the user sees it, for example `web` or `(Tiltfile)`."""

ImageName = NewType("ImageName", str)
"""An image as the Tiltfile names it (`docker_build`'s first argument), in familiar form, for example `shop/web`."""

SpanId = NewType("SpanId", str)
"""The id of a log span: one build, one pod, one process, for example `build:3` or `pod:web:web-6d4f`."""

TILTFILE = ResourceName("(Tiltfile)")
"""The resource of the main Tiltfile."""

CONFIGS = f"configs:{TILTFILE}"
"""The watch of the files that the main Tiltfile read, as Tilt's API names it."""

UNCATEGORIZED = ResourceName("uncategorized")
"""The resource of the Kubernetes objects that belong to no workload."""
