from pytilt.model.api.buttons import (
    UIBoolInputSpec,
    UIBoolInputStatus,
    UIButton,
    UIButtonSpec,
    UIButtonStatus,
    UIChoiceInputSpec,
    UIChoiceInputStatus,
    UIComponentLocation,
    UIHiddenInputSpec,
    UIHiddenInputStatus,
    UIInputSpec,
    UIInputStatus,
    UITextInputSpec,
    UITextInputStatus,
)
from pytilt.model.api.toggles import BUTTON_TYPE
from pytilt.store.objects import Store
from pytilt.views.buttons import SESSION, buttons, initial_inputs


def place(kind: str, name: str) -> UIComponentLocation:
    return UIComponentLocation(component_type=kind, component_id=name)


def test_buttons_are_where_they_say_in_the_order_of_their_texts():
    store = Store()
    for name, text, where, annotations in (
        ("one", "Seed", place("Resource", "web"), {}),
        ("two", "Lint", place("resource", "web"), {}),
        ("off", "Disable", place("Resource", "web"), {BUTTON_TYPE: "DisableToggle"}),
        ("nav", "Docs", place("Global", "nav"), {}),
    ):
        store.put(UIButton(name=name, annotations=annotations, spec=UIButtonSpec(text=text, location=where)))
    found = {where: [each.name for each in some] for where, some in buttons(store.snapshot()).items()}
    assert found == {"web": ["two", "one"], SESSION: ["nav"]}


def test_a_form_begins_with_what_was_given_last_where_it_still_fits():
    specs = (
        UIInputSpec(name="text", text=UITextInputSpec(default_value="a")),
        UIInputSpec(name="new", text=UITextInputSpec(default_value="b")),
        UIInputSpec(name="flag", bool=UIBoolInputSpec()),
        UIInputSpec(name="choice", choice=UIChoiceInputSpec(choices=("x", "y"))),
        UIInputSpec(name="gone", choice=UIChoiceInputSpec(choices=("x", "y"))),
        UIInputSpec(name="hidden", hidden=UIHiddenInputSpec(value="now")),
    )
    given = (
        UIInputStatus(name="text", text=UITextInputStatus(value="typed")),
        UIInputStatus(name="flag", bool=UIBoolInputStatus(value=True)),
        UIInputStatus(name="choice", choice=UIChoiceInputStatus(value="y")),
        UIInputStatus(name="gone", choice=UIChoiceInputStatus(value="z")),
        UIInputStatus(name="hidden", hidden=UIHiddenInputStatus(value="then")),
    )
    button = UIButton(name="b", spec=UIButtonSpec(inputs=specs), status=UIButtonStatus(inputs=given))
    text, new, flag, choice, gone, hidden = initial_inputs(button)
    assert text.text == UITextInputStatus(value="typed")
    assert new.text == UITextInputStatus(value="b")
    assert flag.bool == UIBoolInputStatus(value=True)
    assert choice.choice == UIChoiceInputStatus(value="y")
    assert gone.choice == UIChoiceInputStatus(value="x")
    assert hidden.hidden == UIHiddenInputStatus(value="now")
