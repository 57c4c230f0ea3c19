"""Tiltfiles and YAML that nobody would write: made of the grammar, and by spoiling good ones."""

import copy
import json
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import yaml
from hypothesis import strategies as st

from pytilt.dialect import Builtin
from pytilt.loop.planning.digests import resource_digest
from pytilt.model.commands import Command
from pytilt.testing.project import folder_repository
from pytilt.tiltfile.evaluation import evaluate
from pytilt.tiltfile.running.request import EvaluationRequest, EvaluationResult, Host, LocalResult
from pytilt.views.tiltfile_result import tiltfile_result
from tests.tiltfile.projects import config_map, deployment, documents, secret, service

LIMIT_SECONDS = 5
"""An evaluation that takes more time of the processor counts as one that hangs."""

_YAML = documents(
    deployment("web", "img/web:v1", more=", command: [a], env: [{name: IMG, value: img/web}]"),
    service("web", "web"),
    secret("s", "k", "hello-world"),
    config_map("cm"),
    "apiVersion: x.io/v1\nkind: Thing\nmetadata: {name: t}\nspec: {image: img/web, of: {repo: img/web, tag: v1}}\n",
)
_COMPOSE = """\
name: shop
services:
  web: {image: "img/${TAG:-web}", build: {context: ., args: [A=1]}, ports: ["80:80", {target: 1, published: "2"}],
    depends_on: {db: {condition: service_healthy}}, env_file: [.env], profiles: [p], volumes: [".:/app:ro", "v:/v"]}
  db: {image: db, extends: {service: base}, environment: {A: $A, B: }}
  base: &base {image: base, healthcheck: {test: [CMD, x], interval: 1m30s}}
volumes: {v: {}}
"""
GOOD_TILTFILES = (
    """\
load('lib.star', 'f', g='value')
docker_build('img/web', '.', live_update=[sync('.', '/app'), run('touch /x', trigger=['a'])], ignore=['b'],
    only=['src'])
k8s_yaml(['a.yaml', blob('''apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: %s}''' % f(1))])
k8s_resource('web', port_forwards=['8000', port_forward(9000, 90, name='x')], labels=['l'], links='foo', objects=['cm'])
""",
    """\
config.define_string_list('to-run', args=True)
config.define_bool('debug')
cfg = config.parse()
for name in cfg.get('to-run', []) + ['b']:
    local_resource(name, cmd='echo %r' % name, deps=['x/**/*.go'], serve_cmd=['a', 'b'],
        readiness_probe=probe(period_secs=5, http_get=http_get_action(port=80)), resource_deps=['a'])
if os.path.exists('a.yaml') and len([x for x in range(3) if x % 2]) > 0:
    data = read_yaml_stream('a.yaml', default=[])
    print(encode_json({'n': len(data)}), decode_json('{"a": [1, 2.5]}'), sorted(data[0].keys()))
""",
    """\
docker_compose('docker-compose.yaml', env_file='.env', profiles=['p'])
dc_resource('web', labels=['x'], resource_deps=['db'])
custom_build('img/web', 'docker build -t $EXPECTED_REF .', ['.'], live_update=[fall_back_on('x'), sync('a', '/a')])
k8s_kind('Thing', image_object={'json_path': '{.spec.of}', 'repo_field': 'repo', 'tag_field': 'tag'})
k8s_custom_deploy('c', 'apply', 'delete', ['a'], image_selector='img/web')
watch_settings(ignore=['*.pyc'])
update_settings(max_parallel_updates=2, k8s_server_side_apply='true')
""",
    """\
v1alpha1.cmd('c', args=['a'], start_on=v1alpha1.start_on_spec(ui_buttons=['b']))
v1alpha1.ui_button(name='b', text='go', location=v1alpha1.ui_component_location('c', 'resource'), inputs=[
    v1alpha1.ui_input_spec(name='i', text=v1alpha1.ui_text_input_spec(default_value='x'))])
v1alpha1.extension_repo('r', url='file:///nowhere')
def work(n, *rest, key=None, **more):
    return n if n < 2 else work(n - 1) + work(n - 2)
workload_to_resource_function(lambda id: id.name + '-' + str(work(3)))
""",
)
_NAMES = ("a.yaml", "docker-compose.yaml", ".env", "Dockerfile", "lib.star", "tilt_config.json", "missing", "src", ".")
WORDS = (
    "",
    "a",
    "web",
    "img/web",
    "img/web:v1",
    "a/b",
    "*.py",
    "**/*.go",
    "!x",
    "[",
    "8000",
    "8000:80",
    "x:y",
    "/app",
    "/",
    "{.spec.image}",
    "v1",
    "http://x",
    "TRUE",
    "1.5",
    "\u2603",
    "\\udc80",
    "a\\nb",
    "%s",
    "{}",
    "{0}",
    "$A",
    "${A:?}",
    "5m",
)
PIECES = (
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "=",
    "==",
    "'",
    '"',
    '"""',
    "\n",
    "\n  ",
    "\t",
    "#",
    "\\",
    "*",
    "**",
    "%",
    "&",
    "!",
    "|",
    ">",
    "- ",
    "? ",
    "<<: ",
    "&a ",
    "*a ",
    "!!",
    "---\n",
    "...",
    "\x00",
    "\ufeff",
    "\u2028",
    "\ud800",
    "0",
    "-1",
    "1e999",
    "0x",
    "None",
    "True",
    "def f():",
    "lambda x: ",
    "for x in ",
    "if ",
    " else ",
    "return ",
    "load(",
    "in",
    "not ",
    "~",
    "null",
    "$",
    "${",
    "é",
)

_TYPICAL = {
    "args": '["a"]',
    "cmd": "'x'",
    "command": "'x'",
    "apply_cmd": "'x'",
    "delete_cmd": "'x'",
    "configPaths": '"docker-compose.yaml"',
    "container_port": "80",
    "containers": "1",
    "context": '"."',
    "contexts": '["kind-test"]',
    "deps": '["src"]',
    "dir": '"src"',
    "dockerfile": '"Dockerfile"',
    "env": '{"A": "1"}',
    "env_file": '".env"',
    "func": "lambda id: id.name",
    "host": '"h:1"',
    "ignore": '["*.x"]',
    "image": '"img/web"',
    "image_deps": '["img/web"]',
    "image_selector": '"img/web"',
    "json": """'{"a": [1]}'""",
    "kind": '"Thing"',
    "labels": '["l"]',
    "links": '["x"]',
    "live_update": '[sync("src", "/a")]',
    "local_path": '"src"',
    "local_port": "8000",
    "msg": '"m"',
    "name": '"web"',
    "new_name": '"n"',
    "obj": '{"a": [1, None]}',
    "objects": '["cm"]',
    "only": '["src"]',
    "path": '"lib.star"',
    "paths": '["a.yaml"]',
    "period_secs": "5",
    "port": "80",
    "port_forwards": '["80:81"]',
    "readiness_probe": "probe(exec=exec_action(['a']))",
    "ref": '"img/web"',
    "remote_path": '"/a"',
    "resource_deps": '["web"]',
    "resources": '["web"]',
    "secret": '["id=a,src=b"]',
    "serve_cmd": "'s'",
    "set": '["a=b"]',
    "timeout": '"5m"',
    "trigger": '["src"]',
    "trigger_mode": "TRIGGER_MODE_MANUAL",
    "url": '"http://x"',
    "workload": '"web"',
    "yaml": '"a.yaml"',
    "values": '["a.yaml"]',
    "input": '"x"',
    "k": '"K"',
    "key": '"K"',
    "v": '"V"',
}
"""Arguments that fit many parameters of these names, so that some calls get further than to their arguments."""

Functions = Mapping[str, tuple[tuple[str, bool], ...]]
"""What a Tiltfile can call, each with its parameters: the name, and whether it must be given."""


def spoiled(texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    """One of the texts with a few pieces of it cut out, put in twice, or replaced."""
    edit = st.tuples(st.integers(0, 2000), st.integers(0, 40), st.sampled_from(("", *PIECES)), st.booleans())
    return st.builds(_edited, st.sampled_from(texts), st.lists(edit, max_size=6))


def _edited(text: str, edits: list[tuple[int, int, str, bool]]) -> str:
    for at, length, piece, twice in edits:
        start = at % (len(text) + 1)
        cut = text[start : start + length]
        text = text[:start] + (cut + piece + cut if twice else piece) + text[start + length :]
    return text


_ODD: tuple[object, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**30,
    "",
    "x",
    "a b",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"a": 1},
    {"a": {"b": []}},
)
"""What stands in place of something else in YAML."""


def misshapen(text: str) -> st.SearchStrategy[str]:
    """YAML of which a few values are of the wrong kind."""
    change = st.tuples(st.lists(st.integers(0, 6), min_size=1, max_size=8), st.sampled_from(_ODD))
    found = list(yaml.safe_load_all(text))
    return st.lists(change, min_size=1, max_size=4).map(lambda changes: _misshaped(found, changes))


def _misshaped(found: list[object], changes: list[tuple[list[int], object]]) -> str:
    shaped = copy.deepcopy(found)
    for way, odd in changes:
        holder: object = shaped
        for step, number in enumerate(way, 1):
            if not isinstance(holder, dict | list) or not holder:
                break
            key = list(holder)[number % len(holder)] if isinstance(holder, dict) else number % len(holder)
            inner = holder[key]
            if step == len(way) or not isinstance(inner, dict | list) or not inner:
                holder[key] = copy.deepcopy(odd)
                break
            holder = inner
    return "---\n".join(json.dumps(each) + "\n" for each in shaped)


def values(functions: Functions) -> st.SearchStrategy[str]:
    """Expressions."""
    words = st.sampled_from((*WORDS, *_NAMES)).map(lambda word: f'"{word}"')
    simple = st.one_of(
        words,
        words,
        st.integers(-5, 70000).map(str),
        st.sampled_from(("None", "True", "1.5", "{}", "[]", "()", "x", "f", "1e300")),
    )
    return st.recursive(simple, lambda inner: _compound(inner, functions), max_leaves=6)


def _compound(inner: st.SearchStrategy[str], functions: Functions) -> st.SearchStrategy[str]:
    pairs = st.lists(st.tuples(inner, inner), max_size=3)
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        pairs.map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items) + "}"),
        st.tuples(inner, st.sampled_from(("+", "%", "*", "==", "in", "and", "|", "<", "//", "-")), inner).map(" ".join),
        st.builds(lambda one, other: f"[{one} for x in {other}]", inner, inner),
        st.builds(lambda one: f"({one},)", inner),
        st.builds(
            lambda one, name: f"({one}).{name}", inner, st.sampled_from(("name", "get", "append", "format", "join"))
        ),
        st.builds(lambda one: f"lambda x: {one}", inner),
        calls(inner, functions),
    )


def calls(inner: st.SearchStrategy[str], functions: Functions) -> st.SearchStrategy[str]:
    """Calls of the Tiltfile's functions, with arguments that have the right names at least."""
    return st.sampled_from(sorted(functions)).flatmap(lambda name: _call(name, functions[name], inner))


def _call(name: str, parameters: tuple[tuple[str, bool], ...], inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def argument(parameter: str) -> st.SearchStrategy[str]:
        typical = st.just(_TYPICAL.get(parameter, '"a"'))
        return st.one_of(typical, typical, typical, typical, inner)

    required = {key: argument(key) for key, must in parameters if must}
    optional = {key: argument(key) for key, must in parameters if not must}
    chosen = st.sets(st.sampled_from(sorted(optional)), max_size=4) if optional else st.just(set())
    given = st.builds(
        lambda values, keys: {key: values[key] for key in values if key in required or key in keys},
        st.fixed_dictionaries({**required, **optional}),
        chosen,
    )
    wild = st.dictionaries(st.sampled_from([key for key, _ in parameters] or ["x"]), inner, max_size=3)
    named = st.one_of(given, given, given, wild)
    return named.map(lambda chosen: f"{name}({', '.join(f'{key}={value}' for key, value in chosen.items())})")


def tiltfiles(functions: Functions) -> st.SearchStrategy[str]:
    """Whole Tiltfiles."""
    value = values(functions)
    call = calls(value, functions)
    line = st.one_of(
        call,
        call,
        value.map("x = {}".format),
        st.builds("for y in {}:\n    {}".format, value, call),
        st.builds("if {}:\n    {}\nelse:\n    x = 1".format, value, call),
        value.map("def f(x=1, *a):\n    return {}".format),
        value.map("x += {}".format),
        st.just("a, b = f(1), x"),
    )
    made = st.lists(line, min_size=1, max_size=6).map(lambda lines: "\n".join(["x = 1", "f = len", *lines]) + "\n")
    return st.one_of(made, spoiled(GOOD_TILTFILES))


GOOD_FILES = {
    "a.yaml": _YAML,
    "docker-compose.yaml": _COMPOSE,
    ".env": "A=1\nB='x y'\nexport C=\"$A\"\n# no\n",
    "Dockerfile": "ARG V=1\nFROM img/base:$V AS x\nCOPY --from=x a b\nRUN <<EOT\na\nEOT\n",
    "lib.star": "def f(x): return x\nvalue = [1]\n",
    "tilt_config.json": '{"to-run": ["a"], "debug": true}',
    ".tiltignore": "*.pyc\n!x\n",
}


def projects(functions: Functions) -> st.SearchStrategy[dict[str, str]]:
    """The files of a project: a Tiltfile that nobody would write, or good ones beside a spoiled file."""
    wild = tiltfiles(functions).map(lambda text: {**GOOD_FILES, "Tiltfile": text})
    other = st.sampled_from(sorted(GOOD_FILES)).flatmap(
        lambda name: st.builds(
            lambda tiltfile, text: {**GOOD_FILES, "Tiltfile": tiltfile, name: text},
            st.sampled_from(GOOD_TILTFILES),
            st.one_of(spoiled((GOOD_FILES[name],)), misshapen(GOOD_FILES[name]))
            if ".y" in name
            else spoiled((GOOD_FILES[name],)),
        )
    )
    return st.one_of(wild, wild, other, other)


def parameters_of(functions: Mapping[str, Builtin]) -> Functions:
    """The parameters of functions."""
    return {
        name: tuple((each.name, each.default is each.empty) for each in function.signature.parameters.values())
        for name, function in functions.items()
    }


def check_project(folder: Path, files: Mapping[str, str]) -> EvaluationResult:
    """Evaluate a project; fail when that fails in another way than an evaluation may."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "src").mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_bytes(_encoded(text))
    request = EvaluationRequest(
        path=f"{folder}/Tiltfile",
        context="kind-test",
        context_is_dev=True,
        environ={"A": "1"},
        tilt_version="0.37.2",
        all_errors=True,
    )
    with _time_limit():
        result = evaluate(request, Host(log=_silent, run_local=_no_command, checkout=folder_repository))
        if result.declaration is not None:
            tiltfile_result(result, str(folder), "2026-01-01T00:00:00Z")
            for each in result.declaration.resources:
                resource_digest(each)
    assert result.declaration is not None or result.error, "an evaluation ends with a declaration or an error"
    assert 'File "' not in (result.error or ""), f"the error shows frames of Python: {result.error}"
    return result


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def _silent(text: str, **_: object) -> None:
    """A `Log`: what is printed does not matter."""


def _no_command(command: Command, _stdin: bytes | None, _output: Callable[[str], None]) -> LocalResult:
    words = " ".join(command.argv)
    if "version" in words:
        return LocalResult(exit_status=0, stdout="v3.14.0\n")
    return LocalResult(exit_status=len(words) % 2, stdout=_YAML if len(words) % 3 else words)


@contextmanager
def _time_limit() -> Iterator[None]:
    def give_up(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"the evaluation did not end within {LIMIT_SECONDS} s")

    before = signal.signal(signal.SIGPROF, give_up)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_SECONDS, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
