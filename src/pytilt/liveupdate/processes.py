"""What runs in a container: does it see by itself that a file changed? Pure.

Only what is known for sure is said: a server of static files reads them for every request, a reloader watches files of
some kinds. What else runs has to be started again.
"""

import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence

from pytilt.model.base import Value
from pytilt.model.inference import Process
from pytilt.model.regex import regex

_PAGES = (
    *(".html", ".htm", ".xhtml", ".css", ".js", ".mjs", ".map", ".json", ".txt", ".md", ".xml", ".csv"),
    *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".ico", ".mp3", ".mp4", ".ogg", ".webm"),
    *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".webmanifest", ".pdf", ".wasm"),
)  # fmt: skip
_TEMPLATES = [".html", ".htm", ".jinja", ".jinja2", ".j2", ".txt", ".xml"]
_SCRIPTS = [".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx"]
_SOURCES = [*_SCRIPTS, ".vue", ".svelte", ".astro", ".css", ".scss", ".sass", ".less", ".styl", ".html", ".svg"]
_SETTINGS = regex(
    r"(?:.*\.config\.\w+|package(?:-lock)?\.json|.*\.lock|tsconfig.*\.json|serve\.json|Caddyfile|nodemon\.json|angular\.json)"
)
"""Files that tools read when they start."""

_NOT_SERVED = ("/etc", "/usr/local/etc", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_LAUNCHERS = frozenset(
    {"tini", "dumb-init", "catatonit", "docker-init", "env", "exec", "npx", "bunx", "nohup", "catchsegv", "time", "--"}
)
_RUNNERS = {
    ("poetry", "run"), ("pipenv", "run"), ("uv", "run"), ("pdm", "run"), ("hatch", "run"), ("bundle", "exec"),
    ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"), ("yarn", "run"), ("npm", "exec"), ("conda", "run"),
}  # fmt: skip
_ENTRYPOINTS = frozenset({"docker-entrypoint.sh", "docker-php-entrypoint"})
"""Of well-known images: they start what follows."""

_INSTALLED = regex(r"[^/]+$|/(?:usr/)?(?:local/)?s?bin/|.*(?:node_modules/\.bin|venv/bin)/")
"""A program of the system or of a package, not one of the project's own."""

_HARMLESS = regex(r"\s*(?:cd|export|set|umask|ulimit)\s")
_PYTHON = regex(r"python[\d.]*")
_ASSIGNMENT = regex(r"(\w+)=(.*)", re.DOTALL)
_SHOWN = 60
_UNTOUCHED = regex(r"[|<>`;&()]|\$\(")


class Reloader(Value):
    """A program that sees changes of files by itself."""

    name: str
    """As people call it."""
    suffixes: tuple[str, ...]
    """Of the files that it sees."""
    program: str
    verb: str = ""
    """Its first argument that is no option; with `|` one of several."""
    options: tuple[str, ...] = ()
    """One of them must be there."""
    without: tuple[str, ...] = ()
    """None of them may be there."""
    variable: tuple[str, str] = ("", "")
    """Instead of an option: a variable of the environment, and a regular expression for its value."""
    watching: tuple[str, ...] | None = None
    """It sees only what is below the directories that these options name, without them where it works; None: all."""


def _known() -> tuple[Reloader, ...]:
    pages, python = tuple(_PAGES), (".py",)
    scripts, sources = tuple(_SCRIPTS), tuple(_SOURCES)
    views = (*python, *_TEMPLATES, ".css", ".js")
    php = (*pages, ".php", ".phtml", ".inc")
    one = Reloader
    return (
        one(name="nginx", program="nginx", suffixes=pages),
        one(name="nginx", program="openresty", suffixes=pages),
        one(name="Apache", program="httpd-foreground", suffixes=pages),
        one(name="Apache", program="apache2-foreground", suffixes=php),
        one(name="Apache", program="apachectl", suffixes=pages),
        one(name="PHP", program="php", options=("-S",), suffixes=php),
        one(name="httpd", program="httpd", suffixes=pages),
        one(name="Caddy", program="caddy", verb="run|file-server", suffixes=pages),
        one(name="lighttpd", program="lighttpd", suffixes=pages),
        one(name="darkhttpd", program="darkhttpd", suffixes=pages),
        one(name="http-server", program="http-server", suffixes=pages),
        one(name="static-web-server", program="static-web-server", suffixes=pages),
        one(name="serve", program="serve", suffixes=pages),
        one(name="http.server", program="http.server", suffixes=pages),
        one(name="nodemon", program="nodemon", suffixes=(".js", ".mjs", ".cjs", ".json"), watching=("--watch", "-w")),
        one(name="tsx watch", program="tsx", verb="watch", suffixes=scripts),
        one(name="ts-node-dev", program="ts-node-dev", suffixes=scripts),
        one(name="node --watch", program="node", options=("--watch",), suffixes=scripts),
        one(name="bun --watch", program="bun", options=("--watch", "--hot"), suffixes=scripts),
        one(name="deno --watch", program="deno", verb="run|serve", options=("--watch",), suffixes=scripts),
        one(name="vite", program="vite", without=("build", "preview", "optimize"), suffixes=sources, watching=()),
        one(name="webpack", program="webpack", verb="serve", suffixes=sources),
        one(name="webpack", program="webpack-dev-server", suffixes=sources),
        one(name="next dev", program="next", verb="dev", suffixes=sources),
        one(name="nuxt dev", program="nuxt", verb="dev", suffixes=sources),
        one(name="nuxt dev", program="nuxi", verb="dev", suffixes=sources),
        one(name="astro dev", program="astro", verb="dev", suffixes=(*sources, ".md", ".mdx")),
        one(name="ng serve", program="ng", verb="serve", suffixes=sources),
        one(name="react-scripts start", program="react-scripts", verb="start", suffixes=sources),
        one(name="vue-cli-service serve", program="vue-cli-service", verb="serve", suffixes=sources),
        one(name="uvicorn --reload", program="uvicorn", options=("--reload",), suffixes=python,
            watching=("--reload-dir",)),
        one(name="hypercorn --reload", program="hypercorn", options=("--reload",), suffixes=python),
        one(name="gunicorn --reload", program="gunicorn", options=("--reload",), suffixes=python),
        one(name="fastapi dev", program="fastapi", verb="dev", without=("--no-reload",), suffixes=python,
            watching=("--reload-dir",)),
        one(name="flask --debug", program="flask", options=("--debug", "--reload"), suffixes=views,
            without=("--no-reload", "--no-debug"), variable=("FLASK_DEBUG", "1|true|True|on|yes")),
        one(name="flask --debug", program="flask", options=("--debug",), suffixes=views, without=("--no-reload",),
            variable=("FLASK_ENV", "development")),
        one(name="manage.py runserver", program="manage.py", verb="runserver", without=("--noreload",), suffixes=views),
        one(name="air", program="air", suffixes=(".go", ".tpl", ".tmpl", ".html"), watching=()),
        one(name="CompileDaemon", program="CompileDaemon", suffixes=(".go",), watching=("-directory", "--directory")),
        one(name="gow", program="gow", suffixes=(".go", ".mod"), watching=()),
        one(name="cargo watch", program="cargo", verb="watch", suffixes=(".rs",)),
        one(name="cargo watch", program="cargo-watch", suffixes=(".rs",)),
        one(name="dotnet watch", program="dotnet", verb="watch", suffixes=(".cs", ".razor", ".cshtml")),
        one(name="hugo server", program="hugo", verb="server|serve", suffixes=(".md", ".html", ".css")),
        one(name="mkdocs serve", program="mkdocs", verb="serve", suffixes=(".md", ".html", ".css")),
        one(name="jekyll serve", program="jekyll", verb="serve|s", suffixes=(".md", ".html", ".css", ".scss")),
    )  # fmt: skip


RELOADERS = _known()
"""What is known to see changes by itself, and which."""


def shown(process: Process) -> str:
    """Its command line, for people."""
    words = process.argv[2:] if _is_shell(process.argv) else process.argv
    text = " ".join(words)
    return f"{text[: _SHOWN - 1]}…" if len(text) > _SHOWN else text


def reloader_of(process: Process) -> Reloader | None:
    """What sees changes by itself there; None when nothing is known to do so."""
    environment = dict(process.environment)
    words = _program(process.argv, environment) if not process.opaque else []
    return next((each for each in RELOADERS if _is(each, words, environment)), None) if words else None


def blind_to(process: Process, path: str) -> str:
    """Why a process does not see that a file of its container changed; empty when it does."""
    reloader = reloader_of(process)
    if reloader is None:
        return f"`{shown(process)}` in container `{process.container}` is not known to see changed files"
    name = posixpath.basename(path)
    seen = name.endswith(_extensions(reloader, process.argv)) and not _SETTINGS.fullmatch(name)
    outside = any(path.startswith(f"{each}/") for each in _NOT_SERVED) or not _watches(reloader, process, path)
    named = any(posixpath.join(process.directory, word) == path for word in _words(process.argv)[1:])
    serves = ".png" in reloader.suffixes
    if seen and not outside and not (named and serves):
        return ""
    return f"`{reloader.name}` in container `{process.container}` does not see changes of `{path}`"


def _watches(reloader: Reloader, process: Process, path: str) -> bool:
    if reloader.watching is None:
        return True
    named = _values(_words(process.argv), reloader.watching) or ["."]
    below = [posixpath.normpath(posixpath.join(process.directory, each)) for each in named]
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in below)


def _is(reloader: Reloader, words: Sequence[str], environment: Mapping[str, str]) -> bool:
    program, arguments = words[0], words[1:]
    if program != reloader.program:
        return False
    plain = {argument.partition("=")[0] for argument in arguments}
    if plain & set(reloader.without):
        return False
    if reloader.verb:
        verb = next((argument for argument in arguments if not argument.startswith("-")), "")
        if verb not in reloader.verb.split("|"):
            return False
    name, wanted = reloader.variable
    if name and re.fullmatch(wanted, environment.get(name, "")):
        return True
    return not reloader.options or bool(plain & set(reloader.options))


def _extensions(reloader: Reloader, argv: Sequence[str]) -> tuple[str, ...]:
    """The suffixes that a reloader sees, also where options say it."""
    if reloader.program != "nodemon":
        return reloader.suffixes
    found = re.split(r"[ ,]+", " ".join(_values(_words(argv), ("-e", "--ext"))))
    return tuple(f".{part.lstrip('.*')}" for part in found if part.strip(".*")) or reloader.suffixes


def _values(words: Sequence[str], options: Sequence[str]) -> list[str]:
    """The values that some options have."""
    found = []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option in options:
            found.append(value if equals else following)
    return [value for value in found if value]


def _is_shell(argv: Sequence[str]) -> bool:
    return len(argv) >= 3 and posixpath.basename(argv[0]) in ("sh", "bash", "ash", "dash") and argv[1] in ("-c", "-ec")


def _words(argv: Sequence[str]) -> list[str]:
    if not _is_shell(argv):
        return list(argv)
    try:
        return shlex.split(argv[2])
    except ValueError:
        return []


def _program(argv: Sequence[str], environment: dict[str, str], passed: list[str] | None = None) -> list[str]:
    """The program that runs in the end and its arguments; empty when that cannot be seen.

    Args:
        argv: what the container starts.
        environment: gets what the command line sets.
        passed: gets the programs in front of it.
    """
    if _is_shell(argv):
        return _of_shell(argv[2], environment, passed)
    words = list(argv)
    while words:
        assignment = _ASSIGNMENT.fullmatch(words[0])
        name = posixpath.basename(words[0])
        if assignment:
            environment[assignment[1]] = assignment[2]
            words = words[1:]
        elif name in _LAUNCHERS or name in _ENTRYPOINTS:
            if passed is not None:
                passed.append(words[0])
            words = _without_options(words[1:])
        elif tuple(words[:2]) in _RUNNERS:
            words = _without_options(words[2:])
        elif name in ("busybox", "yarn", "pnpm") and len(words) > 1:
            words = words[1:]
        elif _PYTHON.fullmatch(name):
            if passed is not None:
                passed.append(words[0])
            return _of_python(words[1:])
        else:
            return [name, *words[1:]] if _INSTALLED.match(words[0]) else []
    return []


def _of_shell(script: str, environment: dict[str, str], passed: list[str] | None) -> list[str]:
    *before, last = script.split("&&")
    if _UNTOUCHED.search(script.replace("&&", "")) or not all(map(_HARMLESS.match, before)):
        return []
    try:
        return _program(shlex.split(last), environment, passed)
    except ValueError:
        return []


def programs(process: Process) -> tuple[str, ...]:
    """The names under which its programs are started: what starts others, and the last one."""
    starters, words = command_of(process)
    return (*starters, *words[:1])


def command_of(process: Process) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What starts the program of a process, and the program with its arguments; that is empty when it cannot be seen.

    For Python the program is the script or the module, and Python one of those that start it.
    """
    passed: list[str] = []
    words = _program(process.argv, {}, passed)
    return tuple(passed), tuple(words)


def _without_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-") and words[0] != "--":
        words = words[1:]
    return words[1:] if words and words[0] == "--" else words


def _of_python(words: list[str]) -> list[str]:
    """The module or the script that Python runs."""
    while words and words[0].startswith("-") and words[0] != "-m":
        words = words[2:] if words[0] in ("-X", "-W") else words[1:]
    if words[:1] == ["-m"]:
        return words[1:]
    return [posixpath.basename(words[0]), *words[1:]] if words else []
