"""What the forms' buttons do, as plain functions on the practice sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest
from lossy_proxy import lossy_proxy
from pandas.testing import assert_series_equal

from clover_nb import TEST_CARDS, connect, sandbox
from clover_nb.errors import APIConnectionError, EditConflictError, ValidationError
from clover_nb.forms import actions, values
from clover_nb.forms.actions import ConfirmationRequired
from clover_nb.forms.history import read_history

ADDRESS = {
    "shipping.address.line1": "415 N Mathilda Ave",
    "shipping.address.line2": "Floor 2",
    "shipping.address.city": "Sunnyvale",
    "shipping.address.state": "CA",
    "shipping.address.postal_code": "94085",
    "shipping.address.country": "US",
}


def typed(clover, **other):
    """A filled-in form: every field is there, empty where nothing was typed."""
    empty = dict.fromkeys(("name", "phone", *values.SHIPPING_FIELDS), "")
    token = clover.tokens.create(card=TEST_CARDS["visa"])["id"]
    return empty | {"email": f"{uuid.uuid4().hex[:12]}@example.com", "source": token} | other


def created(clover, given):
    """A customer that is there already."""
    return actions.create_customer(clover, None, given).row


def contact(row, **other):
    """A form for the contact, filled in."""
    return values.read_contact(row) | other


def test_a_customer_is_created_and_read_back_with_the_card(clover):
    """Email and token are enough; the row knows the card's brand."""
    row = created(clover, typed(clover))
    assert (row["card_brand"], row["card_last4"]) == ("VISA", "4242")
    assert row["shipping_line1"] is None


CREATE = """
import json, sys
from clover_nb import connect

with connect("local", **json.loads(sys.argv[1])) as clover:
    clover.customers.create(email=sys.argv[2], source=sys.argv[3])
"""


def test_a_create_that_may_still_come_is_said_before_it_is_made_again(practice, tmp_path):
    """A kernel was killed while it waited for Clover's answer, and nobody is found yet."""
    with lossy_proxy(practice) as proxy, proxy.connect(journal=tmp_path / "journal") as clover:
        given, settings = typed(clover), practice.connection() | {"ecommerce_url": proxy.url}
        shown = json.dumps(settings | {"journal": str(tmp_path / "journal")})
        token = clover.tokens.create(card=TEST_CARDS["visa"])["id"].reveal()
        command = [sys.executable, "-c", CREATE, shown, given["email"].upper(), token]
        killed: list[subprocess.Popen[bytes]] = []
        proxy.lose_request("POST", "/v1/customers", then=lambda: killed[0].kill())  # noqa: PLW0108  it is made later
        killed.append(subprocess.Popen(command))
        killed[0].wait(60)
        with pytest.raises(ConfirmationRequired, match="It may still come"):
            actions.create_customer(clover, None, given)
        created(clover, typed(clover))
        row = actions.create_customer(clover, None, given, sure=True).row
        assert row["email"] == given["email"]


def test_a_country_alone_is_no_address(clover):
    """The country is filled in beforehand, and must not make an address of itself."""
    given = typed(clover) | {"shipping.address.country": "US"}
    assert created(clover, given)["shipping_country"] is None


def test_a_customer_is_created_with_everything(clover):
    """Each field ends up where it belongs, the recipient too."""
    given = typed(clover, name="Ana Rivera", phone="555-0125") | ADDRESS
    row = created(clover, given | {"shipping.name": "Warehouse"})
    assert row["name"] == "Ana Rivera"
    sent = next(iter(clover.journal.of_customer(row["id"]))).write.sent
    assert sent["shipping"]["name"] == "Warehouse"
    assert row["shipping_line2"] == "Floor 2"
    assert row["shipping_country"] == "US"


def test_what_is_shown_after_a_save_is_what_every_later_read_shows(clover):
    """Also where Clover's answer to the change says more than it says afterwards."""
    row = created(clover, typed(clover, name="Ana") | ADDRESS | {"shipping.name": "Warehouse"})
    assert_series_equal(row, clover.customers.retrieve(row["id"]))
    moved = values.read_shipping(row) | {"shipping.name": "Bo", "shipping.address.city": "Salem"}
    row = actions.update_shipping(clover, row, moved, sure=True).row
    assert_series_equal(row, clover.customers.retrieve(row["id"]))


def test_problems_are_found_all_at_once():
    """Each field has its own message; empty ones only where they are required."""
    found = values.find_errors(
        {"email": "ana", "source": "", "phone": "abc", "name": "", "shipping.name": "ok"},
        ["email", "source"],
    )
    assert set(found) == {"email", "source", "phone"}
    assert all(problem.field == name for name, problem in found.items())


def test_an_address_once_begun_must_be_whole():
    """A city without a street reaches nobody; a country alone is no address."""
    assert values.find_errors({"shipping.address.country": "US"}) == {}
    begun = values.find_errors(
        {"shipping.address.city": "Boston", "shipping.address.country": "US"}
    )
    assert set(begun) == {"shipping.address.line1", "shipping.address.state"}


def test_shipping_is_changed_and_emptied_parts_are_taken_off(clover):
    """What was emptied in the form is gone afterwards; the rest is as typed."""
    row = created(clover, typed(clover) | ADDRESS)
    given = values.read_shipping(row) | {
        "shipping.address.line2": "",
        "shipping.address.city": "San José",
    }
    changed = actions.update_shipping(clover, row, given).row
    assert changed["shipping_city"] == "San José"
    assert changed["shipping_line2"] is None
    assert changed["shipping_line1"] == "415 N Mathilda Ave"


def test_saving_without_a_change_sends_nothing(clover):
    """The message says so."""
    row = created(clover, typed(clover) | ADDRESS)
    with pytest.raises(ValidationError, match="Nothing is changed"):
        actions.update_shipping(clover, row, values.read_shipping(row))


def test_customers_are_found_by_email_and_by_id(clover):
    """Several may share an address."""
    first = created(clover, typed(clover))
    again = typed(clover, email=first["email"])
    second = actions.create_customer(clover, None, again, sure=True).row
    by_email = actions.find_customer(clover, first["email"])
    assert set(by_email.index) == {first["id"], second["id"]}
    assert actions.find_customer(clover, first["id"])["id"] == first["id"]


@pytest.mark.parametrize("who", ["nobody@example.com", "0000000000000", "a b", "", "x@"])
def test_nobody_is_said_beside_the_field(clover, who):
    """An unknown or impossible customer is a message about the field `customer`."""
    with pytest.raises(ValidationError) as caught:
        actions.find_customer(clover, who)
    assert caught.value.field == "customer"


def test_a_change_that_was_done_is_not_reported_as_failed(clover, monkeypatch):
    """When only the reading back fails, the change's own answer is shown."""

    def fail(customer_id):
        raise APIConnectionError("gone")

    given = typed(clover, name="Ana")
    monkeypatch.setattr(clover.customers, "retrieve", fail)
    assert created(clover, given)["name"] == "Ana"


def test_a_contact_is_changed_and_the_change_taken_back(clover):
    """Only what differs is sent; taken back, it is as it was, and that can be taken back too."""
    row = created(clover, typed(clover, name="Ana Rivera", phone="555-0125"))
    done = actions.edit_contact(clover, row, contact(row, name="Ana Costa"))
    assert (done.row["name"], done.row["phone"]) == ("Ana Costa", "555-0125")
    undone = done.undo()
    assert undone.row["name"] == "Ana Rivera"
    assert undone.undo().row["name"] == "Ana Costa"


def test_undo_takes_this_change_back_and_not_a_colleagues_of_the_same_moment(
    clover, practice, monkeypatch
):
    """Also where the colleague's came before the customer was read back."""
    row = created(clover, typed(clover, name="Ana Rivera", phone="555-0125"))
    retrieve = clover.customers.retrieve
    with connect("local", requests_per_second=None, **practice.connection()) as colleague:

        def retrieve_late(key):
            monkeypatch.setattr(clover.customers, "retrieve", retrieve)
            colleague.customers.modify(key, phone="555-0199")
            return retrieve(key)

        monkeypatch.setattr(clover.customers, "retrieve", retrieve_late)
        done = actions.edit_contact(clover, row, contact(row, name="Ana Costa"))
    after = done.undo().row
    assert (after["name"], after["phone"]) == ("Ana Rivera", "555-0199")


def test_what_can_not_be_taken_back_says_why(clover):
    """A new address stays on the record; a new customer stays too."""
    done = actions.create_customer(clover, None, typed(clover, name="Ana"))
    assert done.undo is None
    assert "can't be undone" in done.note
    given = contact(done.row, email=f"new.{done.row['email']}")
    done = actions.edit_contact(clover, done.row, given)
    assert done.undo is None
    assert "keeps the old one" in done.note


def test_a_contact_can_not_be_emptied(clover):
    """Clover has no way to, so it is said before anything is sent."""
    row = created(clover, typed(clover, name="Ana"))
    assert set(values.find_contact_errors(row, contact(row, name="", phone=""))) == {"name"}


def test_a_record_changed_in_between_is_not_overwritten(clover):
    """Neither its contact nor its address."""
    row = created(clover, typed(clover, name="Ana") | ADDRESS)
    clover.customers.modify(row["id"], name="Someone Else's")
    with pytest.raises(EditConflictError):
        actions.edit_contact(clover, row, contact(row, phone="555-0199"))
    shipping = values.read_shipping(row) | {"shipping.address.line1": "1 Main St"}
    with pytest.raises(EditConflictError):
        actions.update_shipping(clover, row, shipping)
    assert clover.customers.retrieve(row["id"])["name"] == "Someone Else's"


def test_an_address_that_exists_is_a_warning_that_leads_to_its_customer(clover):
    """Nothing is sent until somebody is sure."""
    row = created(clover, typed(clover, name="Ana"))
    with pytest.raises(ConfirmationRequired) as caught:
        actions.create_customer(clover, None, typed(clover, email=row["email"]))
    (warning,) = caught.value.warnings
    assert warning.field == "email"
    assert warning.customers == ((row["id"], "Ana"),)
    assert len(clover.customers.search(email=row["email"])) == 1


def test_a_postal_code_of_another_state_is_a_warning(clover):
    """It may be overruled; one that can't be may not."""
    row = created(clover, typed(clover) | ADDRESS)
    odd = values.read_shipping(row) | {"shipping.address.state": "MA"}
    assert values.find_errors(odd) == {}
    with pytest.raises(ConfirmationRequired, match="of the state MA"):
        actions.update_shipping(clover, row, odd)
    assert actions.update_shipping(clover, row, odd, sure=True).row["shipping_state"] == "MA"
    wrong = odd | {"shipping.address.postal_code": "0210"}
    assert set(values.find_errors(wrong)) == {"shipping.address.postal_code"}


def test_a_card_is_attached_and_taken_off_again(clover):
    """By a change of its own; attaching one has no undo."""
    row = created(clover, typed(clover))
    token = clover.tokens.create(card=TEST_CARDS["mastercard"])["id"]
    done = actions.attach_card(clover, row, {"source": token})
    assert list(values.describe_cards(done.row).values()) == [
        "MC •••• 3294, expires 2035-12",
        "VISA •••• 4242, expires 2035-12",
    ]
    assert done.undo is None, "it would be gone for good"
    removed = actions.delete_card(clover, done.row, {"card": done.card_id})
    assert removed.row["source_ids"] == row["source_ids"]


def test_a_card_is_replaced(clover):
    """The old one is gone, the new one there; it says why this stays so."""
    row = created(clover, typed(clover))
    token = clover.tokens.create(card=TEST_CARDS["mastercard"])["id"]
    given = {"source": token, "replaces": row["source_ids"][0]}
    assert values.preview_card(row, given) == [
        ("Card", "VISA •••• 4242, expires 2035-12", "a new card")
    ]
    done = actions.attach_card(clover, row, given)
    assert (done.row["card_count"], done.row["card_brand"]) == (1, "MC")
    assert done.undo is None
    assert "new token" in done.note


def test_where_one_card_is_kept_the_old_one_goes_first_only_when_somebody_is_sure():
    """The customer is never without a card unasked."""
    with (
        sandbox.start(seed=3, customers=0, settings={"second_card": "refuse"}) as practice,
        connect("local", **practice.connection()) as clover,
    ):
        row = created(clover, typed(clover))
        token = clover.tokens.create(card=TEST_CARDS["mastercard"])["id"]
        given = {"source": token, "replaces": row["source_ids"][0]}
        with pytest.raises(ConfirmationRequired, match="taken off first"):
            actions.attach_card(clover, row, given)
        assert clover.customers.retrieve(row["id"])["card_brand"] == "VISA"
        done = actions.attach_card(clover, row, given, sure=True)
        assert (done.row["card_count"], done.row["card_brand"]) == (1, "MC")


def test_a_card_that_is_gone_already_is_as_good_as_taken_off(clover):
    """Twice does no harm."""
    row = created(clover, typed(clover))
    gone = row["source_ids"][0]
    for _ in range(2):
        row = actions.delete_card(clover, row, {"card": gone}).row
        assert row["card_count"] == 0


def test_the_history_tells_in_words_what_was_changed(clover):
    """Newest first, without tokens."""
    row = created(clover, typed(clover, name="Ana"))
    row = actions.edit_contact(clover, row, contact(row, name="Bo", phone="555-0199")).row
    actions.delete_card(clover, row, {"card": row["source_ids"][0]})
    events = read_history(clover, row["id"])
    assert [each.what for each in events] == ["card removed", "changed", "created"]
    assert events[1].details == "name: Ana → Bo; phone: nothing → 555-0199"
    assert "clv_" not in str(events)


def test_a_row_of_a_table_is_as_one_that_was_read(clover):
    """But for what a table of others adds to it."""
    row = created(clover, typed(clover, name="Ana"))
    found = actions.row_of(clover.customers.search(email=row["email"]), row["id"])
    read = clover.customers.retrieve(row["id"])
    assert found.reindex(read.index).equals(read)


def test_an_address_that_the_customer_has_had_is_no_warning(clover):
    """Clover keeps it on the record, and finds the record by it."""
    first = typed(clover, name="Ana")
    row = created(clover, first)
    row = actions.edit_contact(clover, row, contact(row, email=f"new.{first['email']}")).row
    again = actions.edit_contact(clover, row, contact(row, email=first["email"]))
    assert again.row["id"] == row["id"]
