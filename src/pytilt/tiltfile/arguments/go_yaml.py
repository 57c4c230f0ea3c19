"""YAML as Tilt writes it: the text of `encode_yaml` ends in files, ConfigMaps and digests, so every quote counts."""

import functools
from typing import Any

from pytilt.cluster.yaml import quote_what_go_reads

_WIDTH = 80
_TEXT = "tag:yaml.org,2002:str"
_OWN = ("tag:yaml.org,2002:value", "tag:yaml.org,2002:merge")
"""What PyYAML alone takes `=` and `<<` for."""


def encode(value: object) -> str:
    """A value of text, numbers, lists and mappings as one document."""
    import yaml

    text: str = yaml.dump(
        value, Dumper=_dumper(), sort_keys=False, default_flow_style=False, allow_unicode=True, width=_WIDTH
    )
    return text.removesuffix("...\n")


@functools.cache
def _dumper() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    import yaml

    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    resolvers = {
        first: [(tag, pattern) for tag, pattern in known if tag not in _OWN]
        for first, known in base.yaml_implicit_resolvers.items()
    }
    members = {"ignore_aliases": lambda _self, _data: True, "yaml_implicit_resolvers": resolvers}
    dumper: Any = type("GoDumper", (base,), members)
    dumper.add_representer(str, _represent_text)
    quote_what_go_reads(dumper)
    return dumper


def _represent_text(dumper: Any, text: str) -> Any:  # noqa: ANN401 - the library's own types
    import yaml

    style: str | None = "|"
    if "\n" not in text or any(line.endswith((" ", "\t")) for line in text.split("\n")):
        style = None if dumper.resolve(yaml.ScalarNode, text, (True, False)) == _TEXT else '"'
    return dumper.represent_scalar(_TEXT, text, style=style)
