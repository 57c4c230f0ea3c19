from msgspec.structs import replace

from pytilt.loop.api.declaring import declared_objects, put_objects
from pytilt.model.api.buttons import UIButton
from pytilt.model.api.cmds import Cmd, CmdSpec, CmdStateRunning, CmdStatus
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.toggles import ToggleButton
from pytilt.model.names import ResourceName
from pytilt.model.resources import Declaration
from pytilt.model.stored import TILTFILE_OWNER
from pytilt.store.objects import Store
from tests.loop.declaring import local

ONE = Cmd(name="one", spec=CmdSpec(args=("true",)))


def test_what_is_declared_no_more_goes_and_what_others_made_stays(store: Store):
    store.put(Cmd(name="theirs"))
    put_objects(store, TILTFILE_OWNER, [ONE, ConfigMap(name="state")])
    put_objects(store, TILTFILE_OWNER, [ConfigMap(name="state")])
    assert set(store.snapshot().named(Cmd)) == {"theirs"}
    assert set(store.snapshot().named(ConfigMap)) == {"state"}


def test_what_is_declared_again_keeps_its_status_and_counts_its_changes(store: Store):
    put_objects(store, TILTFILE_OWNER, [ONE])
    status = CmdStatus(running=CmdStateRunning(pid=3))
    store.change(Cmd, "one", lambda each: replace(each, status=status))
    put_objects(store, TILTFILE_OWNER, [ONE])
    put_objects(store, TILTFILE_OWNER, [replace(ONE, spec=CmdSpec(args=("false",)))])
    found = store.get(Cmd, "one")
    assert found
    assert (found.generation, found.status, found.owner) == (2, status, TILTFILE_OWNER)


def test_every_resource_has_a_switch_a_button_that_stops_it_and_a_local_one_the_command_of_its_update():
    declaration = Declaration(resources=(local("web", update="make"),), objects=(ONE,))
    found = declared_objects(declaration, {ResourceName("web")})
    assert {(type(each), each.name) for each in found} == {
        (Cmd, "one"),
        (ConfigMap, "web-disable"),
        (ToggleButton, "web-disable"),
        (UIButton, "web-stopbuild"),
        (Cmd, "web:update"),
    }
