"""The module `v1alpha1`: a function for every kind of object, and one for every part of their specs.

Both kinds of functions are made of the structs of `model.api`: a parameter for every field, in its order.
"""

import inspect
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from pytilt.dialect import DialectError, builtin, type_name
from pytilt.dialect.containers import StarlarkDict
from pytilt.dialect.functions import misfit
from pytilt.dialect.values import freeze
from pytilt.errors import UserError
from pytilt.model.api import buttons, kubernetes_applies, kubernetes_discoveries, metadata
from pytilt.model.api.kinds import API_KINDS, AnyApiObject, ApiKind
from pytilt.model.base import Value
from pytilt.model.commands import ExecAction, HttpGetAction, HttpHeader, Probe, TcpSocketAction
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.running.script import Script

_METADATA = ("name", "labels", "annotations")


class Handler(Value):
    """How a probe asks: the part of it that has a function of its own."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None


class HandledProbe(Value):
    """The parameters of `v1alpha1.probe`."""

    handler: Handler | None = None
    initial_delay_seconds: int = 0
    timeout_seconds: int = 0
    period_seconds: int = 0
    success_threshold: int = 0
    failure_threshold: int = 0

    @property
    def probe(self) -> Probe:
        """The probe; what is 0 has its default, as in Kubernetes."""
        numbers = {
            name: number
            for name in ("initial_delay_seconds", "timeout_seconds", "period_seconds", "success_threshold")
            if (number := getattr(self, name))
        }
        handler = self.handler or Handler()
        return Probe(
            exec=handler.exec,
            http_get=handler.http_get,
            tcp_socket=handler.tcp_socket,
            failure_threshold=self.failure_threshold or Probe().failure_threshold,
            **numbers,
        )


PARTS: Mapping[str, type[Value]] = {
    "config_map_disable_source": metadata.ConfigMapDisableSource,
    "disable_source": metadata.DisableSource,
    "exec_action": ExecAction,
    "forward": kubernetes_discoveries.Forward,
    "handler": Handler,
    "http_get_action": HttpGetAction,
    "http_header": HttpHeader,
    "ignore_def": metadata.IgnoreDef,
    "kubernetes_apply_cmd": kubernetes_applies.KubernetesApplyCmd,
    "kubernetes_discovery_template_spec": kubernetes_applies.KubernetesDiscoveryTemplateSpec,
    "kubernetes_image_locator": kubernetes_applies.KubernetesImageLocator,
    "kubernetes_image_object_descriptor": kubernetes_applies.KubernetesImageObjectDescriptor,
    "kubernetes_watch_ref": kubernetes_discoveries.KubernetesWatchRef,
    "label_selector": kubernetes_discoveries.LabelSelector,
    "label_selector_requirement": kubernetes_discoveries.LabelSelectorRequirement,
    "object_selector": kubernetes_applies.ObjectSelector,
    "pod_log_stream_template_spec": kubernetes_discoveries.PodLogStreamTemplateSpec,
    "port_forward_template_spec": kubernetes_discoveries.PortForwardTemplateSpec,
    "probe": HandledProbe,
    "restart_on_spec": metadata.RestartOnSpec,
    "start_on_spec": metadata.StartOnSpec,
    "tcp_socket_action": TcpSocketAction,
    "ui_bool_input_spec": buttons.UIBoolInputSpec,
    "ui_choice_input_spec": buttons.UIChoiceInputSpec,
    "ui_component_location": buttons.UIComponentLocation,
    "ui_hidden_input_spec": buttons.UIHiddenInputSpec,
    "ui_input_spec": buttons.UIInputSpec,
    "ui_text_input_spec": buttons.UITextInputSpec,
}
"""The functions that make a part of a spec. What they return is a dict, as in Tilt; a plain dict does as well."""


class PartValue(StarlarkDict):
    """A part of a spec, as its function returns it: a frozen dict that was checked."""

    part: Value


class ApiBuiltins:
    """The functions of `v1alpha1` that make objects, and their parts.

    Args:
        script: takes the objects.
    """

    def __init__(self, script: Script) -> None:
        self._script = script

    def functions(self) -> Mapping[str, object]:
        """All of them by name."""
        found: dict[str, object] = {}
        for part, struct in PARTS.items():
            name = f"v1alpha1.{part}"
            found[name] = builtin(name)(
                _Function(name, partial(part_parameters, struct), partial(self._part, struct), _said(struct))
            )
        for kind in API_KINDS:
            if kind.function:
                name = f"v1alpha1.{kind.function}"
                make = partial(self._object, kind, name)
                found[name] = builtin(name)(_Function(name, partial(object_parameters, kind), make, _said(kind.type)))
        return found

    def _part(self, struct: type[Value], given: Mapping[str, object]) -> PartValue:
        entries = StarlarkDict({name: value for name, value in given.items() if value is not None})
        value = PartValue(entries)
        value.part = _unpacked(struct, entries, self._script.directory)
        freeze(value)
        return value

    def _object(self, kind: ApiKind, function: str, given: Mapping[str, object]) -> None:
        made = self._made(kind, function, given)
        problems = [*name_problems(made.name), *made.problems()]
        if problems:
            raise UserError(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")
        key = (kind.name, made.name)
        if self._script.api_objects.setdefault(key, made) != made:
            raise UserError(
                f'{kind.plural} "{made.name}" already registered',
                hint="give one of them another name",
            )

    def _made(self, kind: ApiKind, function: str, given: Mapping[str, object]) -> AnyApiObject:
        fields: dict[str, object] = {}
        types = {**_types(kind.type), **(_types(_spec(kind)) if _spec(kind) else {})}
        for name, value in given.items():
            if value is not None or name == "name":
                try:
                    fields[name] = _convert(types[name], value, self._script.directory)
                except UserError as error:
                    raise UserError(f'{function}: for parameter "{name}": {error.message}', hint=error.hint) from error
        about = {name: fields.pop(name) for name in _METADATA if name in fields}
        spec = _spec(kind)
        factory: Any = kind.type
        made: AnyApiObject
        if spec is None:
            made = factory(**about, **fields)
            return made
        if "dir" in types:
            fields.setdefault("dir", self._script.directory)
        made = factory(**about, spec=spec(**fields))
        return made


class _Function:
    """One of the functions. What it takes is looked up when it is called first: most Tiltfiles call none."""

    def __init__(
        self,
        name: str,
        parameters: Callable[[], tuple[inspect.Parameter, ...]],
        make: Callable[[Mapping[str, object]], object],
        doc: str,
    ) -> None:
        self.__name__ = name
        self.__doc__ = doc
        self._name = name
        self._parameters = parameters
        self._make = make

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.Signature(self._parameters())

    def __call__(self, *arguments: object, **named: object) -> object:
        signature = self.__signature__
        try:
            bound = signature.bind(*arguments, **named)
        except TypeError as error:
            raise DialectError(misfit(self._name, signature, arguments, named)) from error
        return self._make(bound.arguments)


def _said(struct: type[Value]) -> str:
    """The first sentence about a struct."""
    return (struct.__doc__ or "").partition("\n")[0]


def part_parameters(struct: type[Value]) -> tuple[inspect.Parameter, ...]:
    """The parameters of the function that makes a part: all may be left out."""
    return tuple(_parameter(name, default=None, kind=kind) for name, kind in _types(struct).items())


def object_parameters(kind: ApiKind) -> tuple[inspect.Parameter, ...]:
    """The parameters of the function that makes an object."""
    spec = _spec(kind)
    rest = _types(spec) if spec else dict.fromkeys(kind.type.content, dict)
    about = {"labels": dict, "annotations": dict}
    optional = [_parameter(name, default=None, kind=kind) for name, kind in {**about, **rest}.items()]
    return (_parameter("name", default=inspect.Parameter.empty, kind=str), *optional)


def name_problems(name: str) -> tuple[str, ...]:
    """What is wrong with the name of an object: it is a part of a path."""
    found = []
    if not name:
        found.append("metadata.name: Required value: name is required")
    found += [f"metadata.name: Invalid value: \"{name}\": may not contain '{bad}'" for bad in "/%" if bad in name]
    if name in (".", ".."):
        found.append(f"metadata.name: Invalid value: \"{name}\": may not be '{name}'")
    return tuple(found)


def _parameter(name: str, *, default: object, kind: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=kind)


@cache
def _types(struct: type[Value]) -> Mapping[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


@cache
def _spec(kind: ApiKind) -> type[Value] | None:
    return _types(kind.type).get("spec")


def _convert(kind: Any, value: object, directory: str) -> object:  # noqa: ANN401 - any annotation
    """A value of the Tiltfile as the type of a field wants it."""
    if get_origin(kind) is Annotated:
        return _convert_marked(kind, value, directory)
    if get_origin(kind) in (Union, UnionType):
        return _convert(next(each for each in get_args(kind) if each is not type(None)), value, directory)
    if get_origin(kind) is tuple:
        return _convert_list(get_args(kind)[0], value, directory)
    if kind is Probe:
        asked = _unpacked(HandledProbe, value, directory)
        assert isinstance(asked, HandledProbe)
        return asked.probe
    if isinstance(kind, type) and issubclass(kind, Value):
        return _unpacked(kind, value, directory)
    if kind is str:
        return conversions.text(value)
    if kind is bool:
        return conversions.flag(value)
    if kind is int:
        return conversions.whole(value)
    return dict(conversions.pairs(value))


def _convert_marked(kind: Any, value: object, directory: str) -> object:  # noqa: ANN401 - any annotation
    if "local" in get_args(kind)[1].extra:
        return conversions.path(value, directory)
    conversions.duration(value)
    return value


def _convert_list(kind: Any, value: object, directory: str) -> tuple[object, ...]:  # noqa: ANN401 - any annotation
    if kind is str:
        return conversions.strings(value)
    if get_origin(kind) is Annotated:
        return conversions.paths(value, directory)
    if not isinstance(value, list):
        raise UserError(f"expected list, actual: {type_name(value)}")
    found = []
    for index, each in enumerate(value):
        try:
            found.append(_convert(kind, each, directory))
        except UserError as error:
            raise UserError(f"at index {index}: {error.message}") from error
    return tuple(found)


def _unpacked(struct: type[Value], value: object, directory: str) -> Value:
    """A part of a spec, of what its function returned or of a dict with the names of that function's parameters."""
    if isinstance(value, PartValue) and isinstance(value.part, struct):
        return value.part
    if not isinstance(value, dict):
        raise UserError(f"expected dict, actual: {type_name(value)}")
    fields = {str(name): _field(struct, name, given, directory) for name, given in value.items() if given is not None}
    if "dir" in _types(struct) and "dir" not in fields:
        fields["dir"] = directory
    for each in msgspec.structs.fields(struct):
        if each.required and each.name not in fields:
            raise UserError(f"missing {each.name}")
    return struct(**fields)


def _field(struct: type[Value], name: object, given: object, directory: str) -> object:
    types = _types(struct)
    if not isinstance(name, str):
        raise UserError(f"key must be string. Got: {type_name(name)}")
    if name not in types:
        raise UserError(f"Unexpected attribute name: {name}", hint=f"there are: {', '.join(types)}")
    try:
        return _convert(types[name], given, directory)
    except UserError as error:
        raise UserError(f"unpacking {name}: {error.message}", hint=error.hint) from error
