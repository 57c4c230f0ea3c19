"""Processes of this machine: a request is run, its output is passed on as it comes, its outcome is returned.

Every process leads a session of its own, so that it is stopped with all that it started; and none outlives this
program, however that ends. Not here: what the commands mean, or shells: a request names program and words.
"""

from pytilt.host.processes.contract import ProcessOutcome, ProcessRequest, Runner, RunningProcess
from pytilt.host.processes.piping import PipedProcess, piped
from pytilt.host.processes.runner import HostRunner

__all__ = ["HostRunner", "PipedProcess", "ProcessOutcome", "ProcessRequest", "Runner", "RunningProcess", "piped"]
