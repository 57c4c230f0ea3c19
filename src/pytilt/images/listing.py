"""What a build context consists of, and which rule leaves out the rest."""

import os
import stat
from collections.abc import Iterator, Sequence

from pytilt.errors import UserError
from pytilt.host.ignoring import compile_ignores
from pytilt.model.base import Value
from pytilt.model.files import Ignore


class ContextFile(Value):
    """A file or directory of a context."""

    name: str
    """Relative to the context; a directory ends with `/`."""
    ignored_by: Ignore | None = None
    """The first rule that leaves it out; None: it is sent."""


def list_context(root: str, ignores: Sequence[Ignore]) -> Iterator[ContextFile]:
    """Every file of a directory, in the order in which they are sent; of a directory that is left out, that alone.

    Args:
        root: absolute directory.
        ignores: what is left out.

    Raises:
        UserError: a directory cannot be read.
    """
    together = compile_ignores(ignores)
    each = [(ignore, compile_ignores([ignore])) for ignore in ignores]

    def visit(path: str, name: str) -> Iterator[ContextFile]:
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(f"cannot read the build context: {error.strerror or error}", where=path) from error
        for entry in entries:
            inner = f"{name}{entry.name}"
            is_directory = stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode)
            shown = f"{inner}/" if is_directory else inner
            if together.matches(entry.path):
                rule = next((ignore for ignore, matcher in each if matcher.matches(entry.path)), None)
                yield ContextFile(name=shown, ignored_by=rule)
                if is_directory and not together.may_skip_dir(entry.path):
                    yield from visit(entry.path, shown)  # an exception may bring back something in it
                continue
            yield ContextFile(name=shown)
            if is_directory:
                yield from visit(entry.path, shown)

    return visit(root, "")
