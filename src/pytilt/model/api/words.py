"""The kinds of the API by their words alone, for the command line, which asks the session for the rest."""

from typing import NamedTuple

GROUP = "tilt.dev"
VERSION = "v1alpha1"
GROUP_VERSION = f"{GROUP}/{VERSION}"

READING = ("get", "list", "watch")
WRITING = ("create", "update", "patch", "delete")


class KindWords(NamedTuple):
    """What a kind is called, and what can be done with its objects."""

    name: str
    plural: str
    short: tuple[str, ...] = ()
    written: bool = False
    """Do Tiltfiles and clients make them?"""

    @property
    def verbs(self) -> tuple[str, ...]:
        """In Kubernetes' words."""
        return (*READING, *(WRITING if self.written else ()))

    def means(self, word: str) -> bool:
        """Is it meant by a word of the command line: plural, singular or short name, in any case?"""
        wanted = word.lower().removesuffix(f".{GROUP}")
        return wanted in (self.plural, self.name.lower(), *self.short)


KINDS = (
    KindWords("UIResource", "uiresources"),
    KindWords("Session", "sessions"),
    KindWords("Tiltfile", "tiltfiles"),
    KindWords("ImageMap", "imagemaps", ("im",)),
    KindWords("LiveUpdate", "liveupdates", ("lu",)),
    KindWords("PortForward", "portforwards", ("pf",)),
    KindWords("Cluster", "clusters"),
    KindWords("Runtime", "runtimes"),
    KindWords("Resource", "resources"),
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
)
"""In the order in which they are listed."""


def find_words(word: str) -> KindWords | None:
    """The kind that a word of the command line means."""
    return next((kind for kind in KINDS if kind.means(word)), None)
