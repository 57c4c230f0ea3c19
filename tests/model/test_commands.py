import pytest

from pytilt.model.commands import Command


@pytest.mark.parametrize(
    ("argv", "shown"),
    [
        (("sh", "-c", "echo 'a b' && ls"), "echo 'a b' && ls"),
        (("helm", "template", "--set", "a=b c"), "helm template --set 'a=b c'"),
        (("./hello.sh", "bar"), "./hello.sh bar"),
    ],
)
def test_a_command_is_shown_as_one_types_it(argv: tuple[str, ...], shown: str):
    assert Command(argv=argv, dir="/p").shown == shown
