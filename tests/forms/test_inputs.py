"""What the inputs of a form hold, with the edits that it knows of."""

from __future__ import annotations

from clover_nb.forms.inputs import FieldMessage, FormValues


def test_each_view_counts_its_own_edits():
    """The same form may be shown twice, and in two pages."""
    inputs = FormValues({"name": "", "phone": ""})
    inputs.take({"name": "A"}, "one", 1)
    inputs.take({"phone": "5"}, "two", 1)
    inputs.take({"name": "An"}, "one", 2)
    assert inputs.state() == {
        "texts": {"name": "An", "phone": "5"},
        "seen": {"one": 2, "two": 1},
    }


def test_what_has_changed_is_known_by_its_text_and_not_by_white_space():
    """And what the form doesn't have is not taken."""
    inputs = FormValues({"name": "Ana", "phone": ""})
    assert inputs.take({"name": " Ana ", "unknown": "x"}, "one", 1) == {"name"}
    assert inputs.find_edits() == {}
    inputs.take({"phone": "5"}, "one", 2)
    assert inputs.find_edits() == {"phone": "5"}
    assert inputs.find_edits(besides=["phone"]) == {}


def test_an_edit_ends_what_was_said_about_its_input_alone():
    """What Clover said about another one is still so."""
    inputs = FormValues({"name": "", "phone": ""})
    inputs.messages = {
        "name": FieldMessage("error", "too long"),
        "phone": FieldMessage("error", "no phone"),
    }
    inputs.take({"name": "A"}, "one", 1)
    assert set(inputs.messages) == {"phone"}


def test_beginning_anew_keeps_what_is_to_be_kept():
    """With nothing said and nothing touched."""
    inputs = FormValues({"name": "Ana", "phone": ""})
    inputs.touched = {"name"}
    inputs.reset({"name": "Bea"}, {"phone": "5"})
    assert inputs.values == {"name": "Bea", "phone": "5"}
    assert inputs.initial == {"name": "Bea", "phone": ""}
    assert inputs.touched == set()
