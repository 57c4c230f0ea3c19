"""The functions that take Kubernetes objects and say what resources are made of them."""

import marshal
from types import FunctionType

from pytilt.cluster import objects, selecting, yaml
from pytilt.cluster.json_path import find
from pytilt.cluster.secrets import is_secret, secrets
from pytilt.cluster.workloads import WorkloadKind
from pytilt.dialect import call, call_stack, to_repr, type_name
from pytilt.dialect.formatting import function_name
from pytilt.errors import UserError
from pytilt.model.clusters import ObjectRef
from pytilt.model.resources import ImageLocator, KubeObject, PortForwardSpec
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import (
    Duration,
    Flag,
    Items,
    Labels,
    Links,
    Name,
    Pairs,
    Readiness,
    Sequenced,
    Stringable,
    Text,
    TriggerMode,
    Whole,
)
from pytilt.tiltfile.arguments.decoding import decoded
from pytilt.tiltfile.arguments.port_forwards import port_forwards
from pytilt.tiltfile.arguments.urls import parse_path
from pytilt.tiltfile.arguments.values import Blob, PortForwardValue, WorkloadId
from pytilt.tiltfile.running.declared import ResourceOptions, WorkloadName
from pytilt.tiltfile.running.functions import OtherForm, function
from pytilt.tiltfile.running.script import Script, UnreadableError
from pytilt.tiltfile.topics.first_form import first_form_image, is_first_form

_LONG = 20_000
"""Characters from which on it is quicker to keep what a text was read as."""

_STRATEGIES = {"": None, "default": False, "selectors-only": True}
_OBJECT_KEYS = ("json_path", "repo_field", "tag_field")
_OBJECT_FORM = (
    'k8s_kind: for parameter "image_object": Expected dict of the form '
    "{'json_path': str, 'repo_field': str, 'tag_field': str}"
)


class KubernetesBuiltins:
    """The functions for Kubernetes, but for those that ask about the context."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._registered: dict[ObjectRef, str] = {}

    @function("k8s_yaml")
    def k8s_yaml(self, yaml: object, allow_duplicates: Flag = False) -> None:
        """Deploy the objects of YAML files or texts."""
        given, directory, trace = conversions.items(yaml), self._script.directory, _trace("k8s_yaml")
        self._script.pending.in_turn(
            lambda: self._register("k8s_yaml", given, directory, trace, allow_duplicates=allow_duplicates)
        )

    def _register(
        self, function: str, given: list[object], directory: str, trace: str, *, allow_duplicates: bool = False
    ) -> None:
        """Read objects and deploy them."""
        found = self._objects(given, directory)
        if not given or (not found and not isinstance(given[0], str)):
            raise UserError(f"Empty YAML passed to {function}")
        for o in found:
            address = _address(o)
            if address.name and address in self._registered and not allow_duplicates:
                raise UserError(_duplicate(address, self._registered[address]))
            self._registered[address] = trace
        self._script.objects += found
        self._script.learn(secrets(found))

    @function("filter_yaml")
    def filter_yaml(
        self,
        yaml: object,
        labels: Pairs = (),
        name: Text = "",
        namespace: Text = "",
        kind: Text = "",
        api_version: Text = "",
    ) -> tuple[Blob, Blob]:
        """Split YAML into the objects that match everything given, and the rest."""
        matching, rest = selecting.split(
            self._objects(conversions.items(yaml), self._script.directory),
            labels=dict(labels),
            kind=kind,
            api_version=api_version,
            name=name,
            namespace=namespace,
        )
        source = yaml.source if isinstance(yaml, Blob) else "filter_yaml"
        return Blob(_dump(matching), source), Blob(_dump(rest), source)

    @function("k8s_resource", other=OtherForm(is_first_form, "first_k8s_resource"))
    def k8s_resource(
        self,
        workload: Name = "",
        new_name: Name = "",
        port_forwards: object = None,
        extra_pod_selectors: object = None,
        trigger_mode: TriggerMode = None,
        resource_deps: Sequenced | None = None,
        objects: Sequenced | None = None,
        auto_init: object = None,
        pod_readiness: Readiness = None,
        links: Links = (),
        labels: Labels = (),
        discovery_strategy: Stringable = "",
        repair_drift: Flag | None = None,
        debounce: Duration | None = None,
    ) -> None:
        """Configure the resource of a workload, or make one of plain objects."""
        name = workload or new_name
        if not name:
            raise UserError(
                "Resource name missing. Must give a name for an existing resource or a new_name to create a new "
                "resource."
            )
        forwards = _port_forwards(name, port_forwards)
        selectors = _pod_selectors(extra_pod_selectors)
        (deps, each_update), fragments = _resource_deps(resource_deps), _texts("objects", objects)
        if not workload and not fragments:
            raise UserError(
                "k8s_resource doesn't specify a workload or any objects. All non-workload resources must specify 1 or "
                "more objects"
            )
        self._script.options.append(
            ResourceOptions(
                name=name,
                grouped=not workload,
                new_name=new_name,
                port_forwards=forwards,
                extra_pod_selectors=selectors,
                trigger_mode=trigger_mode,
                resource_deps=deps,
                objects=fragments,
                auto_init=_auto_init(auto_init),
                pod_readiness=pod_readiness,
                links=links,
                labels=labels,
                selectors_only=_selectors_only(discovery_strategy),
                repair_drift=repair_drift,
                each_update=each_update,
                debounce_seconds=None if debounce is None else conversions.debounce("k8s_resource", debounce),
                position=self._script.position(),
            )
        )

    def first_k8s_resource(
        self,
        name: Name,
        yaml: object,
        image: object = None,
        port_forwards: object = None,
        extra_pod_selectors: object = None,
        trigger_mode: TriggerMode = None,
        resource_deps: Sequenced | None = None,
        auto_init: object = None,
        pod_readiness: Readiness = None,
        links: Links = (),
        labels: Labels = (),
    ) -> None:
        """Make a resource of all objects of its YAML: the form that `k8s_resource` had in 2019."""
        if not name:
            raise UserError("k8s_resource: name must not be empty")
        forwards, selectors = _port_forwards(name, port_forwards), _pod_selectors(extra_pod_selectors)
        run = first_form_image(name, image)
        self._script.pending.settle()
        known = len(self._script.objects)
        self._register("k8s_resource", conversions.items(yaml), self._script.directory, _trace("k8s_resource"))
        self._script.options.append(
            ResourceOptions(
                name=name,
                own=tuple(self._script.objects[known:]),
                image=run,
                port_forwards=forwards,
                extra_pod_selectors=selectors,
                trigger_mode=trigger_mode,
                resource_deps=_texts("resource_deps", resource_deps),
                auto_init=_auto_init(auto_init),
                pod_readiness=pod_readiness,
                links=links,
                labels=labels,
                position=self._script.position(),
            )
        )

    @function("port_forward")
    def port_forward(
        self, local_port: Whole, container_port: Whole = 0, name: Text = "", link_path: Text = "", host: Text = ""
    ) -> PortForwardValue:
        """A port of this machine that leads to a port of a pod."""
        return PortForwardValue(
            PortForwardSpec(
                local_port=local_port,
                container_port=container_port,
                name=name,
                path=parse_path(link_path),
                host=host,
            )
        )

    @function("k8s_kind")
    def k8s_kind(
        self,
        kind: Text,
        *,
        image_json_path: Items | None = None,
        api_version: Text = "",
        image_object: object = None,
        pod_readiness: Readiness = None,
    ) -> None:
        """Count objects of a kind as workloads, and say where their images are."""
        _check_patterns(kind=kind, api_version=api_version)
        locator = ImageLocator(kind=kind, api_version=api_version)
        if image_json_path and image_object is not None:
            raise UserError("Cannot specify both image_json_path and image_object")
        if image_json_path:
            self._locate(locator, _json_paths(image_json_path))
        elif image_object is not None:
            path, repo_field, tag_field = _image_object(image_object)
            find(path, {})
            self._script.locators.append(
                ImageLocator(
                    kind=kind, api_version=api_version, object_path=path, repo_field=repo_field, tag_field=tag_field
                )
            )
        self._script.kinds.append(WorkloadKind(kind=kind, api_version=api_version, pod_readiness=pod_readiness))

    @function("k8s_image_json_path")
    def k8s_image_json_path(
        self, paths: Items, api_version: Text = "", kind: Text = "", name: Text = "", namespace: Text = ""
    ) -> None:
        """Say where the images of some objects are."""
        if not (kind or name or namespace):
            raise UserError("at least one of kind, name, or namespace must be specified")
        _check_patterns(kind=kind, api_version=api_version, name=name, namespace=namespace)
        locator = ImageLocator(kind=kind, api_version=api_version, name=name, namespace=namespace)
        self._locate(locator, _json_paths(paths))

    @function("workload_to_resource_function")
    def workload_to_resource_function(self, func: object) -> None:
        """Name the resources of workloads by a function."""
        if not isinstance(func, FunctionType):
            raise UserError(f"workload_to_resource_function: for parameter func: got {type_name(func)}, want function")
        count = func.__code__.co_argcount
        if count != 1:
            raise UserError(
                f"workload_to_resource_function arg must take 1 argument. {function_name(func)} takes {count}"
            )
        self._script.workload_name = _namer(func)
        self._script.workload_name_place = self._script.position()

    def _objects(self, given: list[object], directory: str) -> list[KubeObject]:
        return [o for item in given for o in self._parsed(item, directory)]

    def _parsed(self, item: object, directory: str) -> tuple[KubeObject, ...]:
        if isinstance(item, Blob):
            return self._read(item.text, f"Error reading yaml from {item.source}")
        path = conversions.path(item, directory)
        try:
            text = self._script.read(path)
        except UnreadableError as error:
            raise UserError(f"error reading yaml file: {error.message}") from error
        return self._read(text, path)

    def _read(self, text: str, origin: str) -> tuple[KubeObject, ...]:
        """The objects of a text; those of a long one are kept, but for Secrets."""
        cache = self._script.host.cache
        if cache is None or len(text) < _LONG:
            return decoded(text, origin)
        known = cache.find("yaml", text)
        if known is not None:
            found: list[KubeObject] = marshal.loads(known)
            return tuple(found)
        made = decoded(text, origin)
        if not any(is_secret(o) for o in made):
            cache.keep(marshal.dumps(list(made)), "yaml", text)
        return made

    def _locate(self, selector: ImageLocator, paths: tuple[str, ...]) -> None:
        """Use these paths for the selector, in place of those that were said before."""
        located = [one for one in self._script.locators if _selector(one) != _selector(selector)]
        located.append(
            ImageLocator(
                kind=selector.kind,
                api_version=selector.api_version,
                name=selector.name,
                namespace=selector.namespace,
                paths=paths,
            )
        )
        self._script.locators[:] = located


def _selector(locator: ImageLocator) -> tuple[str, str, str, str]:
    return locator.kind, locator.api_version, locator.name, locator.namespace


def _check_patterns(**patterns: str) -> None:
    """Report a regular expression that cannot be read here and now."""
    for field, pattern in patterns.items():
        selecting.matches({}, **{field: pattern})


def _dump(wanted: tuple[KubeObject, ...]) -> str:
    return yaml.dump(wanted) if wanted else ""


def _address(o: KubeObject) -> ObjectRef:
    """What makes two objects the same: the version of their API does not."""
    return ObjectRef(
        api_version=objects.group(objects.api_version(o)),
        kind=objects.kind(o),
        name=objects.name(o),
        namespace=objects.namespace(o),
    )


def _duplicate(address: ObjectRef, trace: str) -> str:
    place = f" (Namespace: {address.namespace})" if address.namespace else ""
    return (
        f"Duplicate YAML: {address.kind} {address.name}{place}\n"
        "Ignore this error with k8s_yaml(..., allow_duplicates=True)\n"
        f"YAML originally registered at: {trace}"
    )


def _trace(name: str) -> str:
    lines = ["Traceback (most recent call last):"]
    lines += [f"    {frame.position}: in {frame.function}" for frame in call_stack()]
    return "\n".join([*lines, f"    <builtin>: in {name}\n  "])


def _port_forwards(name: str, value: object) -> tuple[PortForwardSpec, ...]:
    try:
        return port_forwards(value)
    except UserError as error:
        raise UserError(f'k8s_resource "{name}": {error.message}') from error


def _texts(parameter: str, value: list[object] | None) -> tuple[str, ...]:
    try:
        return conversions.texts(value)
    except UserError as error:
        raise UserError(f"k8s_resource: {parameter}: {error.message}") from error


def _resource_deps(value: list[object] | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        return conversions.dependencies(value)
    except UserError as error:
        raise UserError(f"k8s_resource: resource_deps: {error.message}") from error


def _auto_init(value: object) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise UserError(f'k8s_resource: for parameter "auto_init": expected bool or None, got {type_name(value)}')
    return value


def _selectors_only(strategy: str) -> bool | None:
    if strategy not in _STRATEGIES:
        raise UserError(
            'k8s_resource: for parameter "discovery_strategy": Invalid. Must be one of: "default", "selectors-only"'
        )
    return _STRATEGIES[strategy]


def _pod_selectors(value: object) -> tuple[tuple[tuple[str, str], ...], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict | list):
        raise UserError(f"pod labels must be a dict or a list; got {type_name(value)}")
    found = []
    for item in [value] if isinstance(value, dict) else value:
        if not isinstance(item, dict):
            raise UserError(f"pod labels elements must be dicts; got {type_name(item)}")
        for role, text in [*(("keys", key) for key in item), *(("values", held) for held in item.values())]:
            if not isinstance(text, str):
                raise UserError(f"pod label {role} must be strings; got '{to_repr(text)}' of type {type_name(text)}")
        if item:
            found.append(conversions.pairs(item))
    return tuple(found)


def _json_paths(paths: list[object]) -> tuple[str, ...]:
    for path in paths:
        if not isinstance(path, str):
            raise UserError(f"Expected string, got: {to_repr(path)}")
        find(path, {})  # a path that cannot be read is reported here and now
    return tuple(str(path) for path in paths)


def _image_object(value: object) -> tuple[str, str, str]:
    if not isinstance(value, dict):
        raise UserError(f"{_OBJECT_FORM}. Actual: {to_repr(value)}")
    for key, held in value.items():
        if key not in _OBJECT_KEYS:
            raise UserError(f"{_OBJECT_FORM}: Unexpected key: {to_repr(key)}")
        if not isinstance(held, str):
            raise UserError(f"{_OBJECT_FORM}: Expected string at key {to_repr(key)}. Got: {type_name(held)}")
    if len(value) != len(_OBJECT_KEYS):
        raise UserError(f"{_OBJECT_FORM}: Missing keys. Actual keys: {to_repr(list(value))}")
    path, repo_field, tag_field = (str(value[key]) for key in _OBJECT_KEYS)
    return path, repo_field, tag_field


def _namer(func: FunctionType) -> WorkloadName:
    code = func.__code__
    place = f"{code.co_filename}:{code.co_firstlineno}:1"

    def name(o: KubeObject) -> str:
        group = objects.group(objects.api_version(o))
        workload = WorkloadId(objects.name(o), objects.kind(o), objects.namespace_or_default(o), group)
        named = call(func, workload)
        if not isinstance(named, str):
            raise UserError(
                f"error applying workload_to_resource_function: error determining resource name for '{workload}': "
                f"{function_name(func)}: invalid return value. wanted: string. got: {type_name(named)}",
                where=place,
            )
        return named

    return name
