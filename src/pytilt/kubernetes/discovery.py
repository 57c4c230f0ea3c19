"""Where the API server keeps the objects of a kind."""

from collections import defaultdict
from functools import partial
from typing import Any
from urllib.parse import quote

from pytilt.cluster import objects
from pytilt.http.shared_work import SharedWork
from pytilt.kubernetes import failures
from pytilt.kubernetes.api import KubernetesApi
from pytilt.model.base import Value
from pytilt.model.resources import KubeObject


class ApiResource(Value):
    """A kind and its place."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of an object or, without name, of all objects.

        Args:
            namespace: empty: of all namespaces; ignored for a kind that has none.
            name: of the object.
        """
        below = ("namespaces", namespace) if self.namespaced and namespace else ()
        return "/".join(
            (group_path(self.api_version), *map(_segment, (*below, self.plural, *((name,) if name else ()))))
        )


def group_path(api_version: str) -> str:
    """Where the server has the kinds of an `apiVersion`."""
    root = "/apis" if "/" in api_version else "/api"
    return "/".join((root, *map(_segment, api_version.split("/"))))


def _segment(text: str) -> str:
    """One segment of a path, in which nothing of the text has a meaning."""
    return quote(text, safe="", errors="surrogateescape")


PODS = ApiResource(api_version="v1", kind="Pod", plural="pods", namespaced=True)


class Discovery:
    """Finds the place of kinds, and remembers it.

    Args:
        api: whom to ask.
    """

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._known: dict[tuple[str, str], ApiResource] = {}
        self._learned: dict[tuple[str, str], ApiResource] = {}
        self._asking: defaultdict[str, SharedWork] = defaultdict(SharedWork)

    async def find(self, api_version: str, kind: str) -> ApiResource | None:
        """The place of a kind, None when the cluster does not have it.

        Args:
            api_version: for example `apps/v1`.
            kind: for example `Deployment`.

        Raises:
            ClusterUnreachableError: no answer, or the cluster refuses.
        """
        key = (api_version, kind)
        if key not in self._known:  # many may ask at the same time
            await self._asking[api_version].ensure(lambda: key not in self._known, partial(self._ask, api_version))
        # The server lists a kind a moment after its definition is there.
        return self._known.get(key) or self._learned.get(key)

    def learn(self, definition: KubeObject) -> None:
        """Take the places of a kind from its CustomResourceDefinition."""
        spec = objects.mapping(definition, "spec")
        names = objects.mapping(spec, "names")
        for version in objects.items(spec, "versions"):
            found = ApiResource(
                api_version=f"{spec.get('group')}/{version.get('name')}",
                kind=str(names.get("kind")),
                plural=str(names.get("plural")),
                namespaced=spec.get("scope") == "Namespaced",
            )
            if version.get("served"):
                self._known[found.api_version, found.kind] = found
                self._learned[found.api_version, found.kind] = found

    def forget(self, resource: ApiResource) -> None:
        """Ask again for a kind that seems to be gone."""
        self._known.pop((resource.api_version, resource.kind), None)

    async def _ask(self, api_version: str) -> None:
        answer = await self._api.request("GET", group_path(api_version))
        if answer.status == 404:
            return
        if not answer.ok:
            raise failures.denied(self._api.connection, f"list the kinds of `{api_version}`", answer.failure)
        for listed in answer.items("resources"):
            plural, kind = listed.get("name"), listed.get("kind")
            if isinstance(plural, str) and isinstance(kind, str) and "/" not in plural:
                self._known[api_version, kind] = ApiResource(
                    api_version=api_version, kind=kind, plural=plural, namespaced=listed.get("namespaced") is True
                )


def is_established(definition: KubeObject) -> bool:
    """Does the server serve the kind of this CustomResourceDefinition?"""
    conditions = objects.items(definition, "status", "conditions")
    return any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions)


def plain(o: dict[str, Any], resource: ApiResource) -> KubeObject:
    """An object as others see it: with its kind, which lists leave out."""
    o.setdefault("apiVersion", resource.api_version)
    o.setdefault("kind", resource.kind)
    return o
