import pytest

from pytilt.testing.project import Project


def printed(tmp_path, *expressions, **files):
    """What expressions print, one a line."""
    script = "".join(f"print({expression})\n" for expression in expressions) + "exit()\n"
    project = Project(tmp_path, {"Tiltfile": script, **files})
    result = project.evaluate()
    assert result.error is None or result.error.startswith("No resources"), result.error
    return project.log.partition("\n")[2]


def test_json_is_encoded_as_go_does(tmp_path):
    assert printed(tmp_path, "encode_json({'b': 1.0, 'a': [1, 2.5, None, True], 'c': '<é>', 'd': 1e30})") == (
        '{\n  "a": [\n    1,\n    2.5,\n    null,\n    true\n  ],\n'
        '  "b": 1,\n  "c": "\\u003cé\\u003e",\n  "d": 1e+30\n}\n\n'
    )


def test_json_is_decoded(tmp_path):
    assert (
        printed(tmp_path, """decode_json('{"a": [1, 1.0, null, true, "x"]}')""") == '{"a": [1, 1.0, None, True, "x"]}\n'
    )


def test_yaml_is_decoded_as_kubernetes_reads_it(tmp_path):
    text = r"'a: 1\nb: 1.0\nc: yes\nd: 2020-01-01'"
    assert printed(tmp_path, f"decode_yaml({text})") == '{"a": 1, "b": 1, "c": True, "d": "2020-01-01"}\n'


def test_streams_of_yaml_are_lists_without_empty_documents(tmp_path):
    assert (
        printed(tmp_path, r"decode_yaml_stream('a: 1\n---\n---\n- 2')", "decode_yaml('')") == '[{"a": 1}, [2]]\nNone\n'
    )


def test_yaml_is_encoded_with_sorted_keys(tmp_path):
    assert printed(tmp_path, "encode_yaml({'b': [1], 'a': 'x'})", "encode_yaml_stream([{'a': 1}, 2])") == (
        "a: x\nb:\n- 1\n\na: 1\n---\n2\n\n"
    )


def test_files_are_read_or_the_default_is_taken(tmp_path):
    files = {"a.json": "[1]", "a.yaml": "a: b", "s.yaml": "a\n---\nb"}
    lines = printed(
        tmp_path,
        "read_json('a.json'), read_yaml('a.yaml'), read_yaml_stream('s.yaml')",
        "read_json('no', default=3), read_yaml('no', 4), read_yaml_stream('no', [5])",
        **files,
    )
    assert lines == '[1] {"a": "b"} ["a", "b"]\n3 4 [5]\n'


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("decode_json('{')", "error parsing JSON: "),
        ("decode_json('[' * 100000)", "error parsing JSON: exceeded maximum nesting depth"),
        ("decode_json('[1] [2]')", "error parsing JSON: found multiple JSON values"),
        ("decode_json('1e3')", 'error converting JSON to Starlark: parsing "1e3": invalid syntax'),
        ("decode_yaml('a\\n---\\nb')", "expected a yaml document but found a yaml stream"),
        ("decode_yaml('[')", "error parsing YAML: not YAML: "),
        ("encode_json({1: 2})", "only string keys are supported in maps. found key '1' of type int"),
        ("encode_yaml(len)", "unable to convert from starlark value, unsupported type builtin_function_or_method"),
        ("read_json('no')", "open ROOT/no: no such file or directory"),
    ],
)
def test_what_cannot_be_read_or_written_is_explained(tmp_path, script, message):
    assert message in Project(tmp_path, {"Tiltfile": script}).error()


def test_yaml_is_written_as_go_writes_it(tmp_path):
    value = "{'a': '', 'b': '1', 'c': 'yes', 'd': 'x: y', 'e': '=', 'f': '<<', 'g': 'two\\nlines'"
    value += ", 'h': 'word ' * 20 + 'end'}"
    assert printed(tmp_path, f"encode_yaml({value})") == (
        'a: ""\nb: "1"\nc: "yes"\nd: \'x: y\'\ne: =\nf: <<\ng: |-\n  two\n  lines\n'
        "h: word word word word word word word word word word word word word word word word\n"
        "  word word word word end\n\n"
    )
    assert printed(tmp_path, "encode_yaml('x')") == "x\n\n"


def test_a_block_at_the_end_of_a_text_ends_its_line(tmp_path):
    assert printed(tmp_path, "encode_json(decode_yaml('a: |\\n  x'))") == '{\n  "a": "x\\n"\n}\n\n'
