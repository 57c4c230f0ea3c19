"""The functions that set how Tilt itself works, and those that ask about the context."""

import msgspec

from pytilt.dialect import type_name
from pytilt.errors import UserError
from pytilt.model.files import Ignore
from pytilt.model.names import ResourceName
from pytilt.model.resources import PruneSettings, UpdateMode
from pytilt.tiltfile.arguments import conversions
from pytilt.tiltfile.arguments.conversions import Duration, Flag, Pairs, StringOrStrings, Text, TriggerMode
from pytilt.tiltfile.arguments.urls import parse_link
from pytilt.tiltfile.arguments.values import LinkValue
from pytilt.tiltfile.arguments.versions import version_matches
from pytilt.tiltfile.running.dead_patterns import warn_of_ignored
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.report import FEATURES, SWITCHABLE, Prune
from pytilt.tiltfile.running.script import Script
from pytilt.tiltfile.topics.live_update import helper_mode

_SERVER_SIDE_APPLY = ("", "true", "false", "auto")


class SettingsBuiltins:
    """The functions named `…_settings`, `trigger_mode`, `link`, and the context's."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._trigger_mode_position = ""

    @function("trigger_mode")
    def trigger_mode(self, trigger_mode: TriggerMode) -> None:
        """Set when resources update that do not say it themselves."""
        if self._trigger_mode_position:
            raise UserError(
                f"trigger_mode can only be called once. It was already called at {self._trigger_mode_position}"
            )
        self._trigger_mode_position = self._script.position()
        if trigger_mode is not None:
            self._script.trigger_mode = trigger_mode

    @function("allow_k8s_contexts")
    def allow_k8s_contexts(self, contexts: object) -> None:
        """Allow deploying to contexts that are not known to be for development."""
        for context in conversions.items(contexts):
            if not isinstance(context, str):
                raise UserError(
                    "allow_k8s_contexts contexts must be a string or a sequence of strings; found a value of "
                    f"type {type_name(context)}"
                )
            self._script.allowed_contexts.append(context)

    @function("k8s_context")
    def k8s_context(self) -> str:
        """The name of the context."""
        return self._script.request.context or ""

    @function("k8s_namespace")
    def k8s_namespace(self) -> str:
        """Where objects without namespace go."""
        return self._script.request.namespace

    @function("link")
    def link(self, url: Text, name: Text = "") -> LinkValue:
        """A URL with a name."""
        return LinkValue(parse_link(url, name))

    @function("update_settings")
    def update_settings(
        self,
        max_parallel_updates: object = None,
        k8s_upsert_timeout_secs: object = None,
        suppress_unused_image_warnings: StringOrStrings = (),
        k8s_server_side_apply: Text = "",
        infer_live_update: Flag | None = None,
        synclet: Text = "",
        update_mode: Text = "",
        repair_drift: Flag | None = None,
    ) -> None:
        """Set how updates are run."""
        parallel = _whole("max_parallel_updates", max_parallel_updates)
        timeout = _whole("k8s_upsert_timeout_secs", k8s_upsert_timeout_secs)
        if parallel is not None and parallel < 1:
            raise UserError(f"max number of parallel updates must be >= 1(got: {parallel})")
        if timeout is not None and timeout < 1:
            raise UserError(f"minimum k8s upsert timeout is 1s; got {timeout}s")
        if k8s_server_side_apply not in _SERVER_SIDE_APPLY:
            raise UserError(
                'update_settings: k8s_server_side_apply must be "true", "false", or "auto"; got '
                f'"{k8s_server_side_apply}"'
            )
        if k8s_server_side_apply:
            self._record(server_side_apply=k8s_server_side_apply == "true")
        modes = [mode.value for mode in UpdateMode]
        if update_mode not in ("", *modes):
            raise UserError(f'update_settings: update_mode must be one of {", ".join(modes)}; got "{update_mode}"')
        old = self._script.updates
        self._script.updates = msgspec.structs.replace(
            old,
            max_parallel_updates=parallel or old.max_parallel_updates,
            apply_timeout_seconds=timeout or old.apply_timeout_seconds,
            infer_live_update=old.infer_live_update if infer_live_update is None else infer_live_update,
            helper=helper_mode("update_settings", synclet) or old.helper,
            mode=UpdateMode(update_mode) if update_mode else old.mode,
            repair_drift=old.repair_drift if repair_drift is None else repair_drift,
        )
        self._script.suppressed_warnings += suppress_unused_image_warnings

    @function("ci_settings")
    def ci_settings(
        self,
        k8s_grace_period: Duration | None = None,
        timeout: Duration | None = None,
        readiness_timeout: Duration | None = None,
        resource_timeouts: Pairs = (),
        unschedulable_timeout: Duration | None = None,
    ) -> None:
        """Set how long `tilt ci` waits."""
        timeouts = {ResourceName(name): conversions.duration(text) for name, text in resource_timeouts}
        if k8s_grace_period is not None:
            self._record(grace_period_given=True)
        old = self._script.ci
        self._script.ci = msgspec.structs.replace(
            old,
            grace_period_seconds=old.grace_period_seconds if k8s_grace_period is None else k8s_grace_period,
            timeout_seconds=old.timeout_seconds if timeout is None else timeout,
            readiness_timeout_seconds=old.readiness_timeout_seconds if readiness_timeout is None else readiness_timeout,
            resource_timeouts=tuple({**dict(old.resource_timeouts), **timeouts}.items()),
            unschedulable_seconds=old.unschedulable_seconds if unschedulable_timeout is None else unschedulable_timeout,
        )

    @function("watch_settings")
    def watch_settings(self, ignore: StringOrStrings = ()) -> None:
        """Ignore changes of some files everywhere."""
        if ignore:
            patterns = conversions.checked_patterns(ignore, "watch_settings: ignore")
            found = Ignore(base=self._script.directory, patterns=patterns)
            warn_of_ignored(self._script, "watch_settings: ignore", patterns, [found.base], [found.base])
            self._script.ignores.append(found)
            self._record(watch_ignores=(*self._script.recorder.settings.watch_ignores, found))

    @function("secret_settings")
    def secret_settings(self, disable_scrub: Flag = False, allow: StringOrStrings = ()) -> None:
        """Show the values of secrets in logs: all of them, or those that are mere words."""
        self._script.pending.settle()  # it counts from here on
        self._script.scrub_secrets = not disable_scrub
        self._script.show_values(allow)

    @function("version_settings")
    def version_settings(self, check_updates: Flag = True, constraint: Text = "") -> None:
        """Refuse to run with a version of Tilt that does not fit."""
        self._record(check_updates=check_updates)
        version = self._script.request.tilt_version
        if constraint and not version_matches(version, constraint):
            raise UserError(
                f"you are running Tilt version {version}, which doesn't match the version constraint specified in "
                f"your Tiltfile: '{constraint}'"
            )

    @function("docker_prune_settings")
    def docker_prune_settings(
        self,
        disable: Flag = False,
        max_age_mins: conversions.Whole = 0,
        num_builds: conversions.Whole = 0,
        interval_hrs: conversions.Whole = 0,
        keep_recent: conversions.Whole | None = None,
    ) -> None:
        """Let a session remove old images of the project, and say which `tilt docker-prune` removes."""
        if num_builds and interval_hrs:
            raise UserError(
                "can't specify both 'prune every X builds' and 'prune every Y hours'; please pass only one of "
                "`num_builds` and `interval_hrs`"
            )
        said = self._script.recorder.settings.prune
        self._record(
            prune=Prune(
                enabled=not disable,
                max_age_minutes=max_age_mins or said.max_age_minutes,
                num_builds=num_builds,
                interval_hours=interval_hrs or said.interval_hours,
                keep_recent=said.keep_recent if keep_recent is None else keep_recent,
            )
        )
        default = PruneSettings()
        self._script.prune = PruneSettings(
            max_age_seconds=max_age_mins * 60.0 if max_age_mins else default.max_age_seconds,
            keep_recent=default.keep_recent if keep_recent is None else keep_recent,
            automatic=not disable,
            every_builds=num_builds,
            every_seconds=interval_hrs * 3600.0 if interval_hrs else default.every_seconds,
        )

    @function("enable_feature")
    def enable_feature(self, msg: Text) -> None:
        """Switch `snapshots` or `cluster_refresh` on; the other features of Tilt's are obsolete."""
        self._switch(msg, on=True)

    @function("disable_feature")
    def disable_feature(self, msg: Text) -> None:
        """Switch `snapshots` or `cluster_refresh` off."""
        self._switch(msg, on=False)

    @function("disable_snapshots")
    def disable_snapshots(self) -> None:
        """Refuse snapshots of the page."""
        self._switch("snapshots", on=False)

    @function("set_team")
    def set_team(self, team_id: Text) -> None:
        """Name the team; only `tilt alpha tiltfile-result` shows it."""
        team = self._script.recorder.settings.team
        if not team_id:
            raise UserError("team_id cannot be empty")
        if team:
            raise UserError(f"team_id set multiple times (to '{team}' and '{team_id}')")
        self._record(team=team_id)

    @function("analytics_settings")
    def analytics_settings(self, enable: Flag) -> None:
        """Accepted: nothing is reported in any case."""
        self._record(analytics=enable)

    @function("experimental_analytics_report")
    def analytics_report(self, tags: conversions.Pairs) -> None:
        """Accepted: nothing is reported."""

    @function("experimental_telemetry_cmd")
    def telemetry_cmd(
        self,
        cmd: object,
        cmd_bat: object = None,  # noqa: ARG002 - for Windows
        period: Duration | None = None,
        dir: object = None,  # noqa: A002 - the Tiltfile's signature
    ) -> None:
        """Accepted, and never run: there is no telemetry."""
        command = conversions.command(cmd, self._script.directory, (), dir)
        if command is None:
            raise UserError("cmd cannot be empty")
        said = self._script.recorder.settings
        if said.telemetry is not None:
            raise UserError(f"experimental_telemetry_cmd called multiple times; already set to {said.telemetry.shown}")
        self._record(
            telemetry=command,
            telemetry_directory=self._script.directory,
            telemetry_period_seconds=period or said.telemetry_period_seconds,
        )

    @function("experimental_metrics_settings")
    def metrics(self, *_arguments: object, **_named: object) -> None:
        """Accepted: nothing is reported."""

    def _switch(self, name: str, *, on: bool) -> None:
        if name in SWITCHABLE:
            self._script.recorder.features[name] = on
        elif name in FEATURES:
            self._script.warn(f"Obsolete feature flag: {name}")
        else:
            raise UserError(
                f"Unknown feature flag: {name}", hint=f"the features are {' and '.join(f'`{f}`' for f in SWITCHABLE)}"
            )

    def _record(self, **settings: object) -> None:
        recorder = self._script.recorder
        recorder.settings = msgspec.structs.replace(recorder.settings, **settings)


def _whole(parameter: str, value: object) -> int | None:
    if value is None:
        return None
    try:
        return conversions.whole(value)
    except UserError as error:
        raise UserError(f'update_settings: for parameter "{parameter}": {error.message}') from error
