#!/usr/bin/env python3
"""Compare what this program and Tilt make of Tiltfiles: `tilt alpha tiltfile-result` of both, value by value.

    compare_tiltfiles.py --tilt /path/to/tilt [--ours .venv/bin/tilt] FOLDER...

Every file named `Tiltfile` or `Tiltfile.*` below the folders is evaluated by both, in its own folder, one after the
other. They agree when both fail, or when both print the same. Nothing is ignored but times and folders that are made
anew each time, and what Tilt adds to YAML by reading it into Go's types and writing it again: empty and zero fields,
another form of a quantity, and the order of objects. A field that the type does not know differs: Tilt leaves it out.

Extensions are found offline where Tilt keeps them: `$HOME/.local/share/tilt-dev/tilt_modules`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

TIMEOUT_SECONDS = 120
QUANTITY = re.compile(r"([0-9.]+)(m|[kKMGTPE]i?)?")
SUFFIXES = {
    "": 1,
    "m": 1e-3,
    **{f"{s}{i}": (1024 if i else 1000) ** (n + 1) for n, s in enumerate("KMGTPE") for i in ("", "i")},
}
SUFFIXES["k"] = 1000


class Loader(yaml.CSafeLoader):
    """Reads plain words as text, so that no reading of YAML 1.1 hides a difference."""


Loader.yaml_implicit_resolvers = {}


class Ended:
    """What a tool made of a Tiltfile."""

    def __init__(self, tool: str, tiltfile: Path, environ: dict[str, str]) -> None:
        words = [*tool.split(), "alpha", "tiltfile-result", "-f", tiltfile.name]
        self.found: dict[str, Any] | None = None
        try:
            run = subprocess.run(
                words, cwd=tiltfile.parent, env=environ, capture_output=True, timeout=TIMEOUT_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            self.error = "no end"
            return
        self.error = run.stderr.decode(errors="replace").strip()
        if run.returncode == 0:
            self.error = ""
            self.found = normalized(json.loads(run.stdout))


def normalized(found: dict[str, Any]) -> dict[str, Any]:
    """A result without what need not agree."""
    for manifest in found["Manifests"] or []:
        target = manifest["DeployTarget"]
        if "yaml" in target:
            objects = [meant(each) for each in yaml.load_all(target["yaml"], Loader) if each]
            target["yaml"] = sorted(objects, key=lambda o: json.dumps(o, sort_keys=True))
        if "ServiceYAML" in target:
            target["ServiceYAML"] = meant(yaml.load(target["ServiceYAML"], Loader))
        target.get("podLogStreamTemplateSpec", {}).pop("sinceTime", None)
        if "imageLocators" in target:  # Tilt has them in a map
            target["imageLocators"].sort(key=json.dumps)
    # Services of Docker Compose that depend on none stand in any order.
    places = [n for n, manifest in enumerate(found["Manifests"] or []) if "ServiceYAML" in manifest["DeployTarget"]]
    services = sorted((found["Manifests"][n] for n in places), key=lambda manifest: manifest["Name"])
    for place, service in zip(places, services, strict=True):
        found["Manifests"][place] = service
    if places:
        found["EnabledManifests"].sort()
    # Several keys may have one value, and Tilt then names any of them.
    found["Secrets"] = sorted(found["Secrets"])
    return dict(plain(found))


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON may hold anything
    """A value in which what is empty is not there, and no folder is made anew each time."""
    if isinstance(value, dict):
        kept = {key: plain(held) for key, held in value.items()}
        return {key: held for key, held in kept.items() if held not in (None, [], {}, "")}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return re.sub(r"/tmp/tilt[\w-]*[./-]?[\w]*(?=/|$)", "/tmp/NEW", value) if isinstance(value, str) else value


def meant(value: Any) -> Any:  # noqa: ANN401 - as above
    """What an object of Kubernetes means, however Go writes it."""
    if isinstance(value, dict):
        kept = {key: meant(held) for key, held in value.items() if key not in ("status", "creationTimestamp")}
        return {key: held for key, held in kept.items() if held not in (None, [], {}, "", "0", "null", "false", "~")}
    if isinstance(value, list):
        return [meant(each) for each in value]
    if (
        isinstance(value, str)
        and (quantity := QUANTITY.fullmatch(value))
        and quantity[1].count(".") < 2
        and quantity[1] != "."
    ):
        return f"{float(quantity[1]) * SUFFIXES[quantity[2] or '']:g}"
    return value


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - as above
    """Where two results differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in [*theirs, *(key for key in ours if key not in theirs)]:
            yield from differences(theirs.get(key), ours.get(key), f"{path}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(theirs, list) and isinstance(ours, list):
        missing, more = [each for each in theirs if each not in ours], [each for each in ours if each not in theirs]
        yield f"{path}: only tilt {json.dumps(missing)[:300]} only ours {json.dumps(more)[:300]}"
    elif theirs != ours:
        yield f"{path}: tilt {json.dumps(theirs)[:300]} ours {json.dumps(ours)[:300]}"


def tiltfiles(folder: Path) -> Iterator[Path]:
    """Every Tiltfile at or below a folder."""
    for path in sorted([folder] if folder.is_file() else folder.rglob("Tiltfile*")):
        if path.is_file() and re.fullmatch(r"Tiltfile(\..+)?", path.name) and ".git" not in path.parts:
            yield path


def compare(tilt: str, ours: str, tiltfile: Path, *, verbose: bool) -> tuple[str, list[str]]:
    """What became of one Tiltfile, in a word, and what is different."""
    environ = {**os.environ, "TILT_DISABLE_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    theirs, own = Ended(tilt, tiltfile, environ), Ended(ours, tiltfile, environ)
    if theirs.found is None and own.found is None:
        return "both fail", [f"tilt: {theirs.error[-300:]}", f"ours: {own.error[-300:]}"] if verbose else []
    if theirs.found is None:
        return "only Tilt fails", [theirs.error[-600:]]
    if own.found is None:
        return "only ours fails", [own.error[-600:]]
    found = list(differences(theirs.found, own.found))
    return ("different", found) if found else ("same", [])


def main(words: Sequence[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--tilt", required=True, help="Tilt's own program")
    parser.add_argument("--ours", default=".venv/bin/tilt", help="this program")
    parser.add_argument("-v", "--verbose", action="store_true", help="show why both fail, too")
    args = parser.parse_args(words)
    ours = str(Path(args.ours).absolute()) if "/" in args.ours else args.ours
    total: Counter[str] = Counter()
    for folder in args.folders:
        counts: Counter[str] = Counter()
        for tiltfile in tiltfiles(folder):
            word, notes = compare(args.tilt, ours, tiltfile.absolute(), verbose=args.verbose)
            counts[word] += 1
            if notes:
                print(f"{word}: {tiltfile}", *(f"    {note}" for note in notes[:8]), sep="\n", flush=True)
        print(f"{folder}: {dict(counts)}", flush=True)
        total += counts
    loaded = total["same"] + total["different"] + total["only ours fails"]
    share = 100 * total["same"] / loaded if loaded else 100.0
    print(f"{total['same']} of {loaded} that Tilt loads are the same here: {share:.1f} %; {dict(total)}")
    return 0 if share >= 98 and not total["only Tilt fails"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
