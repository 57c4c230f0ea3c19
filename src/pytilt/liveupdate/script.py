"""The shell program that carries out updates in a container, and the lines that it is sent.

It reads a line, does what the line says and waits for the next. It needs `sh`, `head`, `tar` and `rm`, as in busybox or
Debian with dash. What is sent for one update is a line of shell and then, last, the bytes of an archive; the next line
is sent only after the acknowledgement. So it does not matter that some `head` read more than they pass on.

What is in the way of the archive goes first, since tars do not agree on it: what is no directory where one comes
(GNU's would replace a link to a directory, busybox's would unpack into where it leads), then, after the deletions,
directories where something else comes. Links go before the deletions, so that no deletion follows one.

Every line begins with a secret word, so that bytes of a file can never be taken for a line. Whenever unpacking fails
the program ends, since then it is not known how much of the archive is still to come.
"""

import itertools
import operator
import posixpath
import shlex
from collections.abc import Sequence

from pytilt.liveupdate.archive import Archive
from pytilt.model.images import Run

_RM_CHUNK = 500
"""Paths per `rm`: of 200 bytes each they stay below the 128 KiB that even old systems pass to a command."""

_PROGRAM = r"""
m=$(printf '\036')$1
n='
'
for t in head tar rm; do
  command -v "$t" >/dev/null 2>&1 || { printf '%s missing %s\n' "$m" "$t"; exit 127; }
done
clear_links() {
  d=$1; shift
  for f; do
    p=$d/$f
    if [ -L "$p" ] || { [ -e "$p" ] && [ ! -d "$p" ]; }; then rm -f -- "$p" </dev/null || return; fi
  done
}
clear_trees() {
  d=$1; shift
  for f; do
    p=$d/$f
    if [ -d "$p" ] && [ ! -L "$p" ]; then rm -rf -- "$p" </dev/null || return; fi
  done
}
printf '%s ready\n' "$m"
while IFS= read -r l; do
  case $l in
    "$1 "*) eval "${l#"$1 "}" ;;
    *) exit 97 ;;
  esac
done
"""


class Marks:
    """The words that a stream and its program in the container know each other by.

    Args:
        secret: nobody else knows it; letters and digits only.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.mark = b"\x1e" + secret.encode()
        """Begins what the program says of itself; everything else is output of the user's commands."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that starts the program."""
        return ("sh", "-c", _PROGRAM.strip(), "tilt-live-update", self._secret)

    def line(self, archive: Archive, deletions: Sequence[str], runs: Sequence[Run], root: str) -> bytes:
        """One update.

        Args:
            archive: its bytes follow the line, if it has any.
            deletions: absolute paths.
            runs: commands, in order; after one that fails no other is run.
            root: the directory that stands for the root of the container.
        """
        steps = [
            # The first command that fails leaves its status in `s`, and those after it are skipped.
            "s=0",
            *self._clearing("clear_links", archive.directories, root),
            *self._deletions(deletions, root),
            *self._clearing("clear_trees", archive.others, root),
            *self._unpacking(len(archive.data), root),
            *(self._run(number, run) for number, run in enumerate(runs, 1)),
            self._say("done $s"),
        ]
        # Errors go the way of the output, so that nothing said before the last word can arrive after it.
        return f"{self._secret} {{ {'; '.join(steps)}; }} 2>&1\n".encode(errors="surrogateescape")

    def _deletions(self, deletions: Sequence[str], root: str) -> list[str]:
        chunks = [deletions[start : start + _RM_CHUNK] for start in range(0, len(deletions), _RM_CHUNK)]
        return [
            f"rm -rf -- {' '.join(quoted(_below(root, path)) for path in chunk)} </dev/null || {self._failure('rm')}"
            for chunk in chunks
        ]

    def _clearing(self, function: str, paths: Sequence[str], root: str) -> list[str]:
        """Calls of a function of the program, each for neighbours in one directory, whose name is written once."""
        split = (posixpath.split(path) for path in paths if path != "/")
        return [
            f"{function} {quoted(_below(root, directory.rstrip('/')))} {' '.join(quoted(name) for _, name in group)}"
            f" || {self._failure('rm')}"
            for directory, group in itertools.groupby(split, key=operator.itemgetter(0))
        ]

    def _unpacking(self, size: int, root: str) -> list[str]:
        if not size:
            return []
        return [f"head -c {size} | tar -C {quoted(root)} -x -f - || {self._failure('tar')}"]

    def _failure(self, tool: str) -> str:
        return f"{{ s=$?; {self._say(f'failed {tool} $s')}; exit 1; }}"

    def _run(self, number: int, run: Run) -> str:
        command = " ".join(quoted(word) for word in run.argv)
        # `exec` in a subshell: the command is a program, never a word of the shell itself.
        return f'[ "$s" -ne 0 ] || {{ {self._say(f"run {number}")}; (exec {command}) </dev/null || s=$?; }}'

    def _say(self, words: str) -> str:
        return f'printf \'%s %s\\n\' "$m" "{words}"'


def quoted(text: str) -> str:
    """A word for the shell on one line: newlines become the variable `n`, which holds one."""
    return '"$n"'.join(shlex.quote(part) for part in text.split("\n"))


def _below(root: str, path: str) -> str:
    return path if root == "/" else f"{root}{path}"
