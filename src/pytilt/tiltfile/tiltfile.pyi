"""The functions of a Tiltfile, with what they take and return. Written by `scripts/tiltfile_stubs.py`."""

from typing import Any

class blob_value: ...
class struct_value: ...

TRIGGER_MODE_AUTO: Any
TRIGGER_MODE_MANUAL: Any
def allow_k8s_contexts(contexts: Any) -> None:
    """Allow deploying to contexts that are not known to be for development."""
def analytics_settings(enable: bool) -> None:
    """Accepted: nothing is reported in any case."""
def blob(input: str) -> blob_value:
    """A text that can take the place of a file's."""
def ci_settings(k8s_grace_period: str | None = None, timeout: str | None = None, readiness_timeout: str | None = None, resource_timeouts: dict[str, str] = ..., unschedulable_timeout: str | None = None) -> None:
    """Set how long `tilt ci` waits."""
class config:
    @staticmethod
    def clear_enabled_resources() -> None:
        """Run no resource."""
    @staticmethod
    def define_bool(name: str, args: bool = False, usage: str = '') -> None:
        """Define a setting that is true or false."""
    @staticmethod
    def define_object(name: str, args: bool = False, usage: str = '') -> None:
        """Define a setting that is any value of JSON."""
    @staticmethod
    def define_string(name: str, args: bool = False, usage: str = '') -> None:
        """Define a setting that is a string."""
    @staticmethod
    def define_string_list(name: str, args: bool = False, usage: str = '') -> None:
        """Define a setting that is a list of strings."""
    main_dir: str
    main_path: str
    @staticmethod
    def parse() -> Any:
        """The settings that were given: those of the command line before those of `tilt_config.json`."""
    session_id: str
    @staticmethod
    def set_enabled_resources(resources: list[Any]) -> None:
        """Run these resources and what they depend on; with an empty list all."""
    tilt_subcommand: str
def custom_build(ref: str, command: Any, deps: str | list[str], tag: str = '', disable_push: bool = False, skips_local_docker: bool = False, live_update: Any = None, match_in_env_vars: bool = False, ignore: Any = None, entrypoint: Any = None, container_args: list[Any] | None = None, command_bat_val: Any = None, outputs_image_ref_to: str = '', command_bat: Any = None, image_deps: str | list[str] = ..., env: dict[str, str] = ..., dir: Any = None, synclet: str = '') -> Any:
    """Build an image with a command."""
def dc_resource(name: str, image: Any = None, trigger_mode: Any = None, resource_deps: list[Any] | None = None, infer_links: bool | None = None, links: Any = ..., labels: str | list[str] = ..., auto_init: bool | None = None, project_name: str = '', new_name: str = '') -> None:
    """Configure a service of Docker Compose."""
def decode_json(json: str | blob_value) -> Any:
    """The value of a JSON text."""
def decode_yaml(yaml: str | blob_value) -> Any:
    """The value of a YAML text with one document."""
def decode_yaml_stream(yaml: str | blob_value) -> Any:
    """The values of a YAML text with any number of documents."""
def default_registry(host: str, host_from_cluster: str = '', single_name: str = '') -> None:
    """Push every image to this registry."""
def dep(resource: str, on: str = ...) -> Any:
    """A resource to wait for: before the first update, or with `on='each_update'` before every one."""
def disable_feature(msg: str) -> None:
    """Switch `snapshots` or `cluster_refresh` off."""
def disable_snapshots() -> None:
    """Refuse snapshots of the page."""
def docker_build(ref: str, context: str, build_args: dict[str, str] = ..., dockerfile: Any = None, dockerfile_contents: Any = None, cache: Any = None, live_update: Any = None, match_in_env_vars: bool = False, ignore: Any = None, only: Any = None, entrypoint: Any = None, container_args: list[Any] | None = None, target: str = '', ssh: str | list[str] = ..., secret: str | list[str] = ..., network: str | blob_value = '', extra_tag: str | list[str] = ..., cache_from: str | list[str] = ..., pull: bool = False, platform: str | blob_value = '', extra_hosts: str | list[str] = ..., synclet: str = '') -> Any:
    """Build an image from a Dockerfile."""
def docker_compose(configPaths: Any, env_file: str | None = None, project_name: str = '', profiles: str | list[str] | None = None, wait: bool = False) -> None:
    """Declare the services of Compose files."""
def docker_prune_settings(disable: bool = False, max_age_mins: int = 0, num_builds: int = 0, interval_hrs: int = 0, keep_recent: int | None = None) -> None:
    """Let a session remove old images of the project, and say which `tilt docker-prune` removes."""
def enable_feature(msg: str) -> None:
    """Switch `snapshots` or `cluster_refresh` on; the other features of Tilt's are obsolete."""
def encode_json(obj: Any) -> str:
    """A value as JSON."""
def encode_yaml(obj: Any) -> blob_value:
    """A value as YAML."""
def encode_yaml_stream(objs: Any) -> blob_value:
    """Values as YAML documents."""
def exec_action(command: Any) -> Any:
    """Ready when a command succeeds."""
def exit(code: Any = None) -> None:
    """Stop without an error; what was declared so far counts."""
def experimental_analytics_report(tags: dict[str, str]) -> None:
    """Accepted: nothing is reported."""
def experimental_metrics_settings(*_arguments: Any, **_named: Any) -> None:
    """Accepted: nothing is reported."""
def experimental_telemetry_cmd(cmd: Any, cmd_bat: Any = None, period: str | None = None, dir: Any = None) -> None:
    """Accepted, and never run: there is no telemetry."""
def fail(msg: str) -> None:
    """Stop with an error."""
def fall_back_on(paths: str | list[str]) -> Any:
    """Do a full update when one of these paths changes."""
def fast_build(ref: str, base_dockerfile: Any, entrypoint: str = '', cache: Any = None) -> Any:
    """Build an image of a Dockerfile without files, upon which files are added and commands run."""
def filter_yaml(yaml: Any, labels: dict[str, str] = ..., name: str = '', namespace: str = '', kind: str = '', api_version: str = '') -> Any:
    """Split YAML into the objects that match everything given, and the rest."""
def helm(paths: str, name: str = '', namespace: str = '', values: str | list[str] = ..., set: str | list[str] = ..., kube_version: str = '', skip_crds: bool = False) -> blob_value:
    """Render a chart with `helm template`."""
def http_get_action(port: int, host: str = '', scheme: str = '', path: str = '') -> Any:
    """Ready when a URL answers."""
def include(path: str) -> None:
    """Run another file."""
def initial_sync() -> Any:
    """Sync everything into a container that starts."""
def k8s_context() -> str:
    """The name of the context."""
def k8s_custom_deploy(name: str, apply_cmd: Any, delete_cmd: Any, deps: str | list[str], image_selector: str = '', live_update: Any = None, apply_dir: Any = None, apply_env: dict[str, str] = ..., apply_cmd_bat: Any = None, delete_dir: Any = None, delete_env: dict[str, str] = ..., delete_cmd_bat: Any = None, container_selector: str = '', image_deps: str | list[str] = ...) -> None:
    """Deploy objects by a command, which prints the YAML of what it applied."""
def k8s_image_json_path(paths: Any, api_version: str = '', kind: str = '', name: str = '', namespace: str = '') -> None:
    """Say where the images of some objects are."""
def k8s_kind(kind: str, *, image_json_path: Any | None = None, api_version: str = '', image_object: Any = None, pod_readiness: str | None = None) -> None:
    """Count objects of a kind as workloads, and say where their images are."""
def k8s_namespace() -> str:
    """Where objects without namespace go."""
def k8s_resource(workload: str = '', new_name: str = '', port_forwards: Any = None, extra_pod_selectors: Any = None, trigger_mode: Any = None, resource_deps: list[Any] | None = None, objects: list[Any] | None = None, auto_init: Any = None, pod_readiness: str | None = None, links: Any = ..., labels: str | list[str] = ..., discovery_strategy: str | blob_value = '', repair_drift: bool | None = None, debounce: str | None = None) -> None:
    """Configure the resource of a workload, or make one of plain objects."""
def k8s_yaml(yaml: Any, allow_duplicates: bool = False) -> None:
    """Deploy the objects of YAML files or texts."""
def kustomize(paths: str, kustomize_bin: str | None = None, flags: list[str] = ...) -> blob_value:
    """Render a directory with `kustomize build`."""
def link(url: str, name: str = '') -> struct_value:
    """A URL with a name."""
def listdir(dir: str, recursive: bool = False) -> Any:
    """The absolute paths of the files in a directory."""
def load_dynamic(path: str | blob_value) -> Any:
    """Run another file, and give its globals."""
def local(command: Any, quiet: bool = False, command_bat: Any = None, echo_off: bool = False, env: dict[str, str] = ..., dir: Any = None, stdin: Any = None) -> blob_value:
    """Run a command now, and return what it wrote to standard output."""
def local_git_repo(paths: str) -> Any:
    """A repository whose files can be named by paths in it."""
def local_resource(name: str, cmd: Any = None, deps: str | list[str] = ..., trigger_mode: Any = None, resource_deps: list[Any] | None = None, ignore: Any = None, auto_init: bool = True, serve_cmd: Any = None, cmd_bat: Any = None, serve_cmd_bat: Any = None, allow_parallel: bool = False, links: Any = ..., labels: str | list[str] = ..., env: dict[str, str] = ..., serve_env: dict[str, str] = ..., readiness_probe: Any = None, dir: Any = None, serve_dir: Any = None, teardown_cmd: Any = None, teardown_env: dict[str, str] = ..., teardown_dir: Any = None, debounce: str | None = None) -> None:
    """Declare a resource of a command, a server, or both."""
def module(name: Any, /, **members: Any) -> Any:
    """Named members under one name."""
class os:
    environ: dict[str, str]
    @staticmethod
    def getcwd() -> str:
        """The directory of the file that is being executed."""
    @staticmethod
    def getenv(key: str | blob_value, default: Any = None) -> Any:
        """A variable of the environment."""
    name: str
    class path:
        @staticmethod
        def abspath(path: str) -> str:
            """A path made absolute."""
        @staticmethod
        def basename(path: str) -> str:
            """The last part of a path."""
        @staticmethod
        def dirname(path: str) -> str:
            """All but the last part of a path."""
        @staticmethod
        def exists(path: str) -> bool:
            """Is there such a file or directory?"""
        @staticmethod
        def join(*parts: Any) -> str:
            """Parts put together to a path."""
        @staticmethod
        def realpath(path: str) -> str:
            """A path without symbolic links."""
        @staticmethod
        def relpath(targpath: str, basepath: str = '') -> str:
            """A path as seen from another, by default from the directory of the file."""
    @staticmethod
    def putenv(key: str | blob_value, value: str | blob_value) -> None:
        """Set a variable of the environment."""
    @staticmethod
    def unsetenv(key: str | blob_value) -> None:
        """Take a variable out of the environment."""
def port_forward(local_port: int, container_port: int = 0, name: str = '', link_path: str = '', host: str = '') -> Any:
    """A port of this machine that leads to a port of a pod."""
def print(*args: Any, sep: Any = ...) -> None:
    """Write to the log of the Tiltfile."""
def probe(initial_delay_secs: int = 0, timeout_secs: int = 0, period_secs: int = 0, success_threshold: int = 0, failure_threshold: int = 0, exec: Any = None, http_get: Any = None, tcp_socket: Any = None) -> Any:
    """How to find out whether a server is ready."""
def read_file(paths: str, default: Any = None) -> blob_value:
    """The text of a file."""
def read_json(paths: str, default: Any = None) -> Any:
    """The value in a JSON file."""
def read_yaml(paths: str, default: Any = None) -> Any:
    """The value in a YAML file with one document."""
def read_yaml_stream(paths: str, default: Any = None) -> Any:
    """The values in a YAML file with any number of documents."""
def restart_container() -> Any:
    """Start the container's program again after a sync, in place."""
def run(cmd: Any, trigger: Any = None, echo_off: bool = False) -> Any:
    """Run a command in the container after a sync."""
def secret_settings(disable_scrub: bool = False, allow: str | list[str] = ...) -> None:
    """Show the values of secrets in logs: all of them, or those that are mere words."""
def set_team(team_id: str) -> None:
    """Name the team; only `tilt alpha tiltfile-result` shows it."""
class shlex:
    @staticmethod
    def quote(name: str) -> str:
        """A text as one word of a shell command."""
def struct(*args: Any, **fields: Any) -> Any:
    """A value with named fields."""
def sync(local_path: str, remote_path: str, follow_symlinks: bool = False) -> Any:
    """Copy what changes below a path into the container."""
class sys:
    argv: list[str]
    executable: str
def tcp_socket_action(port: int, host: str = '') -> Any:
    """Ready when a port takes connections."""
def test(*arguments: Any, **named: Any) -> None:
    """Declare a resource that runs beside others; the old form of `local_resource(…, allow_parallel=True)`."""
def trigger_mode(trigger_mode: Any) -> None:
    """Set when resources update that do not say it themselves."""
def update_settings(max_parallel_updates: Any = None, k8s_upsert_timeout_secs: Any = None, suppress_unused_image_warnings: str | list[str] = ..., k8s_server_side_apply: str = '', infer_live_update: bool | None = None, synclet: str = '', update_mode: str = '', repair_drift: bool | None = None) -> None:
    """Set how updates are run."""
class v1alpha1:
    @staticmethod
    def cmd(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, args: list[Any] | None = None, dir: Any = None, env: list[Any] | None = None, readiness_probe: Any = None, restart_on: Any = None, start_on: Any = None, disable_source: Any = None) -> Any:
        """A command. Its spec is written by its declarer, its status by the session, or by whom it is left to."""
    @staticmethod
    def config_map(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, data: dict[str, str] | None = None) -> Any:
        """Keys and values, written by the declarer."""
    @staticmethod
    def config_map_disable_source(name: str | None = None, key: str | None = None) -> Any:
        """A key of a ConfigMap that disables something while its value is `true`."""
    @staticmethod
    def disable_source(config_map: Any = None, every_config_map: list[Any] | None = None) -> Any:
        """What disables an object: one key, or several that must all say so."""
    @staticmethod
    def exec_action(command: list[Any] | None = None) -> Any:
        """Ready when the command exits with 0."""
    @staticmethod
    def extension(name: str, labels: dict[str, str] = ..., annotations: dict[str, str] = ..., repo_name: str = '', repo_path: str = '', args: list[str] = ...) -> None:
        """Register an extension for `load`; one that is never loaded runs as a Tiltfile of its own."""
    @staticmethod
    def extension_repo(name: str, labels: dict[str, str] = ..., annotations: dict[str, str] = ..., url: str = '', ref: str = '', load_host: str = '', git_subpath: str = '') -> None:
        """Register a repository of extensions."""
    @staticmethod
    def file_watch(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, watched_paths: list[Any] | None = None, ignores: list[Any] | None = None, disable_source: Any = None) -> Any:
        """Watched files. The spec is written by the declarer, the status by the session."""
    @staticmethod
    def forward(local_port: int | None = None, container_port: int | None = None, host: str | None = None, name: str | None = None, path: str | None = None) -> Any:
        """A port of this machine that leads into a pod."""
    @staticmethod
    def handler(exec: Any = None, http_get: Any = None, tcp_socket: Any = None) -> Any:
        """How a probe asks: the part of it that has a function of its own."""
    @staticmethod
    def http_get_action(path: str | None = None, port: int | None = None, host: str | None = None, scheme: str | None = None, http_headers: list[Any] | None = None) -> Any:
        """Ready when the answer is 2xx or 3xx."""
    @staticmethod
    def http_header(name: str | None = None, value: str | None = None) -> Any:
        """A header of a request."""
    @staticmethod
    def ignore_def(base_path: Any = None, patterns: list[Any] | None = None) -> Any:
        """Files that are not watched."""
    @staticmethod
    def kubernetes_apply(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, yaml: str | None = None, image_maps: list[Any] | None = None, image_locators: list[Any] | None = None, timeout: Any = None, kubernetes_discovery_template_spec: Any = None, port_forward_template_spec: Any = None, pod_log_stream_template_spec: Any = None, discovery_strategy: str | None = None, disable_source: Any = None, apply_cmd: Any = None, restart_on: Any = None, delete_cmd: Any = None, cluster: str | None = None, server_side_apply: bool | None = None) -> Any:
        """Objects to apply. The spec is written by the declarer, the status by the session."""
    @staticmethod
    def kubernetes_apply_cmd(args: list[Any] | None = None, dir: Any = None, env: list[Any] | None = None) -> Any:
        """A command that applies or deletes."""
    @staticmethod
    def kubernetes_discovery(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, watches: list[Any] | None = None, extra_selectors: list[Any] | None = None, port_forward_template_spec: Any = None, pod_log_stream_template_spec: Any = None, cluster: str | None = None) -> Any:
        """Pods to look for. The spec is written by the declarer, the status by the session."""
    @staticmethod
    def kubernetes_discovery_template_spec(extra_selectors: list[Any] | None = None) -> Any:
        """Which pods belong to what is applied, beside those that it owns."""
    @staticmethod
    def kubernetes_image_locator(object_selector: Any = None, path: str | None = None, object: Any = None) -> Any:
        """Where in some objects the name of an image stands."""
    @staticmethod
    def kubernetes_image_object_descriptor(repo_field: str | None = None, tag_field: str | None = None) -> Any:
        """The fields of a JSON object that hold an image's name and tag."""
    @staticmethod
    def kubernetes_watch_ref(uid: str | None = None, namespace: str | None = None, name: str | None = None) -> Any:
        """An object of the cluster, or a whole namespace, whose pods are looked for."""
    @staticmethod
    def label_selector(match_labels: dict[str, str] | None = None, match_expressions: list[Any] | None = None) -> Any:
        """Conditions on labels, all of which must hold."""
    @staticmethod
    def label_selector_requirement(key: str | None = None, operator: str | None = None, values: list[Any] | None = None) -> Any:
        """A condition on one label."""
    @staticmethod
    def object_selector(api_version_regexp: str | None = None, kind_regexp: str | None = None, name_regexp: str | None = None, namespace_regexp: str | None = None) -> Any:
        """Which objects; every pattern is a regular expression."""
    @staticmethod
    def pod_log_stream_template_spec(since_time: Any = None, only_containers: list[Any] | None = None, ignore_containers: list[Any] | None = None) -> Any:
        """Whose logs are shown of the pods that were found."""
    @staticmethod
    def port_forward_template_spec(forwards: list[Any] | None = None) -> Any:
        """The ports that lead into the best pod that was found."""
    @staticmethod
    def probe(handler: Any = None, initial_delay_seconds: int | None = None, timeout_seconds: int | None = None, period_seconds: int | None = None, success_threshold: int | None = None, failure_threshold: int | None = None) -> Any:
        """The parameters of `v1alpha1.probe`."""
    @staticmethod
    def restart_on_spec(file_watches: list[Any] | None = None, ui_buttons: list[Any] | None = None) -> Any:
        """What starts an object again: a file that changed, a click."""
    @staticmethod
    def start_on_spec(start_after: Any = None, ui_buttons: list[Any] | None = None) -> Any:
        """When a Cmd starts: on a click after some time."""
    @staticmethod
    def tcp_socket_action(port: int | None = None, host: str | None = None) -> Any:
        """Ready when a connection can be opened."""
    @staticmethod
    def ui_bool_input_spec(default_value: bool | None = None, true_string: Any = None, false_string: Any = None) -> Any:
        """Asks for yes or no."""
    @staticmethod
    def ui_button(name: str, labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, location: Any = None, text: str | None = None, icon_name: str | None = None, icon_svg: str | None = None, disabled: bool | None = None, requires_confirmation: bool | None = None, inputs: list[Any] | None = None) -> Any:
        """A button. Its spec is written by its declarer, its status by whoever clicks it."""
    @staticmethod
    def ui_choice_input_spec(choices: list[Any] | None = None) -> Any:
        """Asks for one of several texts."""
    @staticmethod
    def ui_component_location(component_id: str | None = None, component_type: str | None = None) -> Any:
        """Where a button is: at a resource, or in the bar on top (`Global`, `nav`)."""
    @staticmethod
    def ui_hidden_input_spec(value: str | None = None) -> Any:
        """Asks for nothing: a value that is always given."""
    @staticmethod
    def ui_input_spec(name: str | None = None, label: str | None = None, text: Any = None, bool: Any = None, hidden: Any = None, choice: Any = None) -> Any:
        """Something that is asked for before a click."""
    @staticmethod
    def ui_text_input_spec(default_value: str | None = None, placeholder: str | None = None) -> Any:
        """Asks for a text."""
def version_settings(check_updates: bool = True, constraint: str = '') -> None:
    """Refuse to run with a version of Tilt that does not fit."""
def warn(msg: str) -> None:
    """Write a warning to the log of the Tiltfile."""
def watch_file(paths: str) -> None:
    """Evaluate the Tiltfile again when a file, or anything below a directory, changes."""
def watch_settings(ignore: str | list[str] = ...) -> None:
    """Ignore changes of some files everywhere."""
def workload_to_resource_function(func: Any) -> None:
    """Name the resources of workloads by a function."""