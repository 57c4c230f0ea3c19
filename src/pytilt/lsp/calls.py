"""Where in an unfinished statement somebody is writing."""

from pytilt.dialect.errors import StaticError
from pytilt.dialect.scanning import Scanner, Token
from pytilt.model.base import Value


class WritingPlace(Value):
    """What stands before the place where somebody writes."""

    prefix: str = ""
    """The name that is being written, with what is before its dots: `os.pa`; ends with a dot where nothing follows."""
    callee: str = ""
    """The function whose arguments are being written; empty where it is none."""
    argument: int = 0
    """How many arguments are complete."""
    keyword: str = ""
    """The name of the argument that is being written, where it is given by name."""
    given: tuple[str, ...] = ()
    """The names of arguments that are there."""
    in_text: bool = False
    """Is it inside of a string, or of a comment?"""
    value_of: str = ""
    """The type of the literal whose attribute is being written: `string`, `list` or `dict`."""


def writing(before: str) -> WritingPlace:
    """What is being written at the end of a text.

    Args:
        before: from the beginning of the statement.
    """
    tokens, broken = _tokens(before)
    in_text = broken or "#" in before[_end_of_last(before, tokens) :]
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind in ("(", "[", "{"):
            opened.append(index)
        elif token.kind in (")", "]", "}") and opened:
            opened.pop()
    prefix, value_of = _prefix(tokens, before)
    call = opened[-1] if opened and tokens[opened[-1]].kind == "(" else None
    callee = _dotted(tokens[:call]) if call is not None else ""
    if call is None or not callee:
        return WritingPlace(prefix=prefix, in_text=in_text, value_of=value_of)
    argument, given, keyword = _arguments(tokens[call + 1 :])
    return WritingPlace(
        prefix=prefix,
        callee=callee,
        argument=argument,
        keyword=keyword,
        given=given,
        in_text=in_text,
        value_of=value_of,
    )


def _tokens(text: str) -> tuple[list[Token], bool]:
    """The tokens of a text, and whether it ends inside of one."""
    scanner = Scanner("", text)
    found: list[Token] = []
    while True:
        try:
            token = scanner.next()
        except StaticError as error:
            return found, "in string" in error.message
        if token.kind == "eof":
            return found, False
        if token.kind not in ("newline", "indent", "outdent"):
            found.append(token)


def _end_of_last(text: str, tokens: list[Token]) -> int:
    if not tokens:
        return 0
    line, column = tokens[-1].end
    lines = text.split("\n")
    return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1


def _prefix(tokens: list[Token], text: str) -> tuple[str, str]:
    rest = text[_end_of_last(text, tokens) :]
    if not tokens or rest.strip() or (rest and tokens[-1].kind != "."):
        return "", ""
    name = _dotted(tokens)
    if name:
        return name, ""
    ends = [*tokens]
    after = ""
    if ends[-1].kind == "name":
        after = str(ends.pop().value)
    if len(ends) > 1 and ends[-1].kind == ".":
        kind = {"string": "string", "]": "list", "}": "dict"}.get(ends[-2].kind, "")
        return f".{after}", kind
    return after, ""


def _dotted(tokens: list[Token]) -> str:
    """The name with dots at the end of the tokens; empty where something else is there."""
    parts: list[str] = []
    at = len(tokens) - 1
    if at >= 0 and tokens[at].kind == ".":
        parts.append("")
        at -= 1
    while at >= 0 and tokens[at].kind == "name":
        parts.append(str(tokens[at].value))
        if at == 0 or tokens[at - 1].kind != ".":
            before = tokens[at - 1].kind if at else ""
            return "" if before == "def" else ".".join(reversed(parts))
        at -= 2
    return ""


def _arguments(tokens: list[Token]) -> tuple[int, tuple[str, ...], str]:
    """How many arguments are complete, the names of all that are given by name, and that of the last."""
    depth, count, given, keyword = 0, 0, [], ""
    begins = True
    for index, token in enumerate(tokens):
        if token.kind in ("(", "[", "{"):
            depth += 1
        elif token.kind in (")", "]", "}"):
            depth -= 1
        elif depth == 0 and token.kind == ",":
            count, begins, keyword = count + 1, True, ""
            continue
        elif depth == 0 and begins and token.kind == "name":
            following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
            if following == "=":
                keyword = str(token.value)
                given.append(keyword)
        begins = False
    return count, tuple(given), keyword
