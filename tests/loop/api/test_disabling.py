import pytest

from pytilt.loop.api.disabling import disable_status
from pytilt.model.api.config_maps import ConfigMap
from pytilt.model.api.metadata import ConfigMapDisableSource, DisableSource
from pytilt.store.objects import Store


def key(name: str) -> ConfigMapDisableSource:
    return ConfigMapDisableSource(name="state", key=name)


@pytest.mark.parametrize(
    ("source", "state"),
    [
        (None, "Enabled"),
        (DisableSource(config_map=key("yes")), "Disabled"),
        (DisableSource(config_map=key("no")), "Enabled"),
        (DisableSource(config_map=key("odd")), "Error"),
        (DisableSource(config_map=key("none")), "Pending"),
        (DisableSource(config_map=ConfigMapDisableSource(name="none", key="a")), "Pending"),
        (DisableSource(every_config_map=(key("yes"), key("no"))), "Enabled"),
        (DisableSource(every_config_map=(key("yes"), key("yes"))), "Disabled"),
        (DisableSource(), "Error"),
    ],
)
def test_a_key_that_is_true_disables(store: Store, source: DisableSource | None, state: str):
    store.put(ConfigMap(name="state", data={"yes": "true", "no": "false", "odd": "x"}))
    found = disable_status(store.snapshot(), source, None, "now")
    assert (found.state, found.last_update_time) == (state, "now")
    assert disable_status(store.snapshot(), source, found, "later") is found
