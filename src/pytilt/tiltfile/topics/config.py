"""The module `config`: settings of the Tiltfile's own, and which resources to run."""

import json
import posixpath

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model.names import session_id
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import Flag, Sequenced, Text
from pytilt.tiltfile.arguments.flags import FlagKind, Setting, parse_flags
from pytilt.tiltfile.running.declared import EnabledResources
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.script import Script, UnreadableError

CONFIG_FILE = "tilt_config.json"


class ConfigBuiltins:
    """`config.define_…`, `config.parse`, `config.set_enabled_resources`."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._settings: dict[str, Setting] = {}
        self._parsed_in = ""

    def values(self) -> dict[str, object]:
        """What is no function, by name."""
        request = self._script.request
        return {
            "config.tilt_subcommand": request.subcommand,
            "config.main_path": request.path,
            "config.main_dir": posixpath.dirname(request.path),
            "config.session_id": session_id(request.path),
        }

    @function("config.define_string_list")
    def define_string_list(self, name: Text, args: Flag = False, usage: Text = "") -> None:
        """Define a setting that is a list of strings."""
        self._define(FlagKind.STRING_LIST, name, args=args, usage=usage)

    @function("config.define_string")
    def define_string(self, name: Text, args: Flag = False, usage: Text = "") -> None:
        """Define a setting that is a string."""
        self._define(FlagKind.STRING, name, args=args, usage=usage)

    @function("config.define_bool")
    def define_bool(self, name: Text, args: Flag = False, usage: Text = "") -> None:
        """Define a setting that is true or false."""
        self._define(FlagKind.BOOL, name, args=args, usage=usage)

    @function("config.define_object")
    def define_object(self, name: Text, args: Flag = False, usage: Text = "") -> None:
        """Define a setting that is any value of JSON."""
        self._define(FlagKind.OBJECT, name, args=args, usage=usage)

    @function("config.parse")
    def parse(self) -> dict[str, object]:
        """The settings that were given: those of the command line before those of `tilt_config.json`."""
        directory = self._script.directory
        if self._parsed_in and self._parsed_in != directory:
            raise UserError(
                "config.parse can only be called from one Tiltfile working directory per run. It was called from "
                f"{self._parsed_in} and {directory}"
            )
        self._parsed_in = directory
        self._script.settings_parsed = True
        found = self._from_file(posixpath.join(directory, CONFIG_FILE))
        return {**found, **parse_flags(list(self._settings.values()), self._script.request.args)}

    @function("config.set_enabled_resources")
    def set_enabled_resources(self, resources: Sequenced) -> None:
        """Run these resources and what they depend on; with an empty list all."""
        try:
            names = conversions.texts(resources)
        except UserError as error:
            raise UserError(f"resources must be a list of string: {error.message}") from error
        self._script.enabled = EnabledResources(names=names or None)

    @function("config.clear_enabled_resources")
    def clear_enabled_resources(self) -> None:
        """Run no resource."""
        self._script.enabled = EnabledResources(none=True)

    def _define(self, kind: FlagKind, name: str, *, args: bool, usage: str) -> None:
        if not name:
            raise UserError("'name' is required")
        if self._parsed_in:
            raise UserError(f"config.define_{kind.value} cannot be called after config.parse is called")
        if name in self._settings:
            raise UserError(f"{name} defined multiple times")
        other = next((setting.name for setting in self._settings.values() if setting.positional), None)
        if args and other:
            raise UserError(f"both {name} and {other} are defined as positional args")
        self._settings[name] = Setting(name=name, kind=kind, usage=usage, positional=args)

    def _from_file(self, path: str) -> dict[str, object]:
        try:
            text = self._script.read(path)
        except UnreadableError as error:
            if error.missing:
                return {}
            raise UserError(f"error opening {path}: {error.message}") from error
        try:
            found = json.loads(text, parse_int=float)
        except json.JSONDecodeError as error:
            raise UserError(
                f"error parsing json from {path}: {error.msg} at line {error.lineno} column {error.colno}"
            ) from error
        if not isinstance(found, dict):
            raise UserError(f"error parsing json from {path}: expected an object, found {type_name(found)}")
        return {
            name: self._checked(path, name, value) for name, value in found.items() if self._is_given(path, name, value)
        }

    def _is_given(self, path: str, name: str, value: object) -> bool:
        if name not in self._settings:
            raise UserError(f"{path} specified unknown setting name '{name}'")
        return value is not None

    def _checked(self, path: str, name: str, value: object) -> object:
        problem = self._settings[name].problem(value)
        if problem:
            raise UserError(f"{path} specified invalid value for setting {name}: {problem}")
        return value
