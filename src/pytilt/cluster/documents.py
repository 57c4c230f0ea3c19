"""The documents of a text of YAML or JSON, read as Kubernetes tools read it.

A line that begins with `---` separates documents. One that begins with `{` is tried as JSON first, and may hold several
values one after the other.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from pytilt.cluster import scalars
from pytilt.cluster.plain_yaml import plain_documents
from pytilt.errors import UserError
from pytilt.model.regex import regex

if TYPE_CHECKING:
    import yaml

_UTF_8 = "save the file as UTF-8 text"
RENDER = "this looks like a template; render it first, for example with `helm()`"
_MERGE = "tag:yaml.org,2002:merge"
_SEPARATOR = regex(r"^---(.*)$", re.MULTILINE)
_DIRECTIVES = regex(r"(?:\s*(?:#.*)?\n)*%(?:.*\n)*?\Z")
_SPACE = regex(r"[ \t\r\n]*")
_SURROGATE = regex(r"[\ud800-\udfff]")

_DEEPEST = 200
"""No object of Kubernetes is nested as deeply as this."""
_FEW_NODES, _MANY_NODES = 400_000, 4_000_000
"""Up to the first so many values, nearly all may come from aliases; from the second on a tenth. go-yaml's numbers."""


class Document(NamedTuple):
    """One document and where it starts, from 1."""

    value: Any
    line: int
    column: int


def documents(text: str, origin: str) -> Iterator[Document]:
    """Every document of a text.

    Args:
        text: YAML or JSON.
        origin: where it came from, for messages.

    Raises:
        UserError: it cannot be read, with the place.
    """
    if not text.endswith("\n"):  # Kubernetes' reader ends the last line, and so a block of text at the end
        text += "\n"
    for chunk, line in _chunks(text.removeprefix("\ufeff"), origin):
        start = 0
        plain = plain_documents(chunk)
        if plain is not None:
            yield from (Document(each.value, line + each.line + 1, each.column + 1) for each in plain)
            continue
        if chunk.lstrip().startswith("{"):
            for document, end in _json_values(chunk, line, origin):
                start = end
                yield document
        yield from general_documents(chunk, start, line, origin)


def _chunks(text: str, origin: str) -> Iterator[tuple[str, int]]:
    """The texts between the separators, and the number of lines before each."""
    start, line = 0, 0
    for found in _SEPARATOR.finditer(text):
        rest = found[1].strip()
        if rest and not rest.startswith("#"):
            where = f"{origin}:{line + text.count(chr(10), start, found.start()) + 1}:4"
            raise UserError(
                f"not YAML for Kubernetes: `{rest[:40]}` follows a separator on its line",
                where=where,
                hint="put `---` on a line of its own",
            )
        if _DIRECTIVES.match(text, start, found.start()):
            continue  # `%YAML` belongs to the document that this separator opens
        yield text[start : found.start()], line
        line += text.count("\n", start, found.end())
        start = found.end()
    yield text[start:], line


def _json_values(chunk: str, line: int, origin: str) -> Iterator[tuple[Document, int]]:
    """The JSON values with which a text begins, each with the position after it and the space that follows."""
    end = 0
    while True:
        start = _SPACE.match(chunk, end).end()  # type: ignore[union-attr] # it matches anywhere
        if not chunk.startswith("{", start):
            return
        try:
            value, end = _decoder().raw_decode(chunk, start)
        except (ValueError, RecursionError):
            return  # it is read as YAML, which has the better messages
        first = line + chunk.count("\n", 0, start) + 1
        column = start - chunk.rfind("\n", 0, start)
        end = _SPACE.match(chunk, end).end()  # type: ignore[union-attr] # it matches anywhere
        yield Document(_checked(value, f"{origin}:{first}:{column}"), first, column), end


def _checked(value: Any, where: str, depth: int = 0) -> Any:  # noqa: ANN401 - JSON may hold anything
    """A JSON value without what only JavaScript knows: halves of characters."""
    if depth > _DEEPEST:
        raise _too_deep(where)
    if isinstance(value, dict):
        return {_checked(key, where): _checked(held, where, depth + 1) for key, held in value.items()}
    if isinstance(value, list):
        return [_checked(held, where, depth + 1) for held in value]
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def general_documents(chunk: str, start: int, line: int, origin: str) -> Iterator[Document]:
    """The documents of a text, read by a reader that knows all of YAML.

    Args:
        chunk: the text, without separators.
        start: how much of it has been read.
        line: lines before the text.
        origin: where it came from.

    Raises:
        UserError: it cannot be read, with the place.
    """
    import yaml

    line += chunk.count("\n", 0, start)
    text = chunk[start:]
    try:
        loader = _loader()(text)
    except UnicodeEncodeError as error:  # bytes that are no UTF-8 came as surrogates
        raise UserError("not YAML: it holds bytes that are no text", where=origin, hint=_UTF_8) from error
    try:
        while loader.check_node():
            node = loader.get_node()
            mark = node.start_mark
            yield Document(_Construction(origin, line).value(node), line + mark.line + 1, mark.column + 1)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, origin, line, text) from error
    except yaml.YAMLError as error:
        raise UserError(f"not YAML: {error}", where=origin, hint=_UTF_8) from error
    finally:
        loader.dispose()


def _not_yaml(error: "yaml.MarkedYAMLError", origin: str, before: int, text: str) -> UserError:
    mark = error.problem_mark or error.context_mark
    place = f"{origin}:{before + mark.line + 1}:{mark.column + 1}" if mark else origin
    reason = error.problem or error.context or "it cannot be read"
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    hint = "check the indentation, and quote strings that hold `: `, ` #` or begin with a special character"
    if "\t" in line[: len(line) - len(line.lstrip())]:
        hint = "indent with spaces; YAML allows no tabs there"
    elif line.lstrip().startswith(("{{", "- {{")) or ": {{" in line:
        hint = RENDER
    return UserError(f"not YAML: {reason}", where=place, hint=hint)


def _too_deep(where: str) -> UserError:
    return UserError(f"not YAML for Kubernetes: it is nested more than {_DEEPEST} levels deep", where=where)


class _Construction:
    """Makes plain values of the nodes of one document. Aliases share what they stand for.

    Args:
        origin: where the document came from.
        before: how many lines come before the text that the nodes know.
    """

    def __init__(self, origin: str, before: int) -> None:
        self._origin = origin
        self._before = before
        self._made: dict[int, Any] = {}
        self._weights: dict[int, int] = {}
        """How many nodes each value has, what aliases stand for included."""
        self._open: set[int] = set()
        self._own = self._all = 0
        """Nodes that were made, and those with what aliases stand for."""

    def value(self, node: Any) -> Any:  # noqa: ANN401 - YAML may hold anything
        key = id(node)
        if key in self._made:
            self._all += self._weights[key]
            self._check_aliases(node)
            return self._made[key]
        self._all += 1
        self._own += 1
        if node.id == "scalar":
            return self._scalar(scalars.value, node)
        if key in self._open:
            raise self._error("an alias stands for something that holds it", node)
        if len(self._open) >= _DEEPEST:
            raise _too_deep(self._where(node))
        self._open.add(key)
        before = self._all - 1
        made = self._mapping(node) if node.id == "mapping" else [self.value(item) for item in node.value]
        self._open.remove(key)
        self._made[key] = made
        self._weights[key] = self._all - before
        return made

    def _mapping(self, node: Any) -> dict[str, Any]:  # noqa: ANN401 - the nodes have no common type
        made: dict[str, Any] = {}
        for key, value in node.value:
            if key.id == "scalar" and key.value == "<<" and key.tag in (scalars.PLAIN, _MERGE):
                for part in self._merged(value):
                    made |= part  # in the order of the text, as go-yaml does: the later one wins
            elif key.id == "scalar":
                made[self._scalar(scalars.key, key)] = self.value(value)
            else:
                hint = RENDER if key.id == "mapping" else None
                raise self._error("a key must be a plain value", key, hint=hint)
        return made

    def _merged(self, node: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - the nodes have no common type
        """What `<<` stands for; of several mappings the first counts most, so it comes last."""
        several = node.id == "sequence" and id(node) not in self._made  # an alias of a list is refused
        parts = reversed(node.value) if several else [node]
        values = [self.value(part) for part in parts]
        if not all(isinstance(value, dict) for value in values):
            raise self._error("`<<` can only merge mappings", node)
        return values

    def _scalar(self, read: Callable[[str, str], Any], node: Any) -> Any:  # noqa: ANN401 - the nodes have no common type
        try:
            return read(node.tag, node.value)
        except ValueError as error:
            raise self._error(str(error), node) from error

    def _check_aliases(self, node: Any) -> None:  # noqa: ANN401 - the nodes have no common type
        excess = (self._all - _FEW_NODES) / (_MANY_NODES - _FEW_NODES)
        allowed = 0.99 - 0.89 * min(max(excess, 0.0), 1.0)
        aliased = self._all - self._own
        if aliased > 100 and self._all > 1000 and aliased / self._all > allowed:
            raise self._error("document contains excessive aliasing", node)

    def _error(self, message: str, node: Any, hint: str | None = None) -> UserError:  # noqa: ANN401 - as above
        return UserError(f"not YAML for Kubernetes: {message}", where=self._where(node), hint=hint)

    def _where(self, node: Any) -> str:  # noqa: ANN401 - as above
        return f"{self._origin}:{self._before + node.start_mark.line + 1}:{node.start_mark.column + 1}"


@functools.cache
def _loader() -> Any:  # noqa: ANN401 - a class of the C library, or its stand-in in Python
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    def resolve(_self: object, _kind: object, _text: str, implicit: Any) -> str:  # noqa: ANN401 - a bool or two
        """The tag of a node that has none: `scalars` decides about plain ones."""
        plain = implicit[0] if isinstance(implicit, tuple) else False
        return scalars.PLAIN if plain else "tag:yaml.org,2002:str"

    return type("KubernetesLoader", (base,), {"resolve": resolve})


@functools.cache
def _decoder() -> json.JSONDecoder:
    def constant(text: str) -> None:
        raise ValueError(f"{text} is not JSON")

    return json.JSONDecoder(
        parse_int=lambda text: scalars.number(int(text)),
        parse_float=lambda text: scalars.number(float(text)),
        parse_constant=constant,
    )
