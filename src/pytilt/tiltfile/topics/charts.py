"""`helm` and `kustomize`: YAML that a program renders."""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

from pytilt.cluster import objects, yaml
from pytilt.errors import UserError
from pytilt.model.commands import Command
from pytilt.model.regex import regex
from pytilt.model.resources import KubeObject
from pytilt.tiltfile.arguments.conversions import Flag, LocalPath, StringOrStrings, Strings, Text
from pytilt.tiltfile.arguments.values import Blob, placed
from pytilt.tiltfile.running.commands import find_program, prepare, run_now
from pytilt.tiltfile.running.functions import function
from pytilt.tiltfile.running.kustomizations import kustomization_files
from pytilt.tiltfile.running.rendered import Kept, kustomization_inputs
from pytilt.tiltfile.running.script import Script, UnreadableError

_SEPARATOR = "---\n"
_FROM_TESTS = regex(r"^# Source: .*/tests/", re.MULTILINE)
"""The comment in which helm notes where a document came from."""
_RELEASE = "chart"
"""The name of a release that is given none, so that it is the same at every evaluation; from Tilt."""
_LOCAL = "file://"
_INCLUDE_CRDS = "--include-crds"
"""A flag that the first versions of helm 3 do not know."""


class ChartBuiltins:
    """The functions that render YAML."""

    def __init__(self, script: Script) -> None:
        self._script = script

    @function("helm")
    def helm(
        self,
        paths: LocalPath,
        name: Text = "",
        namespace: Text = "",
        values: StringOrStrings = (),
        set: StringOrStrings = (),  # noqa: A002 - the Tiltfile's signature
        kube_version: Text = "",
        skip_crds: Flag = False,
    ) -> Blob:
        """Render a chart with `helm template`."""
        self._check_chart(paths)
        self._script.watch(paths, recursive=True)
        subcharts = [placed(subchart, self._script.directory) for subchart in self._local_subcharts(paths)]
        for subchart in subcharts:
            self._script.watch(subchart, recursive=True)
        words = ["helm", "template", name or _RELEASE, paths]
        words += ["--namespace", namespace] if namespace else []
        words += ["--kube-version", kube_version] if kube_version else []
        words += [] if skip_crds else [_INCLUDE_CRDS]
        files = [placed(file, self._script.directory) for file in values]
        for file, path in zip(values, files, strict=True):
            words += ["--values", file]
            self._script.watch(path)
        for assignment in set:
            words += ["--set", assignment]
        inputs = [paths, *subcharts, *files]
        source = f"helm: {paths}"

        def finish(text: str) -> str:
            objects = _without_tests(text)
            return _in_namespace(objects, namespace, source) if namespace else objects

        kept = Kept(self._script, words, inputs)
        if kept.text is not None:
            return Blob(finish(kept.text), source)
        work = self._template(words)
        self._announce(words)
        return self._script.pending.blob(source, work, lambda text: finish(kept.keep(text)))

    @function("kustomize")
    def kustomize(self, paths: LocalPath, kustomize_bin: LocalPath | None = None, flags: Strings = ()) -> Blob:
        """Render a directory with `kustomize build`."""
        words = [kustomize_bin or "kustomize", "build"]
        if find_program(self._script, words[0]) is None:
            if kustomize_bin:
                raise UserError(f'exec: "{kustomize_bin}": no such file or directory')
            if find_program(self._script, "kubectl") is None:
                raise UserError(
                    "Unable to find `kustomize`, nor `kubectl`, which has it too. Make sure one is on your $PATH.",
                    hint="install it from https://kubectl.docs.kubernetes.io/installation/kustomize",
                )
            self._script.print("Falling back to `kubectl kustomize` since `kustomize` was not found in PATH")
            words = ["kubectl", "kustomize"]
        # Kustomize does not take absolute paths everywhere.
        words += [*flags, posixpath.relpath(paths, self._script.directory)]
        inputs = None if flags else kustomization_inputs(paths)
        kept = Kept(self._script, words, inputs)
        if kept.text is not None:
            blob = Blob(kept.text, f"kustomize: {paths}")
        elif inputs is None:  # it may write files, too: the charts that it inflates
            blob = Blob(run_now(self._script, self._command(words)), f"kustomize: {paths}")
        else:
            work = prepare(self._script, self._command(words))
            self._announce(words)
            blob = self._script.pending.blob(f"kustomize: {paths}", work, kept.keep)
        for file in kustomization_files(paths):
            self._script.watch(file.path, recursive=True, reported=file.known_to_tilt)
        return blob

    def _announce(self, words: list[str]) -> None:
        self._script.print(f"Running: {self._command(words).shown}")

    def _command(self, words: list[str]) -> Command:
        return Command(argv=tuple(words), dir=self._script.directory)

    def _template(self, words: list[str]) -> Callable[[], str]:
        """What renders a chart, with a helm that is new enough."""
        if find_program(self._script, "helm") is None:
            raise UserError(
                "Unable to find Helm installation. Make sure `helm` is on your $PATH.",
                hint="install it from https://helm.sh",
            )
        version = prepare(self._script, self._command(["helm", "version", "--short"]))
        usual = prepare(self._script, self._command(words))
        without_crds = prepare(self._script, self._command([word for word in words if word != _INCLUDE_CRDS]))

        def render() -> str:
            return usual() if _can_include_crds(version()) else without_crds()

        return render

    @staticmethod
    def _check_chart(path: str) -> None:
        if not Path(path).exists():
            raise UserError(f'Could not read Helm chart directory "{path}": does not exist')
        if not Path(path).is_dir():
            raise UserError(f'helm() may only be called on directories with Chart.yaml: "{path}"')

    def _local_subcharts(self, path: str) -> list[str]:
        try:
            text = self._script.read(posixpath.join(path, "requirements.yaml"), watch=False)
        except UnreadableError:
            return []
        documents = [value for value in yaml.parse_values(text, path) if isinstance(value, dict)]
        repositories = [
            str(dependency.get("repository", ""))
            for document in documents
            for dependency in objects.items(document, "dependencies")
        ]
        return [url.removeprefix(_LOCAL) for url in repositories if url.startswith(_LOCAL)]


def _can_include_crds(output: str) -> bool:
    """Can a helm of this version?

    Raises:
        UserError: it is none that is known.
    """
    version = output.strip().rpartition("\n")[2]
    if not version.startswith(("v3.", "3.", "v4.")):
        raise UserError(f'could not parse Helm version from string: "{output}"')
    return not version.startswith("v3.0.")


def _without_tests(text: str) -> str:
    return _SEPARATOR.join(part for part in text.split(_SEPARATOR) if not _FROM_TESTS.search(part))


def _in_namespace(text: str, namespace: str, source: str) -> str:
    """The objects of a text, those without namespace put into one; helm itself leaves that to the cluster."""
    return yaml.dump([_placed(o, namespace) for o in yaml.parse(text, source)])


def _placed(o: KubeObject, namespace: str) -> KubeObject:
    if objects.namespace(o):
        return o
    return {**o, "metadata": {**objects.metadata(o), "namespace": namespace}}
