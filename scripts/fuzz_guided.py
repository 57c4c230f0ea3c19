#!/usr/bin/env python3
"""Fuzz Tiltfiles and YAML guided by coverage, with atheris (libFuzzer).

    pip install atheris
    fuzz_guided.py [--minutes 60] [--found FOLDER] [--corpus FOLDER] [--samples FOLDER ...]

Even first bytes make a project out of the following text: it stands for one of the files of a good project, which of
them says the byte. Odd ones drive the generators of `fuzz_tiltfiles.py`. No evaluation may end in an error of Python's,
not at all, or with 2 GiB of memory. What does is kept in `--found`, one input and one traceback for each place, and the
fuzzing goes on; the exit code is then 1.

The corpus begins with the mistakes of `tests/tiltfile`, the good projects, and the Tiltfiles below `--samples`.
"""

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

_MEMORY = 2 << 30
_LONGEST_SAMPLE = 8_000
"""Longer ones cannot be mutated at any speed."""
_HANG_SECONDS = 60
"""An input that takes so long, whatever it does, ends a run; `check_project` reports one that only computes before."""


def main() -> int:
    """Fuzz until the time is over; a run that the interpreter did not survive is followed by another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--found", default="found")
    parser.add_argument("--corpus", default="corpus")
    parser.add_argument("--samples", nargs="*", default=[])
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    found, corpus = Path(options.found).absolute(), Path(options.corpus).absolute()
    if options.run:
        _run(found, corpus, round(options.minutes * 60))
        return 0
    found.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    for text in _seeds([Path(folder) for folder in options.samples]):
        (corpus / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)
    end = time.monotonic() + 60 * options.minutes
    while (left := end - time.monotonic()) > 1:
        words = [sys.executable, __file__, "--run", f"--minutes={left / 60}", f"--found={found}", f"--corpus={corpus}"]
        subprocess.run(words, cwd=found, check=False)
    kept = sorted(path.name for path in found.iterdir())
    print(f"{len(list(corpus.iterdir()))} inputs in the corpus; found: {', '.join(kept) or 'nothing'}")
    return 1 if kept else 0


def _seeds(samples: list[Path]) -> Iterator[bytes]:
    """The first inputs of the corpus."""
    from tests.tiltfile.fuzzing import GOOD_FILES, GOOD_TILTFILES

    names = ["Tiltfile", *sorted(GOOD_FILES)]
    for name, text in GOOD_FILES.items():
        yield bytes([2 * names.index(name)]) + text.encode()
    mistakes = (ROOT / "tests/tiltfile/assembling/mistakes.txt").read_text()
    tiltfiles = [*GOOD_TILTFILES, *(each.partition("\n-----\n")[0] for each in mistakes.split("\n=====\n"))]
    tiltfiles += [
        path.read_text(errors="replace")
        for folder in samples
        for path in sorted(folder.rglob("*Tiltfile*"))
        if path.is_file()
    ]
    for text in tiltfiles:
        if len(text) <= _LONGEST_SAMPLE:
            yield b"\0" + text.encode()
    for folder in samples:
        for path in sorted(folder.rglob("*.yaml")):
            if path.stat().st_size <= _LONGEST_SAMPLE:
                yield bytes([2 * names.index("a.yaml")]) + path.read_bytes()


def _run(found: Path, corpus: Path, seconds: int) -> None:
    """Fuzz in this process; libFuzzer ends it."""
    import atheris

    with atheris.instrument_imports(include=["pytilt"], enable_loader_override=False):
        from hypothesis import HealthCheck, given, settings

        from tests.tiltfile.fuzzing import GOOD_FILES, GOOD_TILTFILES, check_project, projects
        from tests.tiltfile.test_evaluation_of_spoiled_files import FUNCTIONS

    names = ["Tiltfile", *sorted(GOOD_FILES)]
    resource.setrlimit(resource.RLIMIT_AS, (2 * _MEMORY, 2 * _MEMORY))
    folder = tempfile.mkdtemp(prefix="fuzz-")

    def check(files: dict[str, str], data: bytes) -> None:
        try:
            check_project(Path(folder) / "project", files)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
            _keep(found, data, files, error)

    @settings(max_examples=1, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(projects(FUNCTIONS))
    def generated(files: dict[str, str]) -> None:
        check(files, repr(files).encode(errors="surrogatepass"))

    def one_input(data: bytes) -> None:
        if not data:
            return
        if data[0] % 2:
            generated.hypothesis.fuzz_one_input(data[1:])
            return
        name = names[data[0] // 2 % len(names)]
        text = data[1:].decode(errors="surrogateescape")
        check({**GOOD_FILES, "Tiltfile": GOOD_TILTFILES[data[0] // 16 % len(GOOD_TILTFILES)], name: text}, data)

    words = found.parent / "words.dict"
    words.write_text(_dictionary(FUNCTIONS))
    flags = [
        f"-max_total_time={seconds}",
        f"-timeout={_HANG_SECONDS}",
        f"-rss_limit_mb={_MEMORY >> 20}",
        f"-dict={words}",
    ]
    flags += [f"-artifact_prefix={found}/", "-max_len=8000", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *flags, str(corpus)], one_input, enable_python_coverage=True)
    atheris.Fuzz()


def _dictionary(functions: dict[str, tuple[tuple[str, bool], ...]]) -> str:
    """The words that libFuzzer puts in: functions, parameters, what YAML and the language are made of."""
    from tests.tiltfile.fuzzing import PIECES, WORDS

    texts = {*PIECES, *WORDS, *functions, *(f"{key}=" for each in functions.values() for key, _ in each)}
    encoded = sorted({text.encode(errors="surrogatepass") for text in texts if text})
    return "".join(f'"{"".join(f"{chr(92)}x{byte:02X}" for byte in each)}"\n' for each in encoded)


def _keep(found: Path, data: bytes, files: dict[str, str], error: Exception) -> None:
    """Keep an input that shows something new: an error at another place than all before."""
    frames = traceback.extract_tb(error.__traceback__)
    inside = [f"{frame.filename}:{frame.lineno}" for frame in frames if "/pytilt/" in frame.filename]
    place = hashlib.sha256(repr((type(error).__name__, inside[-3:])).encode()).hexdigest()[:12]
    if (found / f"{place}.txt").exists():
        return
    text = "".join(traceback.format_exception(error))
    shown = "\n".join(f"--- {name}\n{held!r}" for name, held in files.items())
    (found / f"{place}.txt").write_text(f"{text}\n{shown}\n", errors="backslashreplace")
    (found / f"{place}.input").write_bytes(data)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
