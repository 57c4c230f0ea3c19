"""Names and ids. They are strings that must not be mixed up."""

import posixpath
import re
from typing import NewType

from pytilt.model.api import words

ResourceName = NewType("ResourceName", str)
"""The name of a resource as the user sees it, for example `web` or `(Tiltfile)`."""

ImageName = NewType("ImageName", str)
"""An image as the Tiltfile names it (`docker_build`'s first argument), in familiar form, for example `shop/web`."""

SpanId = NewType("SpanId", str)
"""The id of a log span: one build, one pod, one process, for example `build:3` or `pod:web:web-6d4f`."""

TILTFILE = ResourceName(words.TILTFILE)
"""The resource of the main Tiltfile."""

CONFIGS = f"configs:{TILTFILE}"
"""The watch of the files that the main Tiltfile read, as Tilt's API names it."""

UNCATEGORIZED = ResourceName("uncategorized")
"""The resource of the Kubernetes objects that belong to no workload."""

_LONGEST_SLUG = 24


def session_id(tiltfile: str) -> str:
    """A name for the project in one folder, the same every time: for what each worktree of a repository has of its own.

    It is a DNS label, for example `shop-fix-login-3f9a2c`: the folder's name, and six digits made of the whole path.

    Args:
        tiltfile: absolute path of the Tiltfile.
    """
    folder = posixpath.basename(posixpath.dirname(tiltfile)).lower()
    slug = re.sub(r"[^a-z0-9]+", "-", folder)[:_LONGEST_SLUG].strip("-")
    import hashlib  # imported here: few need it, and the library behind it takes long to load

    digits = hashlib.sha256(tiltfile.encode(errors="surrogateescape")).hexdigest()[:6]
    return f"{slug or 'project'}-{digits}"
