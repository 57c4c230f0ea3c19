"""Values of the host, structs and modules, and freezing."""

import pytest

from pytilt.dialect import (
    HostValue,
    ModuleValue,
    StructValue,
    freeze,
    starlark_dict,
    starlark_list,
    starlark_set,
    to_repr,
    to_str,
    type_name,
)
from pytilt.errors import TiltfileError
from tests.dialect.sandbox import Sandbox, evaluate


class Blob(HostValue):
    type_name = "blob"

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text

    def starlark_attrs(self):
        return {"size": len(self.text)}


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "NoneType"),
        (True, "bool"),
        (1, "int"),
        (1.5, "float"),
        ("", "string"),
        (b"", "bytes"),
        ([], "list"),
        ({}, "dict"),
        ((), "tuple"),
        (range(3), "range"),
        (starlark_list(), "list"),
        (starlark_dict(), "dict"),
        (starlark_set(), "set"),
        (Blob("x"), "blob"),
        (StructValue({}), "struct"),
        (ModuleValue("m", {}), "module"),
    ],
)
def test_every_value_has_the_type_name_of_starlark(value, name):
    assert type_name(value) == name


def test_a_value_of_the_host_works_in_a_tiltfile():
    sandbox = Sandbox(universe={"blob": Blob("hello")})
    sandbox.run("print(type(blob), str(blob), blob, blob.size, dir(blob), hasattr(blob, 'size'), [blob], bool(blob))")
    assert sandbox.printed == ['blob hello hello 5 ["size"] True [hello] True']
    with pytest.raises(TiltfileError, match=r"blob has no \.siz field or method \(did you mean \.size\?\)"):
        sandbox.run("blob.siz")
    with pytest.raises(TiltfileError, match=r"unknown binary op: blob \+ string"):
        sandbox.run("blob + ''")


def test_bool_is_not_int():
    assert evaluate("[1 == True, [0] == [False], 1 in [True], type(True), True == True, 1.0 == 1]") == [
        False, False, False, "bool", True, True,
    ]  # fmt: skip
    for expression in ("True + 1", "1 - False", "-True", "True * 2", "True // 1", "1 < True", "range(True)"):
        with pytest.raises(TiltfileError):
            evaluate(expression)


def test_a_struct_prints_its_fields_in_order():
    assert to_repr(StructValue({"b": 1, "a": "x"})) == 'struct(a = "x", b = 1)'
    assert to_str(ModuleValue("os", {"x": 1})) == '<module "os">'


def test_freezing_reaches_everything_inside():
    inner = starlark_list([1])
    whole = starlark_dict({"a": (StructValue({"b": inner}),)})
    freeze(whole)
    with pytest.raises(TiltfileError, match="cannot append to frozen list"):
        Sandbox(universe={"whole": whole}).run("whole['a'][0].b.append(2)")


def test_freezing_ends_for_what_contains_itself():
    loop = starlark_list()
    loop.append(loop)
    freeze(loop)
    assert to_repr(loop) == "[[...]]"
