r"""Go's templates as far as `-o go-template=…` needs them: `{{range .items}}{{.metadata.name}}{{"\n"}}{{end}}`.

There are paths, `if`, `else`, `with`, `range`, variables (`$name := …`), texts, comments, `-` that trims, pipes, and a
handful of functions. `define`, `template` and `$name = …` are refused by name.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pytilt.errors import UserError

_ACTION = re.compile(
    r"\{\{(- )?\s*(/\*.*?\*/|(?:\"(?:\\.|[^\"\\])*\"|`[^`]*`|[^}\"`]|\}(?!\}))*?)\s*( -)?\}\}", re.DOTALL
)
_WORD = re.compile(r'\s*("(?:\\.|[^"\\])*"|`[^`]*`|\(|\)(?:\.[\w-]+)*|\||[^\s()|]+)')
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_PATH = re.compile(r"(\$\w*)?(\.[\w-]+)+|\.|\$\w*")
_DECLARED = re.compile(r"\s*(\$\w+)(?:\s*,\s*(\$\w+))?\s*:=(.*)", re.DOTALL)
_ASSIGNS = re.compile(r"\$\w+\s*=")
_MISSING = object()
_NO_VALUE = "<no value>"


class _ControlAction(NamedTuple):
    """`if`, `with` or `range`, and what stands in it."""

    kind: str
    pipe: "_Pipe"
    body: "list[_Node]"
    otherwise: "list[_Node]"


class _Pipe(NamedTuple):
    words: str
    names: tuple[str, ...] = ()
    """The variables that get its value."""


_Scope = dict[str, object]
"""The values of variables; `$` is the value of the whole template."""


_Node = str | _Pipe | _ControlAction


class GoTemplate:
    """A template that was read.

    Args:
        text: the template.
        allow_missing: print `<no value>` for a key that is not there.

    Raises:
        UserError: it cannot be read, or has something that is not there.
    """

    def __init__(self, text: str, *, allow_missing: bool = True) -> None:
        self._allow_missing = allow_missing
        parts = list(_parts(text))
        self._nodes, end = _nodes(parts, 0)
        if end < len(parts):
            raise UserError(f"unexpected {{{{{parts[end]}}}}} in the template")

    def __call__(self, value: object) -> str:
        """The text for a value.

        Raises:
            UserError: a function has arguments that it cannot take, or a key is not there.
        """
        return "".join(_written(self._nodes, value, {"$": value}, allow_missing=self._allow_missing))


def _parts(text: str) -> Iterator[str | _Pipe]:
    """Texts, and the insides of actions."""
    end, trim = 0, False
    for action in _ACTION.finditer(text):
        before = text[end : action.start()]
        before = before.lstrip() if trim else before
        yield before.rstrip() if action[1] else before
        if not action[2].startswith("/*"):
            yield _Pipe(action[2].strip())
        end, trim = action.end(), bool(action[3])
    rest = text[end:].lstrip() if trim else text[end:]
    if "{{" in rest:
        raise UserError(f"unclosed action in the template: `{rest[rest.index('{{') :][:40]}`")
    yield rest


def _nodes(parts: Sequence[str | _Pipe], at: int) -> tuple[list[_Node], int]:
    """The nodes up to an `end` or `else` that belongs to what is around them."""
    found: list[_Node] = []
    while at < len(parts):
        part = parts[at]
        if isinstance(part, str):
            found.append(part)
        else:
            word, _, rest = part.words.partition(" ")
            if word in ("end", "else"):
                break
            if word in ("define", "template", "block", "break", "continue") or _ASSIGNS.search(_bare(part.words)):
                raise UserError(
                    f"`{{{{{part.words}}}}}` is not there in templates of `tilt get`",
                    hint="take `-o json` and `jq`, or `-o jsonpath=…`",
                )
            if word in ("if", "with", "range"):
                block, at = _block(parts, at, word, rest)
                found.append(block)
            else:
                found.append(_checked(part.words))
        at += 1
    return found, at


def _block(parts: Sequence[str | _Pipe], at: int, kind: str, pipe: str) -> tuple[_ControlAction, int]:
    checked = _checked(pipe, most=2 if kind == "range" else 1)
    body, end = _nodes(parts, at + 1)
    otherwise: list[_Node] = []
    last = parts[end] if end < len(parts) else ""
    closing = last.words if isinstance(last, _Pipe) else ""
    if closing.startswith("else "):  # `else if` is a block in the other branch, with the same end
        word, _, rest = closing.removeprefix("else").strip().partition(" ")
        inner, end = _block(parts, end, word, rest)
        return _ControlAction(kind, checked, body, [inner]), end
    if closing == "else":
        otherwise, end = _nodes(parts, end + 1)
    if end >= len(parts):
        raise UserError(f"the `{kind}` of the template has no {{{{end}}}}")
    return _ControlAction(kind, checked, body, otherwise), end


def _bare(words: str) -> str:
    return re.sub(r'"(?:\\.|[^"\\])*"|`[^`]*`', "", words)


def _written(nodes: Sequence[_Node], value: object, scope: _Scope, *, allow_missing: bool) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, str):
            yield node
        elif isinstance(node, _Pipe):
            found = _evaluated(node, value, scope)
            if node.names:
                scope[node.names[0]] = found
                continue
            if found is _MISSING and not allow_missing:
                raise UserError(f"error executing template: map has no entry for `{node.words}`")
            yield _shown(found)
        else:
            for each, body, named in _rounds(node, value, scope):
                yield from _written(body, each, {**scope, **named}, allow_missing=allow_missing)


def _rounds(block: _ControlAction, value: object, scope: _Scope) -> Iterator[tuple[object, list[_Node], _Scope]]:
    """What of a block is written, for which value each time, and with which variables."""
    found, names = _evaluated(block.pipe, value, scope), block.pipe.names
    if not _true(found):
        yield value, block.otherwise, {}
    elif block.kind == "range":
        if not isinstance(found, list | str | Mapping):
            raise UserError(f"range can't iterate over {_shown(found)}")
        pairs = [(key, found[key]) for key in sorted(found)] if isinstance(found, Mapping) else enumerate(found)
        for pair in pairs:
            yield pair[1], block.body, dict(zip(names, pair[-len(names) :], strict=True)) if names else {}
    else:
        named = dict.fromkeys(names, found)
        yield (found if block.kind == "with" else value), block.body, named


def _words(pipe: str) -> list[str]:
    words = _WORD.findall(pipe)
    if "".join(words) != re.sub(r"\s+", "", pipe) and not re.search(r'["`]', pipe):
        raise UserError(f"cannot read `{pipe}` in the template")
    return words


def _checked(pipe: str, most: int = 1) -> _Pipe:
    """A pipe, of which every word is known.

    Args:
        pipe: as it is written.
        most: so many variables may get its value.

    Raises:
        UserError: one is not.
    """
    declared = _DECLARED.fullmatch(pipe)
    names = tuple(name for name in declared.groups()[:2] if name) if declared else ()
    pipe = declared[3] if declared else pipe
    if len(names) > most:
        raise UserError(f"too many variables in the template: {', '.join(names)}")
    words = _words(pipe)
    if not words:
        raise UserError("missing value for a command in the template")
    if words.count("(") != sum(word[0] == ")" for word in words):
        raise UserError(f"unbalanced parentheses in the template: `{pipe}`")
    for word in words:
        if word[0] not in '"`()|' and not _is_value(word) and word not in _FUNCTIONS:
            raise UserError(
                f'function "{word}" not defined in templates of `tilt get`',
                hint=f"there are: {', '.join(sorted(_FUNCTIONS))}; or take `-o json` and `jq`",
            )
    return _Pipe(pipe.strip(), names)


def _is_value(word: str) -> bool:
    return bool(_PATH.fullmatch(word) or _NUMBER.fullmatch(word)) or word in ("true", "false", "nil")


def _evaluated(pipe: _Pipe, value: object, scope: _Scope) -> Any:  # noqa: ANN401 - JSON
    words = _words(pipe.words)
    found, at = _pipeline(words, 0, value, scope)
    if at < len(words):
        raise UserError(f"cannot read `{pipe.words}` in the template")
    return found


def _pipeline(words: Sequence[str], at: int, value: object, scope: _Scope) -> tuple[Any, int]:
    """The value of `a | b | c`, up to a closing parenthesis, and where that is."""
    piped: list[Any] = []
    while True:
        name, arguments = "", list[Any]()
        while at < len(words) and words[at][0] not in "|)":
            word = words[at]
            if word == "(":
                inner, at = _pipeline(words, at + 1, value, scope)
                arguments.append(_walked(inner, words[at].removeprefix(")")))
            elif word in _FUNCTIONS and not arguments and not name:
                name = word
            else:
                arguments.append(_single(word, value, scope))
            at += 1
        arguments += piped
        if not name and len(arguments) != 1:
            raise UserError("a value of the template is no function: it takes no arguments")
        try:
            piped = [_FUNCTIONS[name](*arguments) if name else arguments[0]]
        except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
            raise UserError(f"error calling {name or 'a value'} in the template: {error}") from error
        if at >= len(words) or words[at][0] == ")":
            return piped[0], at
        at += 1


def _single(word: str, value: object, scope: _Scope) -> Any:  # noqa: ANN401 - JSON
    if word.startswith('"'):
        return json.loads(word)
    if word.startswith("`"):
        return word[1:-1]
    if word in ("true", "false", "nil"):
        return {"true": True, "false": False, "nil": None}[word]
    if _NUMBER.fullmatch(word):
        return float(word) if "." in word else int(word)
    name, _, path = word.partition(".")
    if not name:
        return _walked(value, path)
    if name not in scope:
        raise UserError(f'undefined variable "{name}" in the template')
    return _walked(scope[name], path)


def _walked(found: Any, path: str) -> Any:  # noqa: ANN401 - JSON
    for step in filter(None, path.split(".")):
        found = found.get(step, _MISSING) if isinstance(found, Mapping) else _MISSING
    return found


def _true(value: object) -> bool:
    return value is not _MISSING and bool(value)


def _shown(value: object) -> str:
    if value is _MISSING or value is None:
        return _NO_VALUE
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{_shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    return str(value)


def _index(value: Any, *keys: Any) -> Any:  # noqa: ANN401 - JSON
    for key in keys:
        value = value.get(key, _MISSING) if isinstance(value, Mapping) else value[key]
    return value


def _first_true(*values: Any) -> Any:  # noqa: ANN401 - JSON
    return next((value for value in values if _true(value)), values[-1])


def _first_false(*values: Any) -> Any:  # noqa: ANN401 - JSON
    return next((value for value in values if not _true(value)), values[-1])


def _printf(form: str, *values: Any) -> str:  # noqa: ANN401 - JSON
    said = tuple(
        value if isinstance(value, int | float) and not isinstance(value, bool) else _shown(value) for value in values
    )
    return str(re.sub(r"%v", "%s", re.sub(r"%q", '"%s"', form)) % said)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "and": _first_false,
    "or": _first_true,
    "not": lambda value: not _true(value),
    "eq": lambda value, *others: any(value == other for other in others),
    "ne": lambda value, other: value != other,
    "lt": lambda value, other: value < other,
    "le": lambda value, other: value <= other,
    "gt": lambda value, other: value > other,
    "ge": lambda value, other: value >= other,
    "len": len,
    "index": _index,
    "print": lambda *values: "".join(map(_shown, values)),
    "println": lambda *values: " ".join(map(_shown, values)) + "\n",
    "printf": _printf,
}
