"""The kinds of the API by their words alone, for the command line, which asks the session for the rest."""

from __future__ import annotations

from pytilt.model.named_tuple import NamedTuple

GROUP = "tilt.dev"
VERSION = "v1alpha1"
GROUP_VERSION = f"{GROUP}/{VERSION}"

OWN_GROUP = "pytilt.dev"
"""The group of the objects as the session stores them; those of `tilt.dev` have Tilt's kinds and fields."""

TILTFILE = "(Tiltfile)"
"""The name of the row of the main Tiltfile; `model.names` has it as a `ResourceName`."""

READING = ("get", "list", "watch")
WRITING = ("create", "update", "patch", "delete")

CLI_TRIGGER_REASON = 32
"""Why an update runs that the command line asks for: see `Reason` of `model.updates`, which takes longer to import."""


class KindWords(NamedTuple):
    """What a kind is called, and what can be done with its objects."""

    name: str
    plural: str
    short: tuple[str, ...] = ()
    written: bool = False
    """Do Tiltfiles and clients make them?"""
    group: str = GROUP

    @property
    def verbs(self) -> tuple[str, ...]:
        """In Kubernetes' words."""
        return (*READING, *(WRITING if self.written else ()))

    @property
    def group_version(self) -> str:
        """As `apiVersion` has it."""
        return f"{self.group}/{VERSION}"

    @property
    def singular(self) -> str:
        """With the group, as kubectl writes it before a name: `uibutton.tilt.dev`."""
        return f"{self.name.lower()}.{self.group}"

    @property
    def resource(self) -> str:
        """With the group, as kubectl writes it: `uibuttons.tilt.dev`."""
        return f"{self.plural}.{self.group}"

    def means(self, word: str) -> bool:
        """Is it meant by a word of the command line: plural, singular or short name, in any case?"""
        return is_meant(word, (self.plural, self.name.lower(), *self.short), self.group)


KINDS = (
    KindWords("UIResource", "uiresources"),
    KindWords("Session", "sessions"),
    KindWords("Tiltfile", "tiltfiles"),
    KindWords("ImageMap", "imagemaps", ("im",)),
    KindWords("LiveUpdate", "liveupdates", ("lu",)),
    KindWords("PortForward", "portforwards", ("pf",)),
    KindWords("Cluster", "clusters"),
    KindWords("UIButton", "uibuttons", written=True),
    KindWords("ToggleButton", "togglebuttons", written=True),
    KindWords("Cmd", "cmds", written=True),
    KindWords("ConfigMap", "configmaps", ("cm",), written=True),
    KindWords("FileWatch", "filewatches", ("fw",), written=True),
    KindWords("KubernetesApply", "kubernetesapplys", ("ka", "kapp"), written=True),
    KindWords("KubernetesDiscovery", "kubernetesdiscoveries", ("kd", "kdisco"), written=True),
    KindWords("DockerImage", "dockerimages"),
    KindWords("CmdImage", "cmdimages"),
    KindWords("PodLogStream", "podlogstreams", ("pls",)),
    KindWords("ExtensionRepo", "extensionrepos", ("repo", "extrepo")),
    KindWords("Extension", "extensions", ("ext",)),
    KindWords("UISession", "uisessions"),
    *(
        KindWords(name, plural, group=OWN_GROUP)
        for name, plural in (
            ("Resource", "resources"),
            ("Runtime", "runtimes"),
            ("Tiltfile", "tiltfiles"),
            ("FileWatch", "filewatches"),
            ("ImageMap", "imagemaps"),
            ("LiveUpdate", "liveupdates"),
            ("PortForward", "portforwards"),
            ("Cluster", "clusters"),
            ("ResourceEvents", "resourceevents"),
        )
    ),
)
"""In the order in which they are listed; of two that a word means, the first one counts."""


def is_meant(word: str, words: tuple[str, ...], group: str) -> bool:
    """Is a kind meant by a word, in any case, alone or with its group?

    Args:
        word: `fw`, `filewatches.tilt.dev` or `filewatches.v1alpha1.tilt.dev`.
        words: what the kind is called.
        group: where the kind is.
    """
    return word.lower().removesuffix(f".{group}").removesuffix(f".{VERSION}") in words


def find_words(word: str) -> KindWords | None:
    """The kind that a word of the command line means."""
    return next((kind for kind in KINDS if kind.means(word)), None)
