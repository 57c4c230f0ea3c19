"""Edit, then ask at once: is an answer ever green for code that does not run?"""

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.live import fetch, project
from bench.tools import Figures, Part, Tool, session, until

Content = Callable[[], str | None]
"""What runs at this moment."""

GREEN_SECONDS = 120.0


class Asking:
    """The verbs with which a session is asked, as commands and, sooner after the save, over HTTP.

    Args:
        tool: whose command line they are.
        folder: of the project.
        env: the environment of the session.
        name: of the resource.
    """

    def __init__(self, tool: Tool, folder: Path, env: dict[str, str], name: str) -> None:
        self._tool, self._folder, self._env, self._name = tool, folder, env, name
        token = Path(env.get("TILT_DEV_DIR") or Path.home() / ".tilt-dev", "token").read_text().strip()
        self._headers = {"X-Tilt-Token": token}
        self._url = f"http://127.0.0.1:{env['TILT_PORT']}"

    def http(self) -> bool:
        """What `tilt status` asks, without the start of a process."""
        self._request("POST", "/api/barrier", b"{}")
        status = json.loads(self._request("GET", f"/apis/tilt.dev/v1alpha1/uiresources/{self._name}"))["status"]
        met = all(each["status"] == "True" for each in status["conditions"])
        return met and not status.get("hasPendingChanges")

    def status(self) -> bool:
        """`tilt status --json`: is it fresh and healthy?"""
        rows = json.loads(self._run("status", "--json").stdout)["resources"]
        row = next(each for each in rows if each["name"] == self._name)
        return bool(row["fresh"] and row["healthy"])

    def wait(self) -> bool:
        """`tilt wait`."""
        conditions = ("--for=condition=UpToDate", "--for=condition=Ready")
        return self._run("wait", *conditions, "--timeout=120s", "uiresource", self._name).returncode == 0

    def trigger(self) -> bool:
        """`tilt trigger --wait --json`."""
        done = json.loads(self._run("trigger", self._name, "--wait", "--json").stdout)[0]
        return bool(done["result"] == "ok" and done["fresh"])

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = self._tool.argv(words[0], *words[1:], tail=False)
        return subprocess.run(argv, cwd=self._folder, env=self._env, capture_output=True, text=True, check=False)

    def _request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        request = urllib.request.Request(self._url + path, body, self._headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: bytes = answer.read()
            return found


@contextmanager
def saved(path: Path, text: str, how: str) -> Iterator[None]:
    """Write a file in one of the ways in which programs write; the verb is asked inside of the block."""
    if how == "rename":
        other = path.with_name(f".{path.name}.new")
        other.write_text(text)
        other.replace(path)
        yield
    elif how == "open":  # written, but not closed yet
        with path.open("w") as file:
            file.write(text)
            file.flush()
            yield
    elif how == "lock":  # while git works
        lock = path.parents[1] / ".git" / "index.lock"
        lock.touch()
        path.write_text(text)
        timer = threading.Timer(0.4, lock.unlink)
        timer.start()
        yield
        timer.join()
    elif how == "anew":  # as some editors do: the old one goes first
        path.unlink()
        path.write_text(text)
        yield
    else:
        path.write_text(text)
        yield


WAYS = ("write", "rename", "open", "anew", "lock")


def race(asking: Asking, file: Path, content: Content, n: int, *, trigger: bool) -> Figures:
    """Save and ask, in every way of saving and by every verb; how many answers were green, and how many lied."""
    verbs = [asking.http, asking.status, asking.http, asking.wait] + ([asking.trigger] if trigger else [])
    green = stale = 0
    lies: list[str] = []
    began = time.monotonic()
    for i in range(n):
        how, verb = WAYS[i % len(WAYS)], verbs[(i // len(WAYS)) % len(verbs)]
        wanted = f"{i}-{time.time()}"
        with saved(file, wanted, how):
            if verb():
                green += 1
                if (found := content()) != wanted:
                    stale += 1
                    lies.append(f"{how}/{verb.__name__}: {found!r}")
        deadline = time.monotonic() + GREEN_SECONDS
        while not asking.http():  # what it says later must hold, too
            if time.monotonic() > deadline:
                raise SystemExit(f"not green {GREEN_SECONDS:.0f} s after save {i} ({how})")
        if (found := content()) != wanted:
            stale += 1
            lies.append(f"{how}/later: {found!r}")
    if lies:
        print("stale:", *lies, sep="\n  ")
    return {"races": n, "green_at_once": green, "stale_greens": stale, "seconds": time.monotonic() - began}


def local(tool: Tool, folder: Path, n: int) -> Figures:
    """A command that takes a moment."""
    (folder / ".git").mkdir()
    (folder / "src").mkdir()
    source, target = folder / "src" / "in.txt", folder / "out.txt"
    source.write_text("start")
    (folder / "Tiltfile").write_text("local_resource('copy', cmd='sleep 0.05; cp src/in.txt out.txt', deps=['src'])\n")
    with session(tool, folder) as (process, env):
        until(lambda: target.exists() and target.read_text() == "start", 60, "first run", process)
        return race(Asking(tool, folder, env, "copy"), source, target.read_text, n, trigger=True)


def served(tool: Tool, folder: Path, n: int, *, live: bool) -> Figures:
    """A page in a pod, brought there by a live update or in a new image."""
    name, port = project(folder)
    (folder / ".git").mkdir()
    if not live:
        text = (folder / "Tiltfile").read_text().replace(", live_update=[sync('www', '/app')]", "")
        (folder / "Tiltfile").write_text(text + "\nupdate_settings(infer_live_update=False)\n")
    url, page = f"http://127.0.0.1:{port}/", folder / "www" / "index.html"

    def content() -> str | None:
        deadline = time.monotonic() + 5
        while (found := fetch(url)) is None and time.monotonic() < deadline:
            time.sleep(0.02)  # the container runs, its server does not listen yet
        return found

    with session(tool, folder) as (process, env):
        until(lambda: fetch(url) == "start", 120, "first answer", process, 0.05)
        return race(Asking(tool, folder, env, name), page, content, n, trigger=False)


def deleted_pods(tool: Tool, folder: Path, n: int) -> Figures:
    """Save, and once that is in the pod delete it: the next one starts from the old image."""
    name, port = project(folder)
    url, page = f"http://127.0.0.1:{port}/", folder / "www" / "index.html"
    stale = images = 0
    slowest = 0.0
    with session(tool, folder) as (process, env):
        until(lambda: fetch(url) == "start", 120, "first answer", process, 0.05)
        asking = Asking(tool, folder, env, name)
        for i in range(n):
            wanted = f"save {i}"
            page.write_text(wanted)
            until(lambda value=wanted: fetch(url) == value, 60, "sync", process, 0.005)  # type: ignore[misc]
            old = live_pods(name)
            kubectl("delete", "pod", "-l", f"app={name}", "--grace-period=0", "--force", "--wait=false")
            began = time.monotonic()
            while True:
                green = asking.http()
                present = live_pods(name)
                if green and present and not present & old:
                    if (found := content_of(present)) != wanted:
                        stale += 1
                        print(f"stale: pod {i} is green and has {found!r}")
                    break
                if time.monotonic() - began > GREEN_SECONDS:
                    raise SystemExit(f"not green {GREEN_SECONDS:.0f} s after pod {i} was deleted")
            slowest = max(slowest, time.monotonic() - began)
        images = (folder / "up.out").read_text(errors="replace").count("Building image") - 1
    return {"pods": n, "stale_greens": stale, "builds": images, "slowest_s": slowest}


def kubectl(*words: str) -> str:
    done = subprocess.run(["kubectl", *words], capture_output=True, text=True, check=False)
    return done.stdout


def live_pods(name: str) -> set[str]:
    """Name and address of the pods of the newest ReplicaSet that are not being deleted.

    While the next one is rolled out, an old one may still start a pod in the place of one that was deleted.
    """
    form = "{range .items[*]}{.metadata.annotations.deployment\\.kubernetes\\.io/revision}@{.metadata.name} {end}"
    sets = [
        each.split("@") for each in kubectl("get", "replicasets", "-l", f"app={name}", f"-o=jsonpath={form}").split()
    ]
    newest = max(sets, key=lambda each: int(each[0] or 0), default=["", name])[1]
    form = "{range .items[*]}{.metadata.name}@{.status.podIP}@{.metadata.deletionTimestamp} {end}"
    found = kubectl("get", "pods", "-l", f"app={name}", f"-o=jsonpath={form}").split()
    return {each.removesuffix("@") for each in found if each.endswith("@") and each.startswith(f"{newest}-")}


def content_of(pods: set[str]) -> str | None:
    """What the pod serves."""
    return fetch(f"http://{min(pods).partition('@')[2]}:8000/")


PARTS: dict[str, Part] = {
    "local": local,
    "live": partial(served, live=True),
    "rebuild": partial(served, live=False),
    "pods": lambda tool, folder, n: deleted_pods(tool, folder, max(1, n // 5)),
}
