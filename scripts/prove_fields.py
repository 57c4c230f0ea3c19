#!/usr/bin/env python3
"""Drop every field that docs/engine.md calls "works", one after the other: the tests that prove it must fail.

    scripts/prove_fields.py                      all proofs, on Docker and Podman and in memory
    scripts/prove_fields.py -k docker            those on Docker
    scripts/prove_fields.py -m 'not engine'      those in memory, in seconds
    scripts/prove_fields.py --sample 6 -m engine six of those on engines, with one field each, as CI does

What follows goes to pytest. Ends with 1 when a proof holds although its field is ignored.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import pytest  # noqa: E402 - the tree comes first on the path
from _pytest.runner import runtestprotocol  # noqa: E402 - pytest has no public way to run a test again

from tests.engines.mutation import Field, ignoring  # noqa: E402 - the tree comes first on the path


class Mutation:
    """Runs every proof as it is, and once for each field without that field.

    Args:
        sample: run so many proofs, evenly spread, with one field each; 0: all.
    """

    def __init__(self, sample: int = 0) -> None:
        self._sample = sample
        self.red: dict[Field, list[str]] = defaultdict(list)
        self.green: dict[Field, list[str]] = defaultdict(list)
        self.broken: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the proofs alone."""
        proofs = [item for item in items if item.get_closest_marker("proves")]
        if self._sample:
            proofs = proofs[:: max(1, len(proofs) // self._sample)][: self._sample]
        config.hook.pytest_deselected(items=[item for item in items if item not in proofs])
        items[:] = proofs

    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool:
        """Run one proof as it is, and once for each of its fields."""
        fields = [Field(kind=mark.args[0], path=path) for mark in item.iter_markers("proves") for path in mark.args[1:]]
        fields = fields[:1] if self._sample else fields
        # Twice: what fails only when it is run again would seem to prove everything.
        if self._failed(item) or self._failed(item):
            self.broken.append(item.nodeid)
            fields = []
        for field in fields:
            with ignoring(field):
                red = self._failed(item)
            (self.red if red else self.green)[field].append(item.nodeid)
            print(f"{'red  ' if red else 'GREEN'} {field}  {item.nodeid}", flush=True)
        item.session._setupstate.teardown_exact(nextitem)  # noqa: SLF001 - what runs a test again has to end it too
        return True

    def _failed(self, item: pytest.Item) -> bool:
        again: Any = item
        if hasattr(again, "_request"):
            again._initrequest()  # noqa: SLF001 - as plug-ins do that run tests again
        reports = runtestprotocol(item, log=False, nextitem=item.parent)  # type: ignore[arg-type] # what is set up above it stays
        return any(report.failed for report in reports)


def main(words: list[str]) -> int:
    """Run the proofs; 1 when one of them proves nothing."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--sample", type=int, default=0)
    options, rest = parser.parse_known_args(words)
    mutation = Mutation(options.sample)
    proofs = str(ROOT / "tests" / "engines")
    outcome = pytest.main(["-q", "--no-summary", "-p", "no:cacheprovider", proofs, *rest], [mutation])
    if outcome not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not (mutation.red or mutation.green):
        print("no proof was run")
        return 1
    said = [f"fails as it is: {proof}" for proof in mutation.broken]
    for field, proofs in mutation.green.items():
        said += [f"does not prove {field}: {proof}" for proof in proofs]
    print("\n".join([*said, f"{len(mutation.red)} fields are proven, {len(said)} proofs are not"]))
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
