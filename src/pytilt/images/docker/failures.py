"""What a failed build's words mean: tidied, with the place in the Dockerfile and what to do about it. Pure.

The expressions are compiled when a build fails: two milliseconds that every start would pay.
"""

import re

from pytilt.errors import BuildError
from pytilt.host.output import excerpt

_NOISE = (
    r"^(?:failed to solve(?: with frontend (?:dockerfile|gateway)\.v0)?: "
    r"|rpc error: code = Unknown desc = |failed to build LLB: |failed to create LLB definition: )+"
)
_TIDIED = (
    (r"(executor failed running.*?): runc did not terminate sucessfully", r"\1"),
    (r"failed to compute cache key: (.* not found): not found", r"\1"),
    (r"failed to compute cache key: failed to walk \S+: lstat (?:/\S*buildkit-[^/]*/)?(.*)", r"\1"),
    (r"failed to compute cache key: (?:failed to calculate checksum of ref \S+: )?", ""),
    (r"failed to calculate checksum of ref \S+: ", ""),
    (r"(?s)^(?:error )?building at STEP \".*?\": (?:while running runtime: )?", ""),
    (r"checking on sources under \"[^\"]*\": copier: stat: ", ""),
    (r"(?s) &imagebuilder\.Step\{.*", ""),
)
"""BuildKit's and Buildah's own affairs, which say nothing to who wrote the Dockerfile."""

_REPEATED_COMMAND = (
    r"""(?s)(?:executor failed running \[.*\]|process ".*" did not complete successfully): (exit code: \d+)"""
    r"""|The command '.*' returned a non-zero (code: \d+)"""
)
"""Says again what the step's name says."""

_CLIENT_WHY = r"(?m)^(?:ERROR: )?(failed to solve.*|failed to build.*)$"
_CLIENT_STEP = r"(?ms)^------$\n^ > (.+?)$\n(.*?)^------$"
_CLIENT_TIME = r"^(?:#\d+ )?\d+\.\d+ "
"""How the docker CLI repeats, at the end, the step that failed and what it printed."""

_LINE = r"(?i)(?:dockerfile parse error|Dockerfile|parse error)(?: on)?(?: at)? line (\d+)"

_HINTS = (
    (
        r"pull access denied|authorization failed|401 Unauthorized|403 Forbidden|insufficient_scope",
        "check the name after `FROM`; if it is right and private, log in: `docker login`",
    ),
    (
        r"no space left on device",
        "make room: `tilt docker-prune`, or `docker system prune`",
    ),
    (
        r"(?:exit code:|exit status|non-zero code:) 137|signal: killed",
        "the step was killed, most often for want of memory: give the engine more, or build with less parallelism",
    ),
    (
        r"(?:exit code:|exit status|non-zero code:) 127",
        "the step's program is not in the image: install it in an earlier step, or look for a typing error",
    ),
    (
        r"(?:exit code:|exit status|non-zero code:) \d+|did not complete successfully|failed running",
        "the step's command failed; mend it or what it works on and save, and the image is built again",
    ),
    (
        r"no such host|i/o timeout|TLS handshake timeout|connection refused|network is unreachable",
        "the engine cannot reach the registry; check the network and the engine's proxy settings",
    ),
    (
        r"parse error|[Uu]nknown instruction|unknown flag|requires (?:at least|exactly)|invalid reference",
        "mend that line and save",
    ),
    (
        r"target stage .* could not be found|failed to reach build target",
        "`target=` must be the name of a stage: `FROM … AS NAME`",
    ),
    (
        r"not found|no such file or directory|COPY failed|ADD failed|file does not exist",
        "see that the path is in the build context and not left out by `.dockerignore`, `ignore=` or `only=`",
    ),
)

_CORRUPTED = ("failed precondition", "failed commit on ref")


def is_corruption(message: str) -> bool:
    """Are these BuildKit's words for a damaged store, which a build without it gets around?"""
    return all(part in message for part in _CORRUPTED)


def tidied(message: str) -> str:
    """The engine's words without BuildKit's own affairs."""
    text = re.sub(_NOISE, "", message.strip())
    for pattern, replacement in _TIDIED:
        text = re.sub(pattern, replacement, text)
    return text


def build_failure(message: str, *, dockerfile: str, step: str = "", output: str = "") -> BuildError:
    """The error of a failed build.

    Args:
        message: the engine's words.
        dockerfile: its path, for a place that the engine names by line.
        step: the step that failed.
        output: the part of its output that explains the failure.
    """
    text = tidied(message)
    line = re.search(_LINE, text)
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, text)), "the log above has the whole story")
    where = f"{dockerfile}:{line[1]}" if line and dockerfile else None
    said = f"{step}: {_without_command(text)}" if step else text
    return BuildError(said, where=where, hint=hint, output=output)


def client_failure(said: str, *, dockerfile: str) -> BuildError:
    """The error of a failed build by the docker CLI, from the end of what it printed with `--progress plain`.

    Args:
        said: the end of its output: below a line, the failing step and what it printed; in the last lines, why.
        dockerfile: its path.
    """
    why = re.findall(_CLIENT_WHY, said)
    step = re.search(_CLIENT_STEP, said)
    if not why:
        return build_failure("\n".join(excerpt(said.splitlines())), dockerfile=dockerfile)
    printed = [re.sub(_CLIENT_TIME, "", line) for line in (step[2].splitlines() if step else ())]
    name = step[1].strip().removesuffix(":") if step else ""
    return build_failure(why[-1], dockerfile=dockerfile, step=name, output="\n".join(excerpt(printed)))


def _without_command(text: str) -> str:
    found = re.fullmatch(_REPEATED_COMMAND, text)
    return (found[1] or f"exit {found[2]}") if found else text
