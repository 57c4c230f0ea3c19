"""Writes `src/pytilt/tiltfile/tiltfile.pyi` from the functions of the Tiltfile: `python scripts/tiltfile_stubs.py`."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pytilt.tiltfile.stubs import stubs  # noqa: E402 - the line above is for the next import
from tests.tiltfile.test_universe import everything  # noqa: E402 - found in the folder above

if __name__ == "__main__":
    (ROOT / "src" / "pytilt" / "tiltfile" / "tiltfile.pyi").write_text(stubs(everything()))
