#!/usr/bin/env python3
"""Try a tool where it hurts, from outside; see `measure.py` for `--tool`. The exit code is 1 where something is wrong.

    faults.py WORKLOAD [-n N] [--only PART] [--tool 'NAME=COMMAND' ...]

Workloads (all need the test cluster; parts of `races` and `kill9` that need no cluster can be run alone):
    races      edit, then ask at once: N times each of `local`, `live`, `rebuild`, and N / 5 times `pods`, where the pod
               is deleted right after a sync; counts green answers that were not true      (default N 100)
    kill9      `kill -9` of the session in every phase; counts processes that are left after 2 s, and whether the next
               `up` comes up
    apiserver  the API server is stopped, stalled, slow, cut off; pods are killed during updates; counts green answers
               that were not true, and log lines that are missing. A proxy of its own is what fails, not the cluster
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from bench import kills, outages, races
from bench.tools import Figures, Part, Tool, show

WORKLOADS: dict[str, dict[str, Part]] = {"races": races.PARTS, "kill9": kills.PARTS, "apiserver": outages.PARTS}
WRONG = ("stale_greens", "survivors", "failed_restarts", "missing_lines", "unhealed")
"""The figures that have to be 0."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("-n", type=int, default=100, help="how often; default 100")
    parser.add_argument("--only", metavar="PART", action="append", help="some parts of a workload only")
    parser.add_argument("--tool", action="append", type=Tool, metavar="NAME=COMMAND")
    args = parser.parse_args()
    wrong = 0
    for tool in args.tool or [Tool("tilt=tilt")]:
        for name, part in WORKLOADS[args.workload].items():
            if args.only and name not in args.only:
                continue
            with tempfile.TemporaryDirectory() as place:
                figures: Figures = part(tool, Path(place), args.n)
            print(f"{args.workload} {name}:", end=" ")
            show(tool, figures)
            wrong += sum(int(figures.get(each, 0)) for each in WRONG)
    sys.stdout.flush()
    os._exit(int(bool(wrong)))  # threads that wait for a proxy's connections need not end


if __name__ == "__main__":
    main()
