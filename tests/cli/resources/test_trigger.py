from pytilt.model.updates import Reason
from tests.cli.conftest import Tilt
from tests.cli.sessions import Session


def test_an_update_is_asked_for(tilt: Tilt, served: Session):
    assert tilt("trigger", "web") == (0, 'Successfully triggered update for resource: "web"\n', "")
    assert served.served.asked.triggered == [("web", Reason.CLI_TRIGGER)]


def test_the_tiltfile_is_triggered_like_a_resource(tilt: Tilt, served: Session):
    assert tilt("trigger", "(Tiltfile)").status == 0
    assert served.served.asked.triggered == [("(Tiltfile)", Reason.CLI_TRIGGER)]


def test_a_resource_that_is_not_there_is_an_error(tilt: Tilt, served: Session):
    assert tilt("trigger", "x") == (1, "", 'Error: (404): resource "x" does not exist\n')
    assert not served.served.asked.triggered


def test_a_disabled_resource_says_how_to_enable_it(tilt: Tilt, served: Session):
    served.do(lambda made: made.add("off", enabled=False))
    ended = tilt("trigger", "off")
    assert ended == (
        1,
        "",
        'Error: resource "off" is currently disabled\nhint: enable it first: `tilt enable off`\n',
    )
