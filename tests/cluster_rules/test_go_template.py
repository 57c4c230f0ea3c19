import pytest

from pytilt.cluster.go_template import GoTemplate
from pytilt.errors import UserError

ITEMS = {"items": [{"metadata": {"name": "a", "labels": {"x.y": "1"}}, "n": 2}, {"metadata": {"name": "b"}, "n": 0}]}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ('{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', "a\nb\n"),
        ("{{range .items}}{{if .n}}{{.n}}{{else}}none{{end}} {{end}}", "2 none "),
        ("{{range .items}}{{if eq .n 2}}two{{else if eq .metadata.name `b`}}bee{{end}}{{end}}", "twobee"),
        ("{{range .none}}x{{else}}empty{{end}}", "empty"),
        ("{{ range .items }}\n  {{- .metadata.name -}}\n{{ end }}", "ab"),
        ("{{(index .items 0).n}}", "2"),
        ("{{with (index .items 0)}}{{.n}} {{$.items | len}}{{end}}", "2 2"),
        ('{{with index .items 0}}{{index .metadata.labels "x.y"}}{{end}}', "1"),
        ("{{.nope}} {{.items.nope}}", "<no value> <no value>"),
        ('{{/* a word */}}{{len .items | printf "%d of %v" 1}}', "1 of 2"),
        ("{{with index .items 1}}{{.metadata}}{{end}}", "map[name:b]"),
        ("{{if and .items (not .nope)}}yes{{end}}", "yes"),
        ('{{print "}}" true}}', "}}true"),
    ],
)
def test_a_template_is_filled_in(template: str, expected: str):
    assert GoTemplate(template)(ITEMS) == expected


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{range .items}}", r"`range` of the template has no \{\{end\}\}"),
        ("{{end}}", "unexpected"),
        ("{{.a", "unclosed action"),
        ("{{}}", "missing value"),
        ("{{frob .a}}", 'function "frob" not defined'),
        ("{{$x = .a}}", "is not there in templates"),
        ("{{$x}}", "undefined variable"),
        ("{{with $a, $b := .items}}{{end}}", "too many variables"),
        ('{{define "x"}}', "is not there in templates"),
        ("{{(len .items}}", "unbalanced parentheses"),
        ("{{.items .n}}", "is no function"),
        ("{{len .nope}}", "error calling len"),
        ("{{range .items}}{{range .n}}{{end}}{{end}}", "range can't iterate over 2"),
        ("{{index .items 7}}", "error calling index"),
    ],
)
def test_what_cannot_be_read_is_an_error(template: str, text: str):
    with pytest.raises(UserError, match=text):
        GoTemplate(template)(ITEMS)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=1;b=2;"),
        ("{{range $i, $e := .list}}{{if $i}},{{end}}{{$e.n}}{{end}}", "x,y"),
        ("{{range $e := .list}}{{$e.n}}{{$.top}}{{end}}", "xtyt"),
        ("{{$t := .top}}{{range .list}}{{$t}}{{.n}}{{end}}", "txty"),
        ("{{with $m := .map}}{{$m.a}}{{end}}{{if $n := .none}}{{else}}-{{end}}", "1-"),
    ],
)
def test_variables_have_values(template: str, text: str):
    thing = {"map": {"b": 2, "a": 1}, "list": [{"n": "x"}, {"n": "y"}], "top": "t"}
    assert GoTemplate(template)(thing) == text
