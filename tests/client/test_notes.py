"""The note about a customer: read, written, and taken back, against the real practice sandbox."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import requests
from lossy_proxy import lossy_proxy
from practice_customers import a_customer, outcomes
from scripted_server import said

from clover_nb import TEST_CARDS, connect
from clover_nb.errors import EditConflictError, SettingsError, ValidationError
from clover_nb.forms import actions, values
from clover_nb.frames import upsert


def set_metadata(clover, customer_id, **metadata):
    """What another program notes about a customer."""
    url = f"{clover.settings.platform_url}/v3/merchants/{clover.settings.merchant_id}/customers"
    token = clover.settings.access_token.reveal()
    answer = requests.post(
        f"{url}/{customer_id}/metadata",
        json=metadata,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
    )
    answer.raise_for_status()


def test_a_note_is_written_read_and_taken_back(clover):
    """In lines; the row, the list and the journal have it."""
    key = a_customer(clover, name="Ana")["id"]
    text = "Calls after 5 pm.\nSpeaks Spanish."
    assert clover.customers.modify(key, note=text)["note"] == text
    assert clover.customers.retrieve(key)["note"] == text
    assert clover.customers.list()["note"][key] == text
    entry = clover.journal.frame(customer_id=key).index[-1]
    assert clover.undo(entry)["note"] is None
    assert clover.undo(entry + 1)["note"] == text
    assert clover.customers.modify(key, note="")["note"] is None
    assert outcomes(clover)[-4:] == ["done"] * 4


@pytest.mark.parametrize("note", [pd.NA, pd.NaT, float("nan"), 5, pd.Series(["a", "b"])])
def test_a_note_that_is_no_text_is_refused(clover, note):
    """As it comes out of a table whose notes are missing."""
    with pytest.raises(ValidationError, match="note must be text") as caught:
        clover.customers.modify("7QK2M9ZX4T0BC", note=note)
    assert caught.value.field == "note"


def test_what_else_is_noted_stays(clover):
    """Business name and birthday stand in the same record at Clover, and in the row."""
    key = a_customer(clover)["id"]
    set_metadata(clover, key, businessName="Rivera & Co", dobYear=1990, note="Old")
    row = clover.customers.modify(key, note="New")
    assert (row["note"], row["metadata_businessName"], row["metadata_dobYear"]) == (
        "New",
        "Rivera & Co",
        1990,
    )


def test_what_else_is_noted_is_sent_along(scripted):
    """Nobody has shown whether Clover keeps what is left out, as the sandbox does."""
    noted = {"businessName": "Rivera & Co", "dobYear": 1990, "modifiedTime": 1}
    record = {"id": "7QK2M9ZX4T0BC", "customerSince": 1, "metadata": {**noted, "note": "Old"}}
    scripted.answers = [said(record)]
    with scripted.connect(merchant_id="M") as clover:
        clover.customers.modify("7QK2M9ZX4T0BC", note="New")
    (sent,) = [body for method, _, _, body in scripted.requests if method == "POST"]
    assert json.loads(sent) == {"businessName": "Rivera & Co", "dobYear": 1990, "note": "New"}


def test_a_note_and_other_fields_change_together(clover):
    """The name goes by one API and the note by the other."""
    key = a_customer(clover, name="Ana")["id"]
    row = clover.customers.modify(key, name="Bea", note="Moved")
    assert (row["name"], row["note"]) == ("Bea", "Moved")
    assert clover.customers.modify(key, phone="555-0125")["note"] == "Moved"


def test_a_table_keeps_the_note_when_something_else_changes(clover):
    """The answer to a change of the name has none, and a note that was taken off is gone."""
    key = a_customer(clover, name="Ana")["id"]
    clover.customers.modify(key, note="Calls late")
    table = clover.customers.list()
    table = upsert(table, clover.customers.modify(key, name="Bea"))
    assert table["note"][key] == "Calls late"
    table = upsert(table, clover.customers.modify(key, note=""))
    assert table["note"].isna()[key]


@pytest.mark.parametrize(
    "wrong", ["x" * 2001, f"Card {TEST_CARDS['visa']['number']}", "a\x00b", 5, "   "]
)
def test_a_note_that_cant_be_right_is_not_sent(clover, wrong):
    """Too long, a card number, what can't be stored; nothing is written down either."""
    key = a_customer(clover)["id"]
    before = len(outcomes(clover))
    with pytest.raises(ValidationError, match="note"):
        clover.customers.modify(key, note=wrong)
    assert len(outcomes(clover)) == before


def test_a_colleagues_note_is_not_overwritten(clover):
    """It was written after this one had read the customer."""
    row = clover.customers.retrieve(a_customer(clover)["id"])
    set_metadata(clover, row["id"], note="Theirs")
    with pytest.raises(EditConflictError, match="Theirs"):
        clover.customers.modify(row["id"], note="Mine", expected=row)
    assert clover.customers.retrieve(row["id"])["note"] == "Theirs"


@pytest.mark.parametrize("loss", ["request", "answer"])
def test_a_note_whose_answer_was_lost_is_written_once(practice, tmp_path, loss):
    """What the record shows tells whether it has to be sent again."""
    with lossy_proxy(practice) as proxy, proxy.connect(journal=tmp_path / "journal") as near:
        key = a_customer(near)["id"]
        getattr(proxy, f"lose_{loss}")("POST")
        assert near.customers.modify(key, note="Calls late")["note"] == "Calls late"
        assert outcomes(near) == ["done", "done"]
        arrived = [call for call in proxy.calls if call.endswith("/metadata")]
        assert len(arrived) == 1


def test_a_note_needs_a_merchant_id(practice):
    """It is said before anything is sent."""
    settings = {**practice.connection(), "merchant_id": None}
    with connect("local", **settings) as clover, pytest.raises(SettingsError, match="MERCHANT_ID"):
        clover.customers.modify("7QK2M9ZX4T0BC", note="Calls late")


def test_the_form_saves_a_note_and_offers_to_undo_it(clover):
    """As for the contact: nothing changed is refused, and undo brings the old one back."""
    row = clover.customers.retrieve(a_customer(clover)["id"])
    with pytest.raises(ValidationError, match="Nothing is changed"):
        actions.edit_note(clover, row, values.read_note(row))
    done = actions.edit_note(clover, row, {"note": "Calls late"})
    assert done.row["note"] == "Calls late"
    assert done.undo().row["note"] is None
