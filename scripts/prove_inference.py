#!/usr/bin/env python3
"""Prove inferred live updates: random Dockerfiles, random edits, and a real engine that builds before and after.

    scripts/prove_inference.py [N]

Needs root, and `DOCKER_HOST` unless the engine is at its usual place. Prints how many of the N examples were synced;
ends with the smallest example in which a synced container has other files than a built one.
"""

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, given, settings

sys.path.insert(0, str(Path(__file__).parent.parent))

from pytilt.settings import Settings
from tests.liveupdate.dockerfile_cases import Case
from tests.liveupdate.random_dockerfiles import cases, differences


def main() -> None:
    """Try as many as the command line says."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    environment = Settings.from_environment(os.environ)
    answers: list[bool] = []

    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(cases())
    def prove(case: Case) -> None:
        found = differences(case, environment)
        answers.append(found is not None)
        assert not found, f"{case.dockerfile}\n{case.edits} {case.ignore}\n" + "\n".join(found)

    prove()
    print(f"{len(answers)} examples, {sum(answers)} of them synced, none different")


if __name__ == "__main__":
    main()
