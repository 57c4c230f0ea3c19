#!/usr/bin/env python3
"""Runs Tilt's own integration tests, unmodified, against the command `tilt` of this repository, and writes a table.

    tilt_integration.py SOURCE [--extensions SOURCE] [--tool NAME=PATH ...] [--run REGEX] [--all] [--page FILE]

SOURCE is a copy of tilt-dev/tilt: a clone, or a git directory without a work tree. Nothing in it is changed: its tests
are compiled once for each commit, and its projects are copied afresh for every run. A tool is a command `tilt`; the
first is this repository's own, and another, for example Tilt itself, may be run beside it to compare.

The tests build Tilt themselves, by `$GOROOT/bin/go`, and run `$GOPATH/bin/tilt`. Both are set so that nothing is built
and the tool is run. They run against the test cluster, which pulls nothing: the public images that they need are made
of busybox first (see `IMAGES`), so that no project has to be adapted.
"""

import argparse
import base64
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLUSTER = ROOT / "tests" / "cluster" / "cluster"
PAGE = ROOT / "docs" / "tilt-integration-tests.md"
OWN = "pytilt"
TEST_SECONDS = 300

RESTARTER = r"""#!/bin/sh
file=/.restart-proc
while case "$1" in --watch_file=*) file=${1#*=} ;; --*) ;; *) false ;; esac; do shift; done
state() { stat -c %y "$file"; cat "$file"; }
start() { last=$(state); setsid "$@" & child=$!; }
trap 'kill -- -$child; exit 143' TERM
start "$@"
while kill -0 $child 2>/dev/null; do
    sleep 0.1
    if [ "$(state)" != "$last" ]; then kill -- -$child; wait $child; start "$@"; fi
done
wait $child
"""
"""Runs a command, and runs it again when a file changes: what the extension `restart_process` puts into images."""

IMAGES = {
    "nginx": """\
FROM busybox
RUN mkdir -p /usr/share/nginx/html && echo 'Welcome to nginx!' > /usr/share/nginx/html/index.html
CMD echo start worker processes && exec busybox httpd -f -p 80 -h /usr/share/nginx/html
""",
    "alpine": """\
FROM busybox
RUN printf '#!/bin/sh\\n' > /bin/apk && chmod +x /bin/apk
""",
    "tiltdev/restart-helper:2025-02-17": f"""\
FROM busybox
RUN echo {base64.b64encode(RESTARTER.encode()).decode()} | base64 -d > /tilt-restart-wrapper
RUN chmod +x /tilt-restart-wrapper && touch /entr
""",
}
"""What takes the place of public images, in builder and node. All that `alpine` is to install is there already."""

ACCOUNTS = r"""\
FROM busybox
RUN printf '#!/bin/sh\nfor name do :; done\necho "$name:x:1000:" >> /etc/group\n' > /bin/addgroup
RUN printf '#!/bin/sh\nfor name do :; done\necho "$name:x:1000:1000::/:/bin/sh" >> /etc/passwd\n' > /bin/adduser
RUN chmod +x /bin/addgroup /bin/adduser
"""
"""The builder's `busybox` with two programs that Debian's build of it lacks."""

WITH_ACCOUNTS = frozenset({"TestRestartProcessDifferentUser"})
"""Tests whose images add users: while they run, that takes the place of `busybox` in the builder."""

COMPOSE = "needs `docker_compose`"
EXTENSION = "needs the repository of extensions: run with `--extensions`"
ANALYTICS = "needs Tilt's analytics; pytilt sends nothing to anybody"
NEEDS = {
    "TestDisableDC": COMPOSE,
    "TestDockerComposeImageBuild": COMPOSE,
    "TestOneDockerCompose": COMPOSE,
    "TestLiveUpdateAfterCrashRebuild": EXTENSION,
    "TestRestartProcessDifferentUser": EXTENSION,
    "TestSameImgMultiContainer": EXTENSION,
    "TestOptedIn": ANALYTICS,
    "TestOptedOut": ANALYTICS,
    "TestOptDefault": ANALYTICS,
    "TestTiltDemo": "clones a project from the internet and pulls its images; `tilt demo` plays another one here",
}
"""Tests that cannot pass, and why; they are run with `--all` only."""

Results = dict[str, dict[str, str]]
"""By test: its `result`, and `why` where it is not `pass`."""


def main() -> int:
    """Run what is wanted, and write the page."""
    options = _options()
    commit, work = _prepare(options.source)
    program = _compiled(options.source, commit, work)
    names = _names(program)
    left_out = {name for name, why in NEEDS.items() if why != EXTENSION or not options.extensions}
    wanted = [name for name in names if re.search(options.run, name) and (options.all or name not in left_out)]
    environ = _environment(work, options.extensions)
    _build_images(environ)
    for text in options.tool:
        tool, _, path = text.partition("=")
        file = work / f"{tool}.json"
        results: Results = json.loads(file.read_text()) if file.exists() else {}
        for name in wanted:
            began = time.monotonic()
            results[name] = _run(program, name, tool, Path(path), options.source, work, environ)
            print(f"{tool} {name}: {results[name]} ({time.monotonic() - began:.0f} s)", flush=True)
            file.write_text(json.dumps(results, indent=1))
    if options.page:
        Path(options.page).write_text(_page(commit, names, work, [text.partition("=")[0] for text in options.tool]))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", type=Path, help="a clone of tilt-dev/tilt, or its git directory")
    parser.add_argument("--tool", action="append", help=f"NAME=PATH of a command; default: {OWN}=.venv/bin/tilt")
    parser.add_argument("--run", default="", help="only tests whose name this pattern finds")
    parser.add_argument("--all", action="store_true", help="also those that cannot pass")
    parser.add_argument("--extensions", type=Path, help="a clone of tilt-dev/tilt-extensions, or its git directory")
    parser.add_argument("--page", help=f"write the table there, for example {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    options.tool = options.tool or [f"{OWN}={ROOT / '.venv' / 'bin' / 'tilt'}"]
    return options


def _git(source: Path, *words: str) -> list[str]:
    place = ["-C", str(source)] if (source / ".git").exists() else [f"--git-dir={source}"]
    return ["git", *place, *words]


def _extract(source: Path, target: Path, *paths: str) -> None:
    archive = subprocess.Popen(_git(source, "archive", "HEAD", *paths), stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", target], stdin=archive.stdout, check=True)
    if archive.wait():
        sys.exit(f"{source} is no copy of a repository")


def _prepare(source: Path) -> tuple[str, Path]:
    """The commit of the copy, and a folder for its work."""
    commit = subprocess.run(_git(source, "log", "-1", "--format=%H %cs"), check=True, capture_output=True, text=True)
    work = Path(tempfile.gettempdir(), f"pytilt-tilt-integration-{commit.stdout[:12]}")
    (work / "logs").mkdir(parents=True, exist_ok=True)
    return commit.stdout.strip(), work


def _compiled(source: Path, commit: str, work: Path) -> Path:
    """The program of the tests; the first time it takes some minutes of processor time."""
    program = work / "integration.test"
    if not program.exists():
        print(f"compiling Tilt's tests at {commit} into {work}", flush=True)
        tree = work / "tilt"
        tree.mkdir(exist_ok=True)
        _extract(source, tree)
        words = ["go", "test", "-c", "-mod=vendor", "-vet=off", "-tags=integration", "-o", f"{program}.new"]
        subprocess.run(["nice", "-n", "10", *words, "./integration"], cwd=tree, check=True)
        Path(f"{program}.new").rename(program)
    return program


def _names(program: Path) -> list[str]:
    listed = subprocess.run([program, "-test.list", ".*"], check=True, capture_output=True, text=True, cwd="/")
    return sorted(line for line in listed.stdout.splitlines() if line.startswith("Test"))


def _environment(work: Path, extensions: Path | None) -> dict[str, str]:
    """That of the tests: the test cluster, and nothing of the user's own."""
    up = subprocess.run([CLUSTER, "up"], check=True, stdout=subprocess.PIPE, text=True).stdout
    cluster = dict(line.removeprefix("export ").split("=", 1) for line in up.splitlines() if "=" in line)
    shims = work / "shims"
    shims.mkdir(exist_ok=True)
    if not shutil.which("kubectl"):
        _script(shims / "kubectl", f'exec {CLUSTER} kubectl "$@"')
    home = work / "home"
    home.mkdir(exist_ok=True)
    elsewhere = (
        f'[url "{extensions.resolve()}"]\n\tinsteadOf = https://github.com/tilt-dev/tilt-extensions\n'
        if extensions
        else ""
    )
    (home / ".gitconfig").write_text(f"{elsewhere}[safe]\n\tdirectory = *\n")
    inherited = {name: value for name, value in os.environ.items() if not re.match("TILT_|DOCKER_|KUBE", name)}
    cache = {"PYTILT_CLUSTER_CACHE": str(Path.home() / ".cache" / "pytilt-cluster")}
    path = f"{shims}:{os.environ['PATH']}"
    return {**inherited, **cache, **cluster, "PATH": path, "HOME": str(home), "CI": "true"}


def _script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def _build_images(environ: Mapping[str, str]) -> None:
    for name, dockerfile in IMAGES.items():
        pushed = f"localhost:5001/{name if '/' in name else f'library/{name}'}"
        for words in (["build", "-q", "-t", name, "-t", pushed, "-"], ["push", "-q", pushed]):
            subprocess.run(
                ["docker", *words], input=dockerfile, text=True, env=environ, check=True, stdout=subprocess.DEVNULL
            )


@contextmanager
def _accounts(environ: Mapping[str, str]) -> Iterator[None]:
    """Have `busybox` be the one that can add users, for as long as the block."""

    def docker(*words: str, stdin: str = "") -> str:
        done = subprocess.run(["docker", *words], input=stdin, text=True, env=environ, check=True, stdout=-1)
        return done.stdout.strip()

    before = docker("image", "inspect", "--format={{.Id}}", "busybox")
    docker("build", "-q", "-t", "busybox", "-", stdin=ACCOUNTS)
    try:
        yield
    finally:
        docker("tag", before, "busybox")


def _run(
    program: Path, name: str, tool: str, command: Path, source: Path, work: Path, environ: Mapping[str, str]
) -> dict[str, str]:
    """Run one test in a process of its own, in a fresh copy of the projects."""
    # The tests delete their namespace first; servers that take no notice of SIGTERM would hold that up for 30 seconds.
    words = ["kubectl", "delete", "pods", "--all", "--namespace=tilt-integration", "--force", "--grace-period=0"]
    subprocess.run(words, env=environ, check=False, capture_output=True)
    projects = work / "tilt" / "integration"
    shutil.rmtree(projects, ignore_errors=True)
    (work / "tilt" / ".git").mkdir(parents=True, exist_ok=True)  # `local_git_repo` in the projects looks for it
    _extract(source, work / "tilt", "integration")
    _script(work / "goroot" / "bin" / "go", "exit 0")
    own = work / "gopath" / "bin" / "tilt"
    _script(own, f'exec {command.absolute()} "$@"')
    settings = {"GOROOT": str(work / "goroot"), "GOPATH": str(work / "gopath")}
    log = work / "logs" / tool / f"{name}.log"
    log.parent.mkdir(exist_ok=True)
    test = [program, f"-test.run=^{name}$", "-test.v", f"-test.timeout={TEST_SECONDS}s"]
    with log.open("wb") as output, _accounts(environ) if name in WITH_ACCOUNTS else nullcontext():
        subprocess.run(test, cwd=projects, env={**environ, **settings}, stdout=output, stderr=output, check=False)
    return _result(name, log.read_text(errors="replace"))


def _result(name: str, text: str) -> dict[str, str]:
    if re.search(rf"^--- PASS: {name}\b", text, re.MULTILINE):
        return {"result": "pass"}
    if re.search(rf"^--- SKIP: {name}\b", text, re.MULTILINE):
        return {"result": "skipped", "why": "Tilt's own code skips it"}
    said = re.findall(r"^ +\w+_test\.go:\d+: *(.*(?:\n +(?!\w+_test\.go).*){0,12})", text, re.MULTILINE)
    words = " ".join(re.sub(r"Error Trace:\s*(\S+_test\.go:\d+\s*)+", "", said[-1] if said else text[-400:]).split())
    return {"result": "fail", "why": words[:300]}


def _page(commit: str, names: Sequence[str], work: Path, tools: Sequence[str]) -> str:
    """The table, with the last result of every test."""
    results: dict[str, Results] = {tool: json.loads((work / f"{tool}.json").read_text()) for tool in tools}
    rows = [_row(name, results) for name in names]
    own = results[OWN] if OWN in results else next(iter(results.values()))
    passed = sum(own.get(name, {}).get("result") == "pass" for name in names)
    sha, day = commit.split()
    head = " | ".join(tools)
    return f"""\
# Tilt's integration tests

Tilt's own tests of its command (`integration/` of tilt-dev/tilt, commit {sha[:12]} of {day}), unmodified, with this
repository's `tilt` in the place of Tilt's: {passed} of {len(names)} pass, on {dt.datetime.now(dt.UTC).date()}. Each ran
in a process of its own, against the test cluster.

    .venv/bin/python scripts/tilt_integration.py CLONE_OF_TILT --extensions CLONE_OF_TILT_EXTENSIONS \\
        --page docs/tilt-integration-tests.md

The cluster pulls no images. Where a test needs one that is public, an image of that name made of busybox takes its
place, with what the test asks of it: `nginx` serves its welcome page from the usual folder, `alpine` has an `apk` that
has nothing left to install, `busybox` has an `addgroup` and an `adduser` where a test adds users,
`tiltdev/restart-helper` has a script that restarts a command when a file changes. The projects of the tests are as Tilt
has them.

| test | {head} | why |
|---|{"---|" * len(tools)}---|
{"".join(rows)}"""


def _row(name: str, results: Mapping[str, Results]) -> str:
    each = {tool: found.get(name, {"result": "not run"}) for tool, found in results.items()}
    mine, *_ = each.values()
    why = "" if mine["result"] == "pass" else NEEDS.get(name, mine.get("why", ""))
    others = [f"{tool}: {found.get('why', '')}" for tool, found in list(each.items())[1:] if found["result"] == "fail"]
    text = "; ".join(part for part in (why, *others) if part).replace("|", "\\|")
    return f"| `{name}` | {' | '.join(found['result'] for found in each.values())} | {text} |\n"


if __name__ == "__main__":
    sys.exit(main())
