from pytilt.extensions.repositories import Checkout
from pytilt.model.extensions import UsedExtension
from pytilt.tiltfile.running.report import DeclaredApiObject, Report
from pytilt.tiltfile.running.request import EvaluationResult, UsedRepository
from pytilt.tiltfile.used_extensions import used_extensions


def test_extensions_are_named_with_the_places_where_they_are():
    repository = {"url": "https://a/b", "ref": "", "loadHost": "", "gitSubpath": "sub"}
    declared = (
        DeclaredApiObject(plural="extensionrepos", name="mine", spec=repository),
        DeclaredApiObject(
            plural="extensions", name="hello", spec={"repoName": "mine", "repoPath": "hello", "args": ["x"]}
        ),
        DeclaredApiObject(plural="extensions", name="lost", spec={"repoName": "none", "repoPath": "l", "args": []}),
        DeclaredApiObject(plural="other", name="o"),
    )
    checkout = Checkout(path="/kept", commit="c", tree="t")
    used = UsedRepository(url="https://a/b", ref="", checkout=checkout)
    found = used_extensions(EvaluationResult(report=Report(objects=declared), repositories=(used,)))
    assert found == (
        UsedExtension(
            plural="extensionrepos", name="mine", spec={"url": "https://a/b", "gitSubpath": "sub"}, path="/kept"
        ),
        UsedExtension(
            plural="extensions",
            name="hello",
            spec={"repoName": "mine", "repoPath": "hello", "args": ["x"]},
            path="/kept/sub/hello/Tiltfile",
        ),
        UsedExtension(plural="extensions", name="lost", spec={"repoName": "none", "repoPath": "l"}),
    )
