"""`helm` and `kustomize`: YAML that a program renders."""

from pytilt.tiltfile.script import Script


class ChartBuiltins:
    def __init__(self, script: Script) -> None:
        self._script = script
