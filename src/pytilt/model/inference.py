"""What is known of how an image is made and of what runs in its containers: enough to place a changed file in them.

The steps are read from Dockerfiles so far as it takes to know where a file of the build context arrives in the image:
what copies it, what may read it. Images of the same Tiltfile that an image builds upon are part of it.
"""

from enum import StrEnum

from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.names import ImageName


class InferenceMode(StrEnum):
    """What the Tiltfile says about live updates that nobody wrote a rule for."""

    AUTO = "auto"
    """Where they bring what a full build would bring, and what runs sees it."""
    OFF = "off"
    INFER = "infer"
    """Wherever the place of a file is known."""
    BUILT = "built"
    """Never, nor by rules: the update mode asks for a new image."""


class Form(StrEnum):
    """What the destination of a copied file is."""

    DIRECTORY = "directory"
    FILE = "file"
    OPEN = "open"
    """The file itself, unless there is a directory of that name."""


class Copied(Value, tag="copied"):
    """`COPY` or `ADD` from the build context."""

    where: str
    """For people: the instruction and its line."""
    context: str
    """Absolute directory."""
    ignores: tuple[Ignore, ...] = ()
    sources: tuple[str, ...]
    """Relative to the context, perhaps with `*`; empty for all of it."""
    destination: str
    """Absolute, `/` or without a final one."""
    form: Form
    owner: str = ""
    """`USER` or `USER:GROUP`; empty: root."""
    mode: int | None = None
    excludes: tuple[str, ...] = ()
    extracts: bool = False
    """It unpacks archives: `ADD`."""
    unclear: str = ""
    """Why nobody can know here what it does with a file; empty when it is known."""


class Executed(Value, tag="executed"):
    """`RUN`, which may read all that is there before it, and write anything."""

    where: str
    mounts: tuple[tuple[str, str], ...] = ()
    """Build contexts that it reads from, each with a path relative to it."""
    below: tuple["Chain", ...] = ()
    """Other stages that it reads from."""


class Taken(Value, tag="taken"):
    """`COPY --from=`, a heredoc or a download: what arrives does not come from the build context itself."""

    where: str
    sources: tuple[str, ...] = ()
    """Absolute paths in the image or stage that it is taken from, perhaps with `*`."""
    below: "Chain | None" = None
    """The stage that it is taken from; None for what no file of the context is part of."""
    destination: str
    """Absolute; empty where nobody can know it."""


class Mounted(Value, tag="mounted"):
    """`VOLUME`: what is there comes from elsewhere when a container runs."""

    where: str
    path: str


Step = Copied | Executed | Taken | Mounted


class Chain(Value):
    """All steps that make an image, or a stage of one."""

    steps: tuple[Step, ...] = ()
    base: str = ""
    """The image from elsewhere that it begins with; empty when it begins with nothing."""
    unclear: str = ""
    """Why nothing can be said of it; empty when it is understood."""


class Process(Value):
    """What a container runs."""

    container: str
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = "/"
    """Where it works."""
    opaque: bool = False
    """The project brings the program: whatever it is called, it may do anything."""


class Inferred(Value):
    """What is known of an image and of the containers that run it: the rules of a live update that nobody wrote."""

    chain: Chain
    processes: tuple[Process, ...] = ()
    """What runs in them."""
    trusted: bool = False
    """The Tiltfile asks for it: deletions are brought too, and whatever runs is believed to see the files."""
    user: str = ""
    """Who runs in them; empty: root."""
    mounts: tuple[str, ...] = ()
    """Absolute paths in them at which they have something else than the image."""
    supervised: bool = False
    """Can what runs in them be started again without another container?"""

    @property
    def roots(self) -> tuple[str, ...]:
        """The build contexts that files come from."""
        return tuple(dict.fromkeys(step.context for step in self.chain.steps if isinstance(step, Copied)))


class Inference(Value):
    """What was found out about one image of a resource."""

    image: ImageName
    rules: Inferred | None = None
    why: str = ""
    """Why there are no rules."""
    blocked: str = ""
    """Why its containers cannot be updated in place, as was seen when it was tried."""
