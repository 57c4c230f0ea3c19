import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytilt.cli.session.ci_reports import Pipeline, as_json, junit, report_files, write_reports
from pytilt.errors import UserError
from pytilt.loop.planning.verdict import CiResult, CiStatus, Verdict
from pytilt.model.names import ResourceName

START = "2026-01-01T00:00:00.000000Z"
RESULTS = (
    CiResult(name=ResourceName("(Tiltfile)"), status=CiStatus.OK, seconds=0.5, updates=1),
    CiResult(name=ResourceName("web"), status=CiStatus.FAILED, reason="exit status 1: 100%\n<b>\x1b[0m", updates=1),
    CiResult(name=ResourceName("db"), status=CiStatus.NOT_READY, reason="waiting-for-pod"),
    CiResult(name=ResourceName("off"), status=CiStatus.SKIPPED),
)
FAILED = Verdict(error="exit status 1: 100%\n<b>\x1b[0m", resource=ResourceName("web"), results=RESULTS)
LATE = Verdict(error="Timeout after 5s: …", results=RESULTS[:1])


def test_the_report_as_json_has_every_resource():
    found = json.loads(as_json(FAILED, START, 1.25))
    assert (found["success"], found["seconds"], found["startedAt"]) == (False, 1.25, START)
    assert [(each["name"], each["status"]) for each in found["resources"]] == [
        ("(Tiltfile)", "ok"),
        ("web", "failed"),
        ("db", "not-ready"),
        ("off", "skipped"),
    ]


def test_the_report_of_junit_has_a_test_for_every_resource():
    (suite,) = ET.fromstring(junit(FAILED, START, 1.25))
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time", "timestamp")]
    assert counts == ["4", "1", "1", "1", "1.250", "2026-01-01T00:00:00"]
    assert [[case.get("name"), *(each.tag for each in case)] for case in suite] == [
        ["(Tiltfile)"],
        ["web", "failure"],
        ["db", "error"],
        ["off", "skipped"],
    ]
    assert suite[1][0].text == "exit status 1: 100%\n<b>\ufffd[0m"


def test_an_error_of_no_single_resource_is_in_the_report_of_junit():
    (suite,) = ET.fromstring(junit(LATE, START, 5))
    assert (suite.get("errors"), suite[-1].tag, suite[-1].text) == ("1", "system-err", "Timeout after 5s: …")


def test_reports_are_written_and_what_cannot_be_is_said(tmp_path: Path):
    files = report_files([f"json={tmp_path / 'a.json'}", f"junit={tmp_path}"])
    problems = list(write_reports(files, FAILED, started_at=START, seconds=1))
    assert json.loads((tmp_path / "a.json").read_text())["error"] == FAILED.error
    assert problems == [f"the report cannot be written to `{tmp_path}`: is a directory"]


@pytest.mark.parametrize("text", ["junit", "junit=", "xml=a", "json=/nowhere/at/all"])
def test_what_is_no_report_is_refused(text: str):
    with pytest.raises(UserError, match="--report"):
        report_files([text])


def written(kind: str, verdict: Verdict) -> list[str]:
    lines: list[str] = []
    pipeline = Pipeline(kind, lines.append, lambda: 12.5)
    pipeline.begin()
    pipeline.end()
    pipeline.errors(verdict)
    return lines


def test_a_workflow_of_github_folds_the_log_and_shows_errors():
    assert written("github", FAILED) == [
        "::group::tilt ci: the log of all resources\n",
        "::endgroup::\n",
        "::error title=web::exit status 1: 100%25%0A<b>\x1b[0m\n",
        "::error title=db::waiting-for-pod\n",
    ]
    assert written("github", LATE)[-1] == "::error title=tilt ci::Timeout after 5s: …\n"


def test_a_job_of_gitlab_folds_the_log_and_shows_errors():
    assert written("gitlab", FAILED) == [
        "\x1b[0Ksection_start:12:tilt_ci\r\x1b[0Ktilt ci: the log of all resources\n",
        "\x1b[0Ksection_end:12:tilt_ci\r\x1b[0K\n",
        "\x1b[31;1mERROR: web: exit status 1: 100%\x1b[0m\n",
        "\x1b[31;1mERROR: db: waiting-for-pod\x1b[0m\n",
    ]


@pytest.mark.parametrize("kind", ["", "github", "gitlab"])
def test_nothing_is_shown_as_an_error_where_all_is_well(kind: str):
    assert len(written(kind, Verdict(results=RESULTS[:1]))) == (2 if kind else 0)
