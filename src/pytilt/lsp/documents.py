"""A text that an editor has open, and places in it."""

from urllib.parse import unquote, urlsplit

from pytilt.lsp.protocol import TextPosition, TextRange
from pytilt.model.regex import regex

_DOTTED = regex(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NAME = regex(r"\w+")


class OpenText:
    """One version of a text.

    Args:
        uri: as the client names it.
        text: all of it.
    """

    def __init__(self, uri: str, text: str) -> None:
        self.uri = uri
        self.path = path_of(uri)
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")

    def place(self, position: TextPosition) -> tuple[int, int]:
        """Line and column of a position, both counted from 0, the column in characters; what is outside is moved in."""
        line = min(max(position.line, 0), len(self.lines) - 1)
        text, units = self.lines[line], 0
        for column, char in enumerate(text):
            if units >= position.character:
                return line, column
            units += 2 if ord(char) > 0xFFFF else 1
        return line, len(text)

    def position(self, line: int, column: int) -> TextPosition:
        """The position of a line and a column that are counted from 1, as messages have them."""
        at = min(max(line - 1, 0), len(self.lines) - 1)
        before = self.lines[at][: max(column - 1, 0)]
        return TextPosition(line=at, character=sum(2 if ord(char) > 0xFFFF else 1 for char in before))

    def range(self, line: int, column: int) -> TextRange:
        """The word that begins at a line and a column, counted from 1; at least one character."""
        text = self.lines[min(max(line - 1, 0), len(self.lines) - 1)]
        word = _NAME.match(text, max(column - 1, 0))
        end = word.end() + 1 if word else column + 1
        return TextRange(start=self.position(line, column), end=self.position(line, end))

    def name_at(self, position: TextPosition) -> str:
        """The name at a position, with what is before its dots: `os.path.join`; empty where there is none."""
        line, column = self.place(position)
        for found in _DOTTED.finditer(self.lines[line]):
            if found.start() <= column <= found.end():
                end = self.lines[line].find(".", column, found.end())
                return self.lines[line][found.start() : end if end >= 0 else found.end()]
        return ""

    def before(self, position: TextPosition) -> str:
        """The text from the beginning of the statement that a position is in."""
        line, column = self.place(position)
        first = next((number for number in range(line, 0, -1) if _begins(self.lines[number])), 0)
        return "\n".join([*self.lines[first:line], self.lines[line][:column]])


def _begins(line: str) -> bool:
    """Does a statement of the top level begin in this line?"""
    return bool(line) and line[0] not in " \t#)]}"


def path_of(uri: str) -> str:
    """The path of a `file://` URI; of others what they are."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return uri
    return unquote(parts.path) if parts.scheme == "file" else uri
