"""Files of the disk that open documents load, each read and parsed again only when it has changed."""

import os
from collections import OrderedDict
from urllib.parse import quote

from pytilt.host.reading import read_file
from pytilt.lsp.assistance import LoadedFile
from pytilt.lsp.documents import OpenText
from pytilt.lsp.outlines import Outline, outline

LARGEST_BYTES = 2 * 1024 * 1024
"""Nobody writes a longer Tiltfile; one that is generated would take too long to read while somebody writes."""

MOST = 256
"""So many files are remembered, those that were asked for last."""

Stamp = tuple[int, int, int]


class LoadedFiles:
    """Remembers files and what they define."""

    def __init__(self) -> None:
        self._files: OrderedDict[str, tuple[Stamp, LoadedFile]] = OrderedDict()

    def get(self, path: str) -> LoadedFile | None:
        """The file of a path as it is on the disk now; None where there is none.

        A text that cannot be read, or is too long, defines what it did when it could be read last.
        """
        try:
            found = os.stat(path)  # noqa: PTH116 - the path may be none at all
        except (OSError, ValueError):
            self._files.pop(path, None)
            return None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        before = self._files.get(path)
        if before is not None and before[0] == stamp:
            self._files.move_to_end(path)
            return before[1]
        made = _read(path, before[1].outline if before is not None else Outline(), found.st_size)
        if made is not None:
            self._files[path] = stamp, made
            if len(self._files) > MOST:
                self._files.popitem(last=False)
        return made


def _read(path: str, before: Outline, size: int) -> LoadedFile | None:
    try:
        text = read_file(path).decode(errors="replace") if size <= LARGEST_BYTES else ""
    except OSError:
        return None
    document = OpenText(f"file://{quote(path)}", text)
    defined = outline(path, document.text) if text else None
    return LoadedFile(document=document, outline=defined or (Outline() if size == 0 else before))
