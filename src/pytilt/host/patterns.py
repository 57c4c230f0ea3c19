"""One pattern of the `.dockerignore` language: its parts and its regular expression."""

import posixpath
import re

from pytilt.errors import UserError
from pytilt.model.base import Value
from pytilt.model.regex import regex

_ITEM = r"(?:\\.|[^\\\]\-])"
_TOKEN = regex(rf"(\*\*/?)|(\*)|(\?)|\[(\^?)((?:{_ITEM}(?:-{_ITEM})?)+)\]|\\(.)|([^\\\[])", re.DOTALL)
_CLASS_ITEM = regex(r"\\(.)|(.)", re.DOTALL)
_SPECIAL = regex(r"[*?\[\]\\]")


class Pattern(Value):
    """One pattern, cleaned and split from its `!`."""

    text: str
    """Relative to the directory of its ignore rule, without trailing slash."""
    exception: bool = False
    """Began with `!`: what it matches is not ignored after all."""

    @property
    def literal(self) -> str | None:
        """The only path that it matches, when there is nothing special in it."""
        return None if _SPECIAL.search(self.text) else self.text

    @property
    def any_level(self) -> "Pattern | None":
        """For `**/NAME`: the pattern of the name alone, which may be matched against the last part of any path."""
        name = self.text.removeprefix("**/")
        if name == self.text or any(special in name for special in ("/", "**", "[", "\\")):
            return None
        return Pattern(text=name, exception=self.exception)

    @property
    def regex(self) -> str:
        """The source of a regular expression for a whole path. It does not cover what is below the path.

        Raises:
            UserError: the pattern cannot be read.
        """
        return _translate(self.text)

    def reaches_below(self, directory: str) -> bool:
        """Could it match anything below a directory that it does not match itself? If unsure, yes."""
        parts = self.text.split("/")
        for part, name in zip(parts, directory.split("/"), strict=False):
            if "**" in part or "[" in part or "\\" in part:
                return True
            if not re.fullmatch(_translate(part), name, re.DOTALL):
                return False
        return len(parts) > directory.count("/") + 1


def parse_pattern(text: str) -> Pattern | None:
    """Read one pattern of a list.

    Args:
        text: for example `!docs/**/*.md`.

    Returns:
        None for an empty one, and for the root of the file system, in which there is nothing of that name.

    Raises:
        UserError: the pattern cannot be read.
    """
    text = text.strip()
    if not text:
        return None
    exception = text.startswith("!")
    text = text[1:].strip() if exception else text
    if not text:
        raise UserError("illegal exclusion pattern: `!`", hint="write the path that is to be kept after the `!`")
    pattern = Pattern(text=posixpath.normpath(text), exception=exception)
    if not pattern.text.strip("/"):
        return None
    try:
        re.compile(pattern.regex, re.DOTALL)
    except re.error as error:
        raise _bad(text) from error
    return pattern


def rebase(pattern: Pattern, base: str) -> Pattern | None:
    """The pattern relative to `base` when it stays below it, None when it is absolute or climbs out.

    Args:
        pattern: as it was read; an absolute path in it is taken as such, as Tilt does.
        base: absolute directory.
    """
    quoted = _SPECIAL.sub(r"\\\g<0>", base)
    text = posixpath.normpath(posixpath.join(quoted or "/", pattern.text))
    if text == quoted:
        return Pattern(text="**", exception=pattern.exception)
    if not text.startswith(f"{quoted}/"):
        return None
    return Pattern(text=text[len(quoted) + 1 :] or "**", exception=pattern.exception)


def absolute(pattern: Pattern, base: str) -> Pattern:
    """The pattern relative to the root of the file system."""
    quoted = _SPECIAL.sub(r"\\\g<0>", base)
    text = posixpath.normpath(posixpath.join(quoted or "/", pattern.text)).lstrip("/")
    return Pattern(text=text or "**", exception=pattern.exception)


def _translate(text: str) -> str:
    source = []
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() != end:
            break
        source.append(_translate_token(token, last=token.end() == len(text)))
        end = token.end()
    if end != len(text):
        raise _bad(text)
    return "".join(source)


def _translate_token(token: re.Match[str], *, last: bool) -> str:
    doubled, star, any_character, negation, members, escaped, plain = token.groups()
    if doubled:
        return ".*" if last else "(?:.*/)?"
    if star:
        return "[^/]*"
    if any_character:
        return "[^/]"
    if members:
        items = (re.escape(quoted) if quoted else _member(char) for quoted, char in _CLASS_ITEM.findall(members))
        return f"[{negation}{''.join(items)}]"
    return re.escape(escaped or plain)


def _member(char: str) -> str:
    return char if char == "-" else re.escape(char)


def _bad(text: str) -> UserError:
    return UserError(
        f"syntax error in pattern `{text}`",
        hint="a `[` needs its `]`, and a backslash something to escape",
    )
