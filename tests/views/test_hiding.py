from pytilt.cluster.redaction import Redactor
from pytilt.views.hiding import without_data, without_secrets


def test_a_secret_loses_its_values_wherever_it_is():
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "aGVsbG8="}}
    body = {"deploy": {"objects": ({"kind": "List", "items": [secret]},), "count": 1}}
    shown = {**secret, "data": {"a": "[redacted secret key:a]"}}
    assert without_data(body) == {"deploy": {"objects": [{"kind": "List", "items": [shown]}], "count": 1}}


def test_a_value_that_is_a_mere_word_stays_where_programs_read():
    redactor = Redactor()
    redactor.learn([("error", "[x]"), ("localhost", "[y]"), ("tr0ub4dor", "[z]")])
    body = {"updateStatus": "error", "error": "an error", "url": "http://localhost/?t=tr0ub4dor", "names": ["error"]}
    assert without_secrets(body, redactor) == {
        "updateStatus": "error",
        "error": "an [x]",
        "url": "http://localhost/?t=[z]",
        "names": ["[x]"],
    }
