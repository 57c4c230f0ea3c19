from pytilt.cli.session.down import goes_on
from pytilt.session.lookup import SessionRecord

SESSION = SessionRecord(
    pid=1, tiltfile="/shop/Tiltfile", started_in="/shop", host="localhost", port=10350, started="", context="engine"
)


def test_a_session_elsewhere_is_named_with_the_command_that_ends_it():
    assert goes_on(SESSION).splitlines() == [
        "a session of this project runs with the context `engine` and goes on",
        "`tilt down --context engine` ends it and deletes what it deployed",
    ]
    assert "`tilt down --context engine --namespace a`" in goes_on(SESSION._replace(namespace="a"))
