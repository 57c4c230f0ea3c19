"""The `Runtime` of a resource, as whoever runs it writes it."""

from typing import Any

from msgspec.structs import replace

from pytilt.model.objects import Resource, Runtime, runtime_owner
from pytilt.store.objects import Store


class RuntimeWriter:
    """Writes runtimes; each says since when its status is what it is.

    Args:
        store: the session's objects.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, name: str, **fields: Any) -> None:  # noqa: ANN401 - fields of `RuntimeState`
        """Give fields of the runtime of a resource new values; its endpoints are its links where nothing else is said.

        Args:
            name: of the resource.
            fields: fields of `RuntimeState`.
        """
        resource = self._store.get(Resource, name)
        if resource is None:  # it was deleted meanwhile, and its runtime with it
            return
        before = self._store.get(Runtime, name) or Runtime(name=name, owner=runtime_owner(name))
        fields.setdefault("endpoints", resource.spec.links)
        if fields.get("status", before.status.status) is not before.status.status:
            fields["since"] = self._store.now()
        self._store.put(replace(before, status=replace(before.status, **fields)))
