"""The program that scans a log for a pattern, and the pattern.

A process of its own, as a regular expression may take years over a line and nothing can interrupt it. To start at once
it imports nothing but the standard library, and of that little. Each request on its standard input, a socket, is a
length in four bytes and a tuple in the form of `marshal`: the pattern, pieces of the log, whether to begin at their
end, and how many matching lines are enough. The answers go back the same way, in order. What takes too long is ended
by the kernel's SIGPROF.
"""

import marshal
import os
import re
import resource
import signal
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

from pytilt.store.literals import required

CHUNK_BYTES = 256 * 1024
"""So much is scanned at once: it stays in the processor's cache."""

CHUNK_SECONDS = 1.0
"""A chunk may take so long, and a second more for each 16 MiB of it. Nearly all take less than a millisecond."""

SLOW_BYTES = 16 * 1024**2

MEMORY_BYTES = 1024**3
"""So much address space the process may have: a line of a hundred megabytes takes a third of it."""

SAMPLE_BYTES = 8 * 1024
"""So much of what is scanned says how often words are in it."""

DENSE_BYTES = 200
"""Where a word comes as often as this, to look at each line that has it takes longer than to search without it."""

RARE_BYTES = 1000
"""A letter that is no more frequent than once in so many is rare."""

LENGTH_BYTES = 4

FilePiece = tuple[str, int, int, int, int]
"""Path, device and inode of a file, and the positions in it where a piece begins and ends."""

Piece = bytes | FilePiece

Request = tuple[str, tuple[Piece, ...], bool, int]
"""Pattern, pieces of which each begins where the one before ends, whether to begin at the end, how many are enough."""

Answer = tuple[str, bytes, int, int]
"""A `LINES`, the begins of lines, and from where to where was scanned; or what is wrong with the request."""

Finder = Callable[[int], int]
"""What finds, from a place on, the first place where something is; -1: there is none."""

Limit = Callable[[int], None]
"""Called before so many bytes are scanned."""

LINES = "lines"
TOO_LARGE = "too large"
"""The answer where it takes too much memory."""
STALE = "stale"
"""The answer where a file is not the one that was meant any more."""
REFUSED = "refused: "
"""Before what is wrong with a pattern."""

_FOLDED = tuple(letter.encode() for letter in "\u0130\u0131\u017f\u212a")
"""Characters that are the same as an ASCII letter where capitals do not matter: two of i, one of s, one of k."""


class StaleError(Exception):
    """A file is not the one that was meant, or shorter."""


class LinePattern:
    """A regular expression that is looked for in single lines; `(?i)` makes capitals and small letters the same.

    Args:
        text: as it was given.

    Raises:
        ValueError: it is no regular expression.
    """

    def __init__(self, text: str) -> None:
        try:
            self._compiled = re.compile(text, re.MULTILINE)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(str(error)) from error
        self._ignoring_case = bool(self._compiled.flags & re.IGNORECASE)
        self._literals = required(text, self._compiled.flags)
        self._words: tuple[bytes, ...] = ()
        """One of them is in each line that has the pattern; none: nobody knows, or they are everywhere."""
        self._rare: int | None = None
        """Which letter of the only word is rare; none: none is, or there are several words."""

    def tune(self, sample: bytes) -> None:
        """Choose what to look for first by what is rare in a sample of the log."""
        if self._ignoring_case:
            sample = sample.lower()
        self._choose(sample)
        self._rare = None
        if len(self._words) == 1:
            (word,) = self._words
            counts = {letter: sample.count(letter) for letter in set(word)}
            letter = min(counts, key=counts.__getitem__)
            if counts[letter] * RARE_BYTES <= len(sample):
                self._rare = word.index(letter)

    def _choose(self, sample: bytes) -> None:
        best: tuple[bytes, ...] = ()
        fewest = len(sample) + 1 if self._literals.bare else len(sample) // DENSE_BYTES + 1
        for words in self._literals.choices:
            encoded = tuple(word.encode(errors="surrogatepass") for word in words)
            count = sum(map(sample.count, encoded))
            if count < fewest or (count == fewest and best and min(map(len, encoded)) > min(map(len, best))):
                best, fewest = encoded, count
        self._words = best

    def lines(self, data: bytes) -> list[int]:
        """Where lines begin that have it.

        Args:
            data: lines, each with its newline.
        """
        plain = data.isascii()
        if self._words and not (self._ignoring_case and not plain and any(each in data for each in _FOLDED)):
            return self._by_words(data)
        if plain and self._literals.one_line:
            return self._as_a_whole(data)
        return self._one_by_one(data)

    def _by_words(self, data: bytes) -> list[int]:
        found, search = [], self._compiled.search
        bare = self._literals.bare
        find = self._finder(data)
        place = find(0)
        while place >= 0:
            begin, end = data.rfind(b"\n", 0, place) + 1, data.index(b"\n", place)
            if bare or search(data[begin:end].decode(errors="replace")):
                found.append(begin)
            place = find(end + 1)
        return found

    def _finder(self, data: bytes) -> Finder:
        if self._rare is not None:
            (word,) = self._words
            return _finder_by_letter(data, word, self._rare, ignoring_case=self._ignoring_case)
        return _finder(data.lower() if self._ignoring_case else data, self._words)

    def _as_a_whole(self, data: bytes) -> list[int]:
        found, search = [], self._compiled.search
        text = data.decode("ascii")
        match = search(text, 0)
        while match and match.start() < len(text):
            place = match.start()
            found.append(text.rfind("\n", 0, place) + 1)
            match = search(text, text.index("\n", place) + 1)
        return found

    def _one_by_one(self, data: bytes) -> list[int]:
        found, search, begin = [], self._compiled.search, 0
        for line in data.split(b"\n")[:-1]:
            if search(line.decode(errors="replace")):
                found.append(begin)
            begin += len(line) + 1
        return found


def _finder(data: bytes, words: Sequence[bytes]) -> Finder:
    """Finds the next one of some words."""
    if len(words) == 1:
        return partial(data.find, words[0])
    places = dict.fromkeys(words, 0)

    def find(start: int) -> int:
        for word, place in places.items():
            if 0 <= place <= start:
                places[word] = data.find(word, start)
        return min((place for place in places.values() if place >= 0), default=-1)

    return find


def _finder_by_letter(data: bytes, word: bytes, at: int, *, ignoring_case: bool) -> Finder:
    """Finds a word by a letter of it that is rare: the processor looks for one letter ten times as fast as for a word.

    Args:
        data: is searched.
        word: in small letters, where capitals do not matter.
        at: which letter is rare.
        ignoring_case: do capitals not matter?
    """
    letter = word[at : at + 1]
    next_letter = _finder(data, (letter, letter.upper()) if ignoring_case and letter.upper() != letter else (letter,))

    def find(start: int) -> int:
        place = next_letter(start + at)
        while place >= 0:
            begin = place - at
            found = data[begin : begin + len(word)]
            if found == word or (ignoring_case and found.lower() == word):
                return begin
            place = next_letter(place + 1)
        return -1

    return find


class PieceReader:
    """Consecutive bytes of a log, which are read when they are needed; to be closed.

    Args:
        pieces: each begins where the one before ends.
    """

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._files: dict[str, int] = {}
        self.size = sum(len(each) if isinstance(each, bytes) else each[4] - each[3] for each in pieces)

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def read(self, first: int, last: int) -> bytes:
        """The bytes between two positions.

        Raises:
            StaleError: a file is not the one that was meant, or shorter.
        """
        found, begin = [], 0
        for piece in self._pieces:
            size = len(piece) if isinstance(piece, bytes) else piece[4] - piece[3]
            start, stop = max(first - begin, 0), min(last - begin, size)
            if start < stop:
                found.append(piece[start:stop] if isinstance(piece, bytes) else self._from_file(piece, start, stop))
            begin += size
        return found[0] if len(found) == 1 else b"".join(found)

    def _from_file(self, piece: FilePiece, start: int, stop: int) -> bytes:
        path, device, inode, begin, _ = piece
        try:
            file = self._files.get(path)
            if file is None:
                file = self._files[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                state = os.fstat(file)
                if (state.st_dev, state.st_ino) != (device, inode):
                    raise StaleError
            data = os.pread(file, stop - start, begin + start)
        except OSError as error:
            raise StaleError from error
        if len(data) < stop - start:
            raise StaleError
        return data


def chunks(pieces: PieceReader, *, backward: bool) -> Iterator[tuple[int, bytes]]:
    """Whole lines, and where they begin, some at a time; they end with a newline."""
    begin, end = 0, pieces.size
    while begin < end:
        size = CHUNK_BYTES
        while True:
            first, last = (max(begin, end - size), end) if backward else (begin, min(end, begin + size))
            data = pieces.read(first, last)
            if backward:
                cut = 0 if first == begin else data.find(b"\n") + 1
                if cut < len(data):
                    end, data = first + cut, data[cut:]
                    yield end, data
                    break
            else:
                cut = len(data) if last == end else data.rfind(b"\n") + 1
                if cut:
                    begin, data = first + cut, data[:cut]
                    yield first, data
                    break
            size *= 2  # a long line


def scan(
    pattern: LinePattern, pieces: PieceReader, *, backward: bool, enough: int, limit: Limit
) -> "tuple[array[int], int, int]":
    """Scan pieces of a log until there are enough lines.

    Args:
        pattern: what is looked for.
        pieces: of the log.
        backward: begin at the end?
        enough: so many lines are.
        limit: called before each chunk, with its size.

    Returns:
        Where lines begin that have the pattern, in order, and from where to where was scanned.
    """
    sample = pieces.read(0, min(SAMPLE_BYTES, pieces.size))
    pattern.tune(sample)
    found: list[list[int]] = []
    first, last, count = (pieces.size, pieces.size, 0) if backward else (0, 0, 0)
    for begin, data in chunks(pieces, backward=backward):
        limit(len(data))
        lines = pattern.lines(data)
        found.append([begin + each for each in lines])
        count += len(lines)
        first, last = (begin, last) if backward else (first, begin + len(data))
        if count >= enough:
            break
    if backward:
        found.reverse()
    return array("Q", [each for some in found for each in some]), first, last


def no_limit(_: int) -> None:
    """Let it take as long as it takes."""


def answer(request: Request, limit: Limit = no_limit) -> Answer:
    """Do what was asked for.

    Args:
        request: what was.
        limit: called before each step, with the number of bytes that it is about.
    """
    text, pieces, backward, enough = request
    try:
        pattern = _pattern(text)
    except ValueError as problem:
        return f"{REFUSED}{problem}", b"", 0, 0
    reader = PieceReader(pieces)
    try:
        found, first, last = scan(pattern, reader, backward=backward, enough=enough, limit=limit)
    except StaleError:
        return STALE, b"", 0, 0
    except MemoryError:
        return TOO_LARGE, b"", 0, 0
    finally:
        reader.close()
    return LINES, found.tobytes(), first, last


@lru_cache(maxsize=16)
def _pattern(text: str) -> LinePattern:
    return LinePattern(text)


def main() -> None:
    """Answer requests until there are no more."""
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    _limit_memory()
    while length := _received(LENGTH_BYTES):
        request = marshal.loads(_received(int.from_bytes(length, "little")))
        _limit(0)
        rest = memoryview(framed(answer(request, _limit)))
        signal.setitimer(signal.ITIMER_PROF, 0)
        while rest:
            rest = rest[os.write(0, rest) :]


def _limit_memory() -> None:
    """A regular expression may keep its place in a long line a hundred million times."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY or hard > MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, hard))


def _limit(size: int) -> None:
    signal.setitimer(signal.ITIMER_PROF, CHUNK_SECONDS * (1 + size / SLOW_BYTES))


def framed(message: Request | Answer) -> bytes:
    """A request or an answer as it is sent."""
    data = marshal.dumps(message)
    return len(data).to_bytes(LENGTH_BYTES, "little") + data


def _received(size: int) -> bytes:
    """So many bytes; none where the session closed the socket or is gone."""
    parts = []
    while size:
        part = os.read(0, size)
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
