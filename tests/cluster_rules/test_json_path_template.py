import pytest

from pytilt.cluster.json_path_template import evaluate, parse
from pytilt.errors import UserError

WEB = {
    "kind": "UIResource",
    "metadata": {"name": "web", "labels": {"a.b/c": "x"}},
    "status": {"order": 2, "queued": True, "links": [{"url": "http://a", "name": "one"}, {"url": "http://b"}]},
}
LIST = {"kind": "List", "items": [WEB, {"metadata": {"name": "db"}, "status": {}}]}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.metadata.name}", "web"),
        ("{$.metadata.name}", "web"),
        ("{.metadata['name']}", "web"),
        ("name={.metadata.name}!", "name=web!"),
        ("{.status.order} {.status.queued}", "2 true"),
        ("{.status.links[*].url}", "http://a http://b"),
        ("{.status.links[0]}", '{"url":"http://a","name":"one"}'),
        ("{.metadata.labels}", '{"a.b/c":"x"}'),
        (r"{.metadata.labels.a\.b/c}", "x"),
        ("{.status.nothing}", ""),
        ('{.status.links[?(@.name=="one")].url}', "http://a"),
        ("{.status.links[-1:].url}", "http://b"),
        (r'{range .status.links[*]}{.url}{"\t"}{$.metadata.name}{"\n"}{end}', "http://a\tweb\nhttp://b\tweb\n"),
        ("{range .status.nothing[*]}{.url}{end}", ""),
        ("{'quoted'}", "quoted"),
        (".metadata.name", ".metadata.name"),
        ("", ""),
    ],
)
def test_a_template_prints_what_its_paths_lead_to(template: str, text: str):
    assert evaluate(parse(template), WEB) == text


def test_a_range_goes_through_a_list():
    template = parse('{range .items[*]}{.metadata.name}:{.status.order}{"\\n"}{end}')
    assert evaluate(template, LIST) == "web:2\ndb:\n"
    assert evaluate(parse("{.items[*].metadata.name}"), LIST) == "web db"


@pytest.mark.parametrize("template", ["{.a", "{end}", "{range .a}", "{.a[}", "{.a b}"])
def test_one_that_cannot_be_read_is_an_error(template: str):
    with pytest.raises(UserError):
        evaluate(parse(template), WEB)
