"""Paths with wildcards: where they are allowed, and what is watched for them."""

import os
import posixpath
from collections.abc import Sequence

from pytilt.model.base import Value
from pytilt.model.files import Ignore
from pytilt.model.regex import regex
from pytilt.tiltfile.arguments.conversions import checked_patterns

_WILDCARD = regex(r"[*?\[]")
_SPECIAL = regex(r"[*?\[\]\\]")


class Watched(Value):
    """What to watch for paths of which some have wildcards."""

    paths: tuple[str, ...]
    """Without wildcards: files and directories."""
    ignores: tuple[Ignore, ...] = ()
    """What of the directories matches no wildcard."""


def is_glob(path: str) -> bool:
    """Has a path wildcards? One that is there is taken for what it is, as `pages/[id].tsx`."""
    return bool(_WILDCARD.search(path)) and not os.path.lexists(path)


def watched(deps: Sequence[str], function: str) -> Watched:
    """What to watch for dependencies.

    Args:
        deps: absolute; `*`, `?`, `[…]` and `**` mean what they mean in `.dockerignore`.
        function: for messages.

    Raises:
        UserError: a path with wildcards cannot be read.
    """
    plain = [path for path in deps if not is_glob(path)]
    globs = [path for path in deps if is_glob(path) and not any(_contains(each, base_of(path)) for each in plain)]
    checked_patterns(globs, f"{function}: deps")
    if not globs:
        return Watched(paths=tuple(plain) if len(plain) < len(deps) else tuple(deps))
    bases = tuple(dict.fromkeys(map(base_of, globs)))
    root = posixpath.commonpath(bases)
    wanted = [_relative(path, root) for path in globs]
    wanted += [_literal(_relative(path, root)) for path in (*globs, *plain) if _contains(root, path)]
    ignore = Ignore(base=root, patterns=("**", *(f"!{pattern}" for pattern in dict.fromkeys(wanted))))
    return Watched(paths=(*plain, *bases), ignores=(ignore,))


def base_of(path: str) -> str:
    """Of a path with wildcards: the directory above the first part with a wildcard."""
    found = _WILDCARD.search(path)
    return posixpath.dirname(path[: found.start()]) if found else path


def _contains(directory: str, path: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _relative(path: str, root: str) -> str:
    return posixpath.relpath(path, root)


def _literal(path: str) -> str:
    """A pattern that matches just this path."""
    return _SPECIAL.sub(r"\\\g<0>", path)
