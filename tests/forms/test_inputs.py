"""What the inputs of a form hold, with the edits that it knows of."""

from __future__ import annotations

from clover_nb.forms.inputs import FieldMessage, FormValues


def a_message(view, number, **edits):
    """One that brings along texts that were typed just now."""
    made = {name: {"text": text, "number": number} for name, text in edits.items()}
    return {"view": view, "number": number, "edits": made}


def test_each_view_counts_its_own_edits():
    """The same form may be shown twice, and in two pages."""
    inputs = FormValues({"name": "", "phone": ""})
    inputs.take(a_message("one", 1, name="A"))
    inputs.take(a_message("two", 1, phone="5"))
    inputs.take(a_message("one", 2, name="An"))
    assert inputs.state() == {
        "texts": {"name": "An", "phone": "5"},
        "seen": {"one": 2, "two": 1},
        "begun": {},
    }


def test_an_edit_that_comes_again_undoes_nothing():
    """As it does until the browser has heard of it; one that was lost comes with the next one."""
    inputs = FormValues({"name": "", "phone": ""})
    inputs.take(a_message("one", 1, name="ana"))
    inputs.values["name"] = "Ana"  # in another spelling
    lost = a_message("one", 2, phone="5")
    both = a_message("one", 1, name="ana")["edits"] | lost["edits"]
    assert inputs.take({"view": "one", "number": 3, "edits": both}) == {"phone": "5"}
    assert inputs.values == {"name": "Ana", "phone": "5"}


def test_what_is_asked_for_twice_is_begun_once():
    """Each view asks for itself, and an edit asks for nothing."""
    inputs = FormValues({})
    assert inputs.begin_task(a_message("one", 3))
    assert not inputs.begin_task(a_message("one", 3))
    assert inputs.begin_task(a_message("two", 3))
    inputs.take(a_message("one", 5))
    assert inputs.begin_task(a_message("one", 4))
    assert inputs.state()["begun"] == {"one": 4, "two": 3}


def test_what_has_changed_is_known_by_its_text_and_not_by_white_space():
    """And what the form doesn't have is not taken."""
    inputs = FormValues({"name": "Ana", "phone": ""})
    assert inputs.take(a_message("one", 1, name=" Ana ", unknown="x")) == {"name": " Ana "}
    assert inputs.find_edits() == {}
    inputs.take(a_message("one", 2, phone="5"))
    assert inputs.find_edits() == {"phone": "5"}
    assert inputs.find_edits(besides=["phone"]) == {}


def test_an_edit_ends_what_was_said_about_its_input_alone():
    """What Clover said about another one is still so."""
    inputs = FormValues({"name": "", "phone": ""})
    inputs.messages = {
        "name": FieldMessage("error", "too long"),
        "phone": FieldMessage("error", "no phone"),
    }
    inputs.take(a_message("one", 1, name="A"))
    assert set(inputs.messages) == {"phone"}


def test_beginning_anew_keeps_what_is_to_be_kept():
    """With nothing said and nothing touched."""
    inputs = FormValues({"name": "Ana", "phone": ""})
    inputs.touched = {"name"}
    inputs.begin({"name": "Bea", "phone": ""}, {"phone": "5"})
    assert inputs.values == {"name": "Bea", "phone": "5"}
    assert inputs.initial == {"name": "Bea", "phone": ""}
    assert inputs.touched == set()
