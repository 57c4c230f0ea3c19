import json
import os

import pytest

from pytilt.lsp.server import LanguageServer, no_extension

HERE = "file:///p/Tiltfile"
TILTFILE = """\
load('./lib.star', 'greet', hi='wave')

services = ['a', 'b']

def serve(name, port=80, *rest, debug=False, **more):
    '''Serve one of them.

    The port is open.
    '''
    local = name
    local_resource(name, serve_cmd='x')

serve('a')
"""


class Editor:
    """An editor that has started the server and opened a Tiltfile."""

    def __init__(self, text=TILTFILE, uri=HERE, extension=no_extension):
        self.server = LanguageServer("1", extension)
        self.number = 0
        self.uri = uri
        self.ask("initialize", capabilities={})
        self.opened = self.notify("textDocument/didOpen", text=text)

    def ask(self, method, **params):
        self.number += 1
        [answer] = self.server.handle(json.dumps({"id": self.number, "method": method, "params": params}).encode())
        assert answer["id"] == self.number
        return json.loads(json.dumps(answer.get("result", answer.get("error")), default=encoded))

    def notify(self, method, *, text=None, **params):
        document = {"uri": self.uri}
        if method == "textDocument/didOpen":
            document["text"] = text
        elif text is not None:
            params["contentChanges"] = [{"text": text}]
        message = {"method": method, "params": {"textDocument": document, **params}}
        said = self.server.handle(json.dumps(message).encode())
        return [each for one in said for each in one["params"].get("diagnostics", [])]

    def at(self, method, line, character):
        position = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", textDocument={"uri": self.uri}, position=position)

    def writing(self, method, text):
        """Ask at the end of a text that is written behind the Tiltfile."""
        whole = TILTFILE + text
        self.notify("textDocument/didChange", text=whole)
        return self.at(method, whole.count("\n"), len(text.rpartition("\n")[2]))


def encoded(value):
    """A struct as it goes over the wire."""
    import msgspec

    return msgspec.to_builtins(value)


@pytest.fixture
def editor(tmp_path):
    (tmp_path / "lib.star").write_text("def greet(whom, loud=False):\n    '''Say hello.'''\n\ndef wave():\n    pass\n")
    return Editor(uri=f"file://{tmp_path}/Tiltfile")


def labels(items):
    return {item["label"] for item in items}


@pytest.mark.parametrize(
    ("text", "line", "character", "message"),
    [
        ("x = (\n", 1, 0, "got end of file"),
        ("\nlokal_resource('a')\n", 1, 0, "undefined: lokal_resource"),
        ("local_resource('a', 'x', ddeps=[])\n", 0, 14, 'unexpected keyword argument "ddeps" (did you mean deps?)'),
        ("docker_build('a')\n", 0, 12, "docker_build: missing argument for context"),
        ("x = os.path.exists()\n", 0, 18, "os.path.exists: missing argument for path"),
        ("load('./none.star', 'x')\n", 0, 0, "cannot load ./none.star: there is no such file"),
        (
            "load('./lib.star', 'greeet')\n",
            0,
            0,
            "load: name greeet not found in module ./lib.star (did you mean greet?)",
        ),
        ("y = '\U0001f600' + z\n", 0, 11, "undefined: z"),
    ],
)
def test_a_mistake_is_shown_where_it_is(editor, text, line, character, message):
    [found] = editor.notify("textDocument/didChange", text=text)
    assert message in found["message"]
    assert found["range"]["start"] == {"line": line, "character": character}
    assert found["severity"] == 1


@pytest.mark.parametrize(
    "text",
    [
        TILTFILE,
        "k8s_resource('web', 'web.yaml', image='x')\n",
        "def k8s_yaml(a, b, c): pass\nk8s_yaml(1, 2, 3)\n",
        "args = {}\nlocal_resource(**args)\ndocker_build(*args)\nload('ext://none', 'x')\nx()\n",
        "print(1, 2, sep='')\nlen([])\ntest('a', 'b')\nv1alpha1.cmd('a', args=['b'])\n",
    ],
)
def test_what_is_right_is_no_mistake(editor, text):
    assert editor.notify("textDocument/didChange", text=text) == []


def test_a_file_that_many_names_come_from_is_read_once_for_an_answer():
    looked: list[str] = []
    editor = Editor("load('ext://a', 'b', 'c', 'd', 'e')\nx = ", extension=looked.append)
    looked.clear()
    editor.at("completion", 1, 4)
    assert looked == ["a"]


def test_what_is_no_file_is_not_loaded(editor, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("./pipe", "./folder", "/dev/zero", "x" * 5000):
        [found] = editor.notify("textDocument/didChange", text=f"load('{name}', 'x')\n")
        assert found["message"].startswith(f"cannot load {name}")


def test_a_closed_document_has_no_mistakes_any_more(editor):
    assert editor.notify("textDocument/didChange", text="x = (") != []
    assert editor.notify("textDocument/didClose") == []
    assert editor.at("hover", 0, 0) is None


@pytest.mark.parametrize(
    ("text", "there", "not_there"),
    [
        (
            "k8s_",
            {"k8s_yaml", "docker_build", "services", "serve", "greet", "hi", "os", "len", "while"},
            {"name", "os.path"},
        ),
        ("def f(inner):\n    x = 1\n    ", {"inner", "x", "serve"}, {"name"}),
        ("os.", {"path", "getenv", "environ"}, {"print", "path.join", "os"}),
        ("os.path.jo", {"join", "exists"}, {"getenv"}),
        ("local_resource('a', cmd='x', ", {"deps=", "serve_cmd=", "services"}, {"cmd="}),
        ("serve(", {"name=", "port=", "debug="}, {"rest=", "*rest=", "more="}),
        ("greet('a', ", {"whom=", "loud="}, set()),
        ("'a,b'.", {"split", "join"}, {"append", "print"}),
        ("[].", {"append"}, {"split"}),
        ("x = 'k8s_", set(), {"k8s_yaml"}),
        ("# k8s_", set(), {"k8s_yaml"}),
    ],
)
def test_what_can_be_written_is_proposed(editor, text, there, not_there):
    found = labels(editor.writing("completion", text))
    assert there <= found
    assert not not_there & found


def test_arguments_come_first_and_functions_are_explained(editor):
    items = editor.writing("completion", "docker_build(")
    assert [item["label"] for item in items[:2]] == ["ref=", "context="]
    [found] = [item for item in items if item["label"] == "local"]
    assert found["detail"].startswith("local(command: Any, quiet: bool = False,")
    assert found["detail"].endswith("-> blob_value")
    assert found["documentation"] == "Run a command now, and return what it wrote to standard output."


@pytest.mark.parametrize(
    ("line", "character", "expected"),
    [
        (9, 8, "local_resource(name: str, cmd: Any = None,"),
        (11, 2, "serve(name, port=80, *rest, debug=False, **more)\n```\n\nServe one of them.\n\nThe port is open."),
        (0, 22, "greet(whom, loud=False)\n```\n\nSay hello.\n\n./lib.star"),
        (0, 29, "wave()\n```\n\n\n\n./lib.star"),
        (2, 3, "```python\nservices\n```"),
    ],
)
def test_a_name_is_explained(editor, line, character, expected):
    line += line > 4
    assert expected in editor.at("hover", line, character)["contents"]["value"]


def test_a_part_of_a_dotted_name_is_explained(editor):
    editor.notify("textDocument/didChange", text="x = os.path.join('a')\n")
    assert editor.at("hover", 0, 13)["contents"]["value"].startswith("```python\nos.path.join(*parts: Any) -> str\n")
    assert editor.at("hover", 0, 5)["contents"]["value"] == "```python\nos\n```"
    assert editor.at("hover", 0, 19) is None


@pytest.mark.parametrize(
    ("text", "label", "active"),
    [
        ("sync(", "sync(local_path: str, remote_path: str, follow_symlinks: bool = False) -> Any", 0),
        ("sync('a', [1, 2], ", "sync(local_path: str, remote_path: str, follow_symlinks: bool = False) -> Any", 2),
        ("run('a', trigger=", "run(cmd: Any, trigger: Any = None, echo_off: bool = False) -> Any", 1),
        ("serve('a', ", "serve(name, port=80, *rest, debug=False, **more)", 1),
        ("greet(loud=", "greet(whom, loud=False)", 1),
        ("k8s_yaml(helm('a', ", "helm(paths: str, name: str = ''", 1),
        ("k8s_yaml(helm('a'), ", "k8s_yaml(yaml: Any, allow_duplicates: bool = False) -> None", 1),
    ],
)
def test_the_argument_that_is_being_written_is_shown(editor, text, label, active):
    found = editor.writing("signatureHelp", text)
    assert found["signatures"][0]["label"].startswith(label)
    assert found["activeParameter"] == active


def test_nothing_is_shown_where_nothing_is_called(editor):
    assert editor.writing("signatureHelp", "x = [1, ") is None
    assert editor.writing("signatureHelp", "services(") is None


@pytest.mark.parametrize(
    ("line", "character", "file", "target"),
    [
        (12, 2, "Tiltfile", (4, 4)),
        (10, 20, "Tiltfile", (4, 10)),
        (2, 2, "Tiltfile", (2, 0)),
        (0, 22, "lib.star", (0, 4)),
        (0, 29, "lib.star", (3, 4)),
        (0, 10, "lib.star", (0, 0)),
    ],
)
def test_a_definition_is_found(editor, tmp_path, line, character, file, target):
    found = editor.at("definition", line, character)
    assert found["uri"] == f"file://{tmp_path}/{file}"
    assert found["range"]["start"] == {"line": target[0], "character": target[1]}


def test_a_function_of_tilts_is_defined_nowhere(editor):
    assert editor.at("definition", 10, 6) is None


def test_what_the_file_defines_is_listed(editor):
    symbols = editor.ask("textDocument/documentSymbol", textDocument={"uri": editor.uri})
    assert [(each["name"], each["kind"]) for each in symbols] == [("services", 13), ("serve", 12)]


def test_names_of_a_text_that_cannot_be_read_any_more_are_still_known(editor):
    editor.notify("textDocument/didChange", text=TILTFILE + "x = )\ny = (\n\n\n")
    assert "serve" in labels(editor.at("completion", 15, 0))


def test_every_beginning_of_a_text_is_answered(editor):
    for end in range(0, len(TILTFILE), 5):
        text = TILTFILE[:end]
        for method in ("completion", "signatureHelp", "hover", "definition"):
            editor.notify("textDocument/didChange", text=text)
            editor.at(method, text.count("\n"), len(text.rpartition("\n")[2]))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"[]", -32700),
        (b'{"id": 1, "method": "initialize", "params": ' + b"[" * 5000 + b"]" * 5000 + b"}", -32700),
        (b'{"id": 1, "method": "textDocument/nothing"}', -32601),
        (b'{"id": 1, "method": "textDocument/hover", "params": {"position": 3}}', -32602),
    ],
)
def test_a_message_that_is_none_is_answered_with_an_error(editor, body, code):
    [answer] = editor.server.handle(body)
    assert answer["error"]["code"] == code


def test_a_request_before_the_first_is_refused():
    [answer] = LanguageServer("1").handle(b'{"id": 1, "method": "textDocument/hover", "params": {}}')
    assert answer["error"]["code"] == -32002


@pytest.mark.parametrize(("shut_down", "status"), [(True, 0), (False, 1)])
def test_the_end_is_orderly_after_a_shutdown(editor, shut_down, status):
    if shut_down:
        assert editor.ask("shutdown") is None
    editor.server.handle(b'{"method": "exit"}')
    assert editor.server.exit_status == status
