import json

from pytilt.views.openapi import PREFIX, openapi


def test_every_reference_leads_to_a_definition():
    found = openapi()
    text = json.dumps(found)
    names = {each.partition('"')[0] for each in text.split("#/definitions/")[1:]}
    assert names <= found["definitions"].keys()


def test_a_kind_has_its_fields_and_its_addresses():
    found = openapi()
    cmd = found["definitions"][f"{PREFIX}.Cmd"]
    assert cmd["properties"]["spec"]["$ref"] == f"#/definitions/{PREFIX}.CmdSpec"
    assert cmd["x-kubernetes-group-version-kind"] == [{"group": "tilt.dev", "kind": "Cmd", "version": "v1alpha1"}]
    args = found["definitions"][f"{PREFIX}.CmdSpec"]["properties"]["args"]
    assert (args["type"], args["items"]) == ("array", {"type": "string"})
    meta = found["definitions"][f"{PREFIX}.ObjectMeta"]["properties"]
    assert meta["labels"]["additionalProperties"] == {"type": "string"}
    assert found["paths"]["/apis/tilt.dev/v1alpha1/cmds/{name}"].keys() == {
        "parameters",
        "get",
        "put",
        "patch",
        "delete",
    }
    assert found["paths"]["/apis/tilt.dev/v1alpha1/uiresources"].keys() == {"get"}
