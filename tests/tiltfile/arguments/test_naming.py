import pytest

from pytilt.tiltfile.arguments.naming import label_problem, name_problem


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        ("a.b_c-1", ""),
        ("-a", "name part must consist of alphanumeric characters, '-', '_' or '.', and must start"),
        ("", "name part must be non-empty"),
        ("a" * 64, "name part must be no more than 63 characters"),
        ("a/b", "a valid label must be an empty string or consist of"),
        ("/b", "prefix part must be non-empty"),
        ("a/b/c", "a qualified name must consist of"),
    ],
)
def test_a_label_is_one_of_kubernetes(label, problem):
    found = label_problem(label)
    assert found.startswith(problem)
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a b:c", ""),
        (".", "may not be '.'"),
        ("a/b", "may not contain '/'"),
        ("a%b", "may not contain '%'"),
        ("a\udcff", "may not contain bytes that are not UTF-8"),
    ],
)
def test_a_name_is_one_segment_of_a_path(name, problem):
    assert name_problem(name) == problem
