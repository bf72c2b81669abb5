"""The field, as the kernel sees it; what the browser does is tried in a browser."""

from __future__ import annotations

import pytest
from traitlets import TraitError

from clover_nb.forms._field import Field


def deliver(field: Field, event: str, **content: str) -> None:
    """Do as if the browser had sent this, down to the bytes of the message's handling."""
    data = {"method": "custom", "content": {"event": event, **content}}
    field._handle_msg({"content": {"data": data}, "buffers": []})


def test_value_is_trimmed_when_it_is_read():
    """White space around the text is no part of the value, but stays as typed."""
    field = Field("Name", value="  Ana Rivera ")
    assert field.value == "Ana Rivera"
    deliver(field, "edit", text="Bo\t")
    assert field.value == "Bo"
    assert field.get_state()["_text"] == "Bo\t"


def test_edits_submits_and_cancels_are_told_in_order():
    """Each callback hears of its own event, when the value is there already."""
    field, heard = Field("Name"), []
    field.on_edit(lambda: heard.append(("edit", field.value)))
    field.on_submit(lambda: heard.append(("submit", field.value)))
    field.on_cancel(lambda: heard.append(("cancel", field.value)))
    deliver(field, "edit", text="A")
    deliver(field, "submit")
    deliver(field, "cancel")
    field.value = "by code"
    assert heard == [("edit", "A"), ("submit", "A"), ("cancel", "A")]


def test_edit_that_is_held_back_keeps_the_last_value():
    """While the browser holds digits back, the field is edited but has no new value."""
    field, heard = Field("Phone", value="1"), []
    field.on_edit(lambda: heard.append(field.value))
    deliver(field, "edit")
    assert heard == ["1"]


def test_message_goes_with_the_next_edit():
    """A message is about what was typed; a refusal brings its own."""
    field = Field("Name")
    field.message, field.tone = "Too short", "warning"
    deliver(field, "edit", text="A")
    assert field.message == ""
    deliver(field, "refused", text="A")
    assert field.message.startswith("That looks like a card number")
    assert (field.tone, field.value) == ("error", "A")


def test_what_the_browser_knows_is_not_sent_back():
    """An edit makes no message to the browser, which may be ahead by then."""
    field, sent = Field("Name"), []
    field.comm.send = lambda data, **_: sent.append(data)
    field.message = "wrong"
    deliver(field, "edit", text="A")
    deliver(field, "edit", text="AB")
    assert [data["state"] for data in sent] == [{"message": "wrong"}]
    field.value = "by code"
    assert sent[-1]["state"] == {"_text": "by code"}


def test_secret_is_no_part_of_the_state():
    """A secret is in the value alone: not in the state, a repr or a message to the browser."""
    field, sent = Field("Token", kind="secret"), []
    field.comm.send = lambda data, **_: sent.append(data)
    for give in (
        lambda text: deliver(field, "edit", text=text),
        lambda t: setattr(field, "value", t),
    ):
        give(" clv_SECRET1 ")
        assert field.value == "clv_SECRET1"
        shown = [
            repr(field),
            repr(field.value),
            str(field.value),
            repr(field.get_state()),
            repr(sent),
        ]
        assert not any("SECRET1" in text for text in shown)
        assert field.get_state()["_filled"] is True
    field.clear()
    assert field.value == ""
    assert field.get_state()["_filled"] is False
    assert sent[-1]["content"] == {"do": "clear"}


def test_repr_is_short_and_the_same_every_time():
    """A field in an output says what it is, without ids."""
    assert repr(Field("Email", kind="email", value="a@b.example")) == (
        "Field('Email', kind='email', value='a@b.example')"
    )
    assert repr(Field("Token", kind="secret", value="clv_x")) == "Field('Token', kind='secret')"


def test_unknown_kind_or_tone_is_refused():
    """What doesn't exist is refused where it is set."""
    with pytest.raises(TraitError, match="kind"):
        Field("Name", kind="number")
    with pytest.raises(TraitError, match="tone"):
        Field("Name").tone = "loud"
