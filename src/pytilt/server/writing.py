"""Writes of clients: objects made, replaced, patched, clicked and deleted, under the rules of Kubernetes' API."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from starlette.exceptions import HTTPException
from starlette.requests import Request

from pytilt.cluster import yaml
from pytilt.errors import UserError
from pytilt.model.api.buttons import UIButton
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.file_watches import ApiFileWatch
from pytilt.model.api.kinds import ApiKind
from pytilt.model.api.metadata import ApiObject
from pytilt.model.api.toggles import SWITCH_KEY, is_switch
from pytilt.model.objects import Resource
from pytilt.model.times import just_after, later, moment, seconds_between
from pytilt.server.json_patch import apply_patch
from pytilt.store.objects import Store
from pytilt.views.api import Kind, find_kind
from pytilt.views.api_objects import InvalidObjectError, checked, merged, readable, shown, with_spec_of, written

Json = dict[str, Any]

STATUS = "/status"
"""The end of the address of an object's status."""


MOST_AHEAD_SECONDS = 60.0
"""By so much the clock of a client may be ahead for its times to be taken."""


class Writing:
    """Writes objects as clients want them.

    Args:
        store: the session's objects.
        dry_run: only check what is asked for, and return what it would make; nothing is kept.
    """

    def __init__(self, store: Store, *, dry_run: bool = False) -> None:
        self._store = store
        self._dry_run = dry_run

    def create(self, kind: Kind, body: object) -> Json:
        """Make an object.

        Raises:
            HTTPException: it is there already, or cannot be.
        """
        api = _writable(kind)
        made = self._checked(api, _written(api, body))
        if self._store.get(api.type, made.name) is not None:
            raise HTTPException(409, f'{api.plural}.tilt.dev "{made.name}" already exists')
        return self._put(replace(made, **_without_status(made)))

    def replace(self, kind: Kind, path: str, body: object) -> Json:
        """Write an object, or its status, anew.

        Raises:
            HTTPException: it is not there, is another one meanwhile, or cannot be.
        """
        api, (name, status) = _writable(kind), _address(path)
        before = self._found(api, name)
        wanted = _written(api, body, name)
        if isinstance(body, dict):
            _check_version(api, before, body.get("metadata") or {})
        return self._write(api, before, wanted, status=status)

    def patch(self, kind: Kind, path: str, patch: object) -> Json:
        """Change an object, or its status, by a merge patch, or by a JSON patch, which is a list.

        Raises:
            HTTPException: it is not there, is another one meanwhile, or cannot be.
        """
        api, (name, status) = _writable(kind), _address(path)
        if not isinstance(patch, dict | list):
            raise HTTPException(400, "the patch is neither an object nor a list")
        before = self._found(api, name)
        if isinstance(patch, list):
            try:
                changed = apply_patch(shown(before, ""), patch)
            except UserError as error:
                raise HTTPException(422, error.message) from error
        else:
            _check_version(api, before, patch.get("metadata") or {})
            changed = merged(shown(before, ""), patch)
        wanted = _written(api, changed, name)
        return self._write(api, before, wanted, status=status)

    def delete(self, kind: Kind, name: str) -> Json:
        """Delete an object.

        Raises:
            HTTPException: it is not there.
        """
        api = _writable(kind)
        before = self._found(api, name)
        if not self._dry_run:
            self._store.delete(api.type, name)
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Success",
            "details": {
                "name": name,
                "group": "tilt.dev",
                "kind": api.plural,
                "uid": shown(before, "")["metadata"]["uid"],
            },
        }

    def _write(self, api: ApiKind, before: ApiObject, wanted: ApiObject, *, status: bool) -> Json:
        if status:
            if not hasattr(before, "status"):
                raise HTTPException(404, f"{api.plural} have no status")
            for problem in wanted.status_problems():
                raise HTTPException(422, f'{api.plural}.tilt.dev "{before.name}" is invalid: {problem}')
            if isinstance(before, UIButton) and isinstance(wanted, UIButton):
                wanted = self._in_order(before, wanted)
            return self._put(replace(before, status=getattr(wanted, "status")))  # noqa: B009 - not of all kinds
        return self._put(self._checked(api, with_spec_of(before, wanted)))

    def _in_order(self, before: UIButton, wanted: UIButton) -> UIButton:
        """The click as it came: later than all before it, whatever the clock of the client says.

        A click counts by its time. By that of a client whose clock is behind, or was set back, it would be none; after
        that of one whose clock is ahead, no other would be.
        """
        at, state = wanted.status.last_clicked_at, self._store.snapshot()
        if not at or at == before.status.last_clicked_at:
            return wanted
        clicks = (each.status.last_clicked_at or "" for each in state.all(UIButton))
        events = (each.status.last_event_time for each in state.all(ApiFileWatch))
        last, now = max((*clicks, *events), key=moment), self._store.now()
        if not later(at, last) or seconds_between(now, at) > MOST_AHEAD_SECONDS:
            at = now if later(now, last) else just_after(last)
        return replace(wanted, status=replace(wanted.status, last_clicked_at=at))

    def _put(self, thing: ApiObject) -> Json:
        return readable(shown(thing if self._dry_run else self._store.put(thing), ""))

    def _found(self, api: ApiKind, name: str) -> ApiObject:
        found = self._store.get(api.type, name)
        if found is None:
            raise HTTPException(404, f'{api.plural}.tilt.dev "{name}" not found')
        return found

    def _checked(self, api: ApiKind, made: ApiObject) -> ApiObject:
        try:
            checked(api, made)
        except InvalidObjectError as problem:
            raise HTTPException(422, str(problem)) from problem
        if isinstance(made, ConfigMap) and is_switch(made.name, self._store.snapshot().named(Resource)):
            wanted = made.data.get(SWITCH_KEY)
            if wanted not in (None, "true", "false"):
                raise HTTPException(422, f'data.{SWITCH_KEY} must be "true" or "false", not "{wanted}"')
        return made


async def body_of(request: Request) -> Any:  # noqa: ANN401 - JSON
    """What a request carries, in JSON or YAML.

    Raises:
        HTTPException: it is neither.
    """
    try:
        found = yaml.parse_values((await request.body()).decode(), "body")
    except (UserError, UnicodeDecodeError) as problem:
        raise HTTPException(400, f"error parsing the body: {problem}") from problem
    if len(found) != 1:
        raise HTTPException(400, "error parsing the body: it is not one document")
    return found[0]


def is_dry_run(request: Request) -> bool:
    """Is what a request asks for only to be tried?

    Raises:
        HTTPException: its `dryRun` means nothing.
    """
    wanted = request.query_params.getlist("dryRun")
    if any(each != "All" for each in wanted):
        raise HTTPException(422, f'dryRun: Unsupported value: "{wanted[0]}": supported values: "All"')
    return bool(wanted)


def _address(path: str) -> tuple[str, bool]:
    """Name of the object, and whether its status is meant."""
    return path.removesuffix(STATUS), path.endswith(STATUS)


def _writable(kind: Kind) -> ApiKind:
    if kind.api is None:
        raise HTTPException(405, f"{kind.plural} are made by the session: they cannot be changed")
    return kind.api


def _written(api: ApiKind, body: object, name: str | None = None) -> ApiObject:
    try:
        return written(api, body, name=name)
    except InvalidObjectError as problem:
        raise HTTPException(422, f"{api.name} is invalid: {problem}") from problem


def _check_version(api: ApiKind, before: ApiObject, metadata: Mapping[str, Any]) -> None:
    wanted = metadata.get("resourceVersion")
    if wanted not in (None, "", str(before.version)):
        raise HTTPException(
            409,
            f'Operation cannot be fulfilled on {api.plural}.tilt.dev "{before.name}": the object has been modified; '
            "please apply your changes to the latest version and try again",
        )


def _without_status(made: ApiObject) -> Mapping[str, Any]:
    """A status is written where it is: an object begins without."""
    return {"status": type(getattr(made, "status"))()} if hasattr(made, "status") else {}  # noqa: B009 - not of all kinds


def kind_of(word: str, group: str) -> Kind:
    """The kind that an address names.

    Args:
        word: plural, singular or short name.
        group: of the API.

    Raises:
        HTTPException: there is none.
    """
    kind = find_kind(f"{word}.{group}")
    if kind is None:
        raise HTTPException(404, f'the server doesn\'t have a resource type "{word}"')
    return kind
