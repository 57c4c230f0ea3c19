#!/usr/bin/env python3
"""Evaluate Tiltfiles and YAML that nobody would write, for as long as one likes.

    fuzz_tiltfiles.py [--minutes 20]

No evaluation may end in an error of Python's, or not at all. What does is printed, with the smallest project that shows
it; the exit code is then 1. `tests.tiltfile.test_evaluation_of_spoiled_files.py` does the same for a few seconds.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.tiltfile.fuzzing import check_project, projects  # noqa: E402 - found in the folder above
from tests.tiltfile.test_evaluation_of_spoiled_files import FUNCTIONS  # noqa: E402 - found in the folder above


def main() -> int:
    """Run rounds of examples until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    rounds = 0
    with tempfile.TemporaryDirectory() as folder:

        @settings(max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(projects(FUNCTIONS))
        def one_round(files: dict[str, str]) -> None:
            if time.monotonic() < end:
                check_project(Path(folder) / "project", files)

        while time.monotonic() < end:
            one_round()
            rounds += 1
    print(f"{rounds} rounds of 2000 projects, nothing found")
    return 0


if __name__ == "__main__":
    sys.exit(main())
