"""Reports of `tilt ci` for other programs: files of JUnit and JSON, and lines that pipelines understand."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pytilt.errors import UserError
from pytilt.loop.planning.verdict import CiResult, CiStatus, Verdict
from pytilt.model.base import Value
from pytilt.model.regex import regex
from pytilt.model.times import precise
from pytilt.views.headlines import headline

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

FORMS = ("junit", "json")

_NO_XML = regex("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""


class ReportFile(Value):
    """Where a report goes, and in which form."""

    form: str
    path: str


def report_files(texts: Sequence[str]) -> tuple[ReportFile, ...]:
    """The files that `--report FORM=FILE` names.

    Raises:
        UserError: one is no form that is known, or its directory is not there.
    """
    found = []
    for text in texts:
        form, equals, path = text.partition("=")
        if form not in FORMS or not equals or not path:
            raise UserError(f"`--report {text}` is no report", hint="`--report junit=FILE` or `--report json=FILE`")
        if not Path(path).absolute().parent.is_dir():
            raise UserError(f"`--report {text}`: the directory of the file is not there", hint="make it first")
        found.append(ReportFile(form=form, path=path))
    return tuple(found)


def write_reports(files: Sequence[ReportFile], verdict: Verdict, *, started_at: str, seconds: float) -> Iterator[str]:
    """Write reports; yields what went wrong.

    Args:
        files: where to.
        verdict: how the session has ended.
        started_at: RFC 3339: when it began.
        seconds: how long it took.
    """
    for file in files:
        text = (junit if file.form == "junit" else as_json)(verdict, started_at, seconds)
        try:
            Path(file.path).write_text(text, encoding="utf-8", errors="replace")
        except OSError as problem:
            yield f"the report cannot be written to `{file.path}`: {(problem.strerror or str(problem)).lower()}"


def as_json(verdict: Verdict, started_at: str, seconds: float) -> str:
    """The report as JSON."""
    body = {
        "success": not verdict.error,
        "error": verdict.error,
        "startedAt": started_at,
        "seconds": round(seconds, 3),
        "resources": [
            {
                "name": each.name,
                "status": each.status.value,
                "reason": each.reason,
                "seconds": round(each.seconds, 3),
                "updates": each.updates,
            }
            for each in verdict.results
        ],
    }
    return f"{msgspec.json.format(msgspec.json.encode(body)).decode()}\n"


def junit(verdict: Verdict, started_at: str, seconds: float) -> str:
    """The report in the form of JUnit: a test for every resource."""
    import xml.etree.ElementTree as ET  # imported here: few runs need it

    results = verdict.results
    suite = ET.Element(
        "testsuite",
        name="tilt ci",
        tests=str(len(results)),
        failures=str(sum(each.status is CiStatus.FAILED for each in results)),
        errors=str(sum(each.status is CiStatus.NOT_READY for each in results) + _general(verdict)),
        skipped=str(sum(each.status is CiStatus.SKIPPED for each in results)),
        time=f"{seconds:.3f}",
        timestamp=started_at[:19],
    )
    for each in results:
        _add_case(ET.SubElement, suite, each)
    if _general(verdict):
        ET.SubElement(suite, "system-err").text = _xml(verdict.error)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _add_case(add: "Callable[..., Element]", suite: "Element", result: CiResult) -> None:
    case = add(suite, "testcase", classname="tilt", name=_xml(result.name), time=f"{result.seconds:.3f}")
    if result.status is CiStatus.SKIPPED:
        add(case, "skipped")
    elif result.status is not CiStatus.OK:
        kind = "failure" if result.status is CiStatus.FAILED else "error"
        add(case, kind, message=_xml(headline(result.reason))).text = _xml(result.reason)


def _general(verdict: Verdict) -> bool:
    """Is it an error of no single resource?"""
    return bool(verdict.error) and not verdict.resource


class Pipeline:
    """Writes what a pipeline makes of the output: it folds the log, and shows errors where people look.

    Args:
        kind: `github`, `gitlab`, or empty for none of them.
        write: takes text.
        now: seconds of Unix time.
    """

    def __init__(self, kind: str, write: Callable[[str], object], now: Callable[[], float]) -> None:
        self._kind = kind
        self._write = write
        self._now = now

    def begin(self) -> None:
        """The log begins."""
        if self._kind == "github":
            self._write("::group::tilt ci: the log of all resources\n")
        elif self._kind == "gitlab":
            self._write(f"\x1b[0Ksection_start:{int(self._now())}:tilt_ci\r\x1b[0Ktilt ci: the log of all resources\n")

    def end(self) -> None:
        """The log has ended."""
        if self._kind == "github":
            self._write("::endgroup::\n")
        elif self._kind == "gitlab":
            self._write(f"\x1b[0Ksection_end:{int(self._now())}:tilt_ci\r\x1b[0K\n")

    def errors(self, verdict: Verdict) -> None:
        """What went wrong, a line for each resource."""
        troubled = [each for each in verdict.results if each.reason]
        texts = [(str(each.name), each.reason) for each in troubled] or [("tilt ci", verdict.error)]
        if not verdict.error:
            return
        if _general(verdict) and troubled:
            texts.insert(0, ("tilt ci", verdict.error))
        for name, text in texts:
            if self._kind == "github":
                self._write(f"::error title={_property(name)}::{_data(text)}\n")
            elif self._kind == "gitlab":
                self._write(f"\x1b[31;1mERROR: {name}: {headline(text)}\x1b[0m\n")


class CiReports:
    """All reports of one run.

    Args:
        texts: of `--report`.
        kind: of the pipeline that it runs in; empty for none.
        write: takes what the pipeline is to read.

    Raises:
        UserError: one of the texts is no report.
    """

    def __init__(self, texts: Sequence[str], kind: str, write: Callable[[str], object]) -> None:
        self._files = report_files(texts)
        self._pipeline = Pipeline(kind, write, time.time)
        self._began = 0.0
        self._started_at = ""

    @contextmanager
    def log(self) -> Iterator[None]:
        """The session runs, and its log is printed, as long as the block."""
        self._began, self._started_at = time.monotonic(), precise(datetime.now(UTC))
        self._pipeline.begin()
        try:
            yield
        finally:
            self._pipeline.end()

    def write(self, verdict: Verdict) -> Iterator[str]:
        """Report how the session has ended; yields what went wrong."""
        seconds = time.monotonic() - self._began
        yield from write_reports(self._files, verdict, started_at=self._started_at, seconds=seconds)
        self._pipeline.errors(verdict)


def _data(text: str) -> str:
    """A text in a command of a GitHub workflow."""
    return text.strip().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _xml(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
