import os
import subprocess
import sys
from pathlib import Path

from tests.end_to_end.sessions import TILT

ROOT = Path(__file__).parents[2]


def test_the_script_that_measures_takes_the_relative_path_of_a_tool(tilt_alone):
    tool = os.path.relpath(TILT, ROOT)
    assert not tool.startswith("/")
    done = subprocess.run(
        [sys.executable, "bench/measure.py", "many", "-n", "2", "--tool", f"here={tool}"],
        cwd=ROOT,
        env=tilt_alone().environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("here exit=0 wall_s=")
