"""Which names and labels a resource may have; the rules and their words are those of Kubernetes."""

import re

from pytilt.model.regex import regex

_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_LONGEST = 63
_SURROGATE = regex("[\ud800-\udfff]")
_CHARACTERS = "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"


def name_problem(name: str) -> str:
    """Why a text cannot be the name of a resource; empty when it can."""
    if name in (".", ".."):
        return f"may not be '{name}'"
    for char in "/%":
        if char in name:
            return f"may not contain '{char}'"
    if not name.isascii() and _SURROGATE.search(name):
        return "may not contain bytes that are not UTF-8"
    return ""


def label_problem(label: str) -> str:
    """Why a text cannot be a label of a resource; empty when it can."""
    problems = _qualified_name_problems(label) or _value_problems(label)
    if problems:
        return ", ".join(problems)
    # Kubernetes allows a prefix, but Tilt keeps prefixed labels for itself.
    return "cannot contain /" if "/" in label else ""


def _qualified_name_problems(label: str) -> list[str]:
    examples = _examples(_NAME, "MyName", "my.name", "123-abc")
    prefix, slash, name = label.rpartition("/")
    if "/" in prefix:
        optional = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        return [f"a qualified name must consist of {_CHARACTERS} {examples} {optional}"]
    problems = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash and not re.fullmatch(_SUBDOMAIN, prefix):
        problems.append(f"prefix part must be a DNS subdomain {_examples(_SUBDOMAIN, 'example.com')}")
    if not name:
        problems.append("name part must be non-empty")
    elif len(name) > _LONGEST:
        problems.append(f"name part must be no more than {_LONGEST} characters")
    if not re.fullmatch(_NAME, name):
        problems.append(f"name part must consist of {_CHARACTERS} {examples}")
    return problems


def _value_problems(label: str) -> list[str]:
    problems = []
    if len(label) > _LONGEST:
        problems.append(f"must be no more than {_LONGEST} characters")
    if not re.fullmatch(f"({_NAME})?", label):
        examples = _examples(f"({_NAME})?", "MyValue", "my_value", "12345")
        problems.append(f"a valid label must be an empty string or consist of {_CHARACTERS} {examples}")
    return problems


def _examples(pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"(e.g. {shown}regex used for validation is '{pattern}')"
