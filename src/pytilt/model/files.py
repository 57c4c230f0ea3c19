"""Which files matter: watched paths and ignore rules."""

from pytilt.model.base import Value


class Ignore(Value):
    """Paths that do not matter, in the pattern language of `.dockerignore`."""

    base: str
    """Absolute directory to which the patterns are relative."""
    patterns: tuple[str, ...] = ()
    """`**`, `!` exceptions in order; a directory pattern covers its content. Empty: everything below `base`."""


class FileRule(Value):
    """A set of watched files: everything at or below `paths` that no ignore covers."""

    paths: tuple[str, ...] = ()
    """Absolute files or directories (watched recursively). What does not exist yet is watched too."""
    ignores: tuple[Ignore, ...] = ()
    follow: tuple[str, ...] = ()
    """Absolute directories below which symbolic links are followed: what changes behind them has changed there."""
