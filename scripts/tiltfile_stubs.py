#!/usr/bin/env python3
"""Writes `src/pytilt/tiltfile/tiltfile.pyi` from the functions of the Tiltfile: `python scripts/tiltfile_stubs.py`."""

from pathlib import Path

from pytilt.tiltfile.stubs import stubs
from pytilt.tiltfile.universe import known_names

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    (ROOT / "src" / "pytilt" / "tiltfile" / "tiltfile.pyi").write_text(stubs(known_names()))
