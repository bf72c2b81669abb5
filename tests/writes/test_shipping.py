"""A correction of shipping loses nothing that nobody named: the recipient, above all."""

from __future__ import annotations

import pytest
from lossy_proxy import lossy_proxy
from practice_customers import a_customer

from clover_nb import connect, sandbox
from clover_nb.errors import ValidationError

ADDRESS = {
    "line1": "415 N Mathilda Ave",
    "line2": "Suite 3",
    "city": "Sunnyvale",
    "state": "CA",
    "postal_code": "94085",
    "country": "US",
}
RECIPIENT = {
    "name": "Warehouse West",
    "phone": "555-0199",
    "carrier": "UPS",
    "tracking_number": "1Z999AA10123456784",
}
WHOLE = RECIPIENT | {"address": ADDRESS}


@pytest.fixture(scope="module")
def readable():
    """A sandbox that shows the Ecommerce API's view, with the recipient, which Clover does not."""
    settings = {"undocumented_calls": "on"}
    with sandbox.start(seed=3, customers=0, limits=False, settings=settings) as running:
        yield running


@pytest.fixture
def proxy(readable):
    with lossy_proxy(readable) as running:
        yield running


def kernel(proxy, journal):
    return proxy.connect(journal=journal)


def shipping_of(clover, key):
    """What Clover has, the recipient too."""
    return clover._transport.send("GET", "ecommerce", f"/v1/customers/{key}").get("shipping")


def corrected(**address):
    return {**WHOLE, "address": ADDRESS | address}


def test_a_fresh_kernel_corrects_an_address_and_leaves_the_recipient(proxy, tmp_path):
    """It does not know the recipient: the address alone is changed, by the call that can."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        proxy.calls.clear()
        changed = two.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        assert shipping_of(one, row["id"]) == corrected(city="San Jose")
        assert changed["shipping_city"] == "San Jose"
        assert [call.rpartition("/")[0] for call in proxy.writes()] == [
            f"POST /v3/merchants/{two.settings.merchant_id}/customers/{row['id']}/addresses"
        ]


def test_the_kernel_that_wrote_the_block_sends_it_whole(proxy, tmp_path):
    """By PUT, with the recipient as it was written."""
    with kernel(proxy, tmp_path / "one") as one:
        row = a_customer(one, shipping=WHOLE)
        changed = one.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        assert shipping_of(one, row["id"]) == corrected(city="San Jose")
        assert changed["shipping_name"] == "Warehouse West"
        assert proxy.writes()[-1] == f"PUT /v1/customers/{row['id']}"


def test_another_kernel_with_the_same_journal_knows_it_too(proxy, tmp_path):
    """The journal tells what was written last, by whichever kernel of this user."""
    with kernel(proxy, tmp_path / "journal") as one:
        row = a_customer(one, shipping=WHOLE)
    with kernel(proxy, tmp_path / "journal") as two:
        two.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        assert shipping_of(two, row["id"]) == corrected(city="San Jose")
        assert proxy.writes()[-1] == f"PUT /v1/customers/{row['id']}"


@pytest.mark.parametrize("journal", ["shared", "apart"])
def test_a_stale_kernel_does_not_bring_an_old_recipient_back(proxy, tmp_path, journal):
    """Another kernel has set another recipient, and a field that can be seen, since."""
    path = tmp_path / "one"
    other = path if journal == "shared" else tmp_path / "two"
    with kernel(proxy, path) as one, kernel(proxy, other) as two:
        row = a_customer(one, shipping=WHOLE)
        new = RECIPIENT | {"name": "Ana Rivera", "tracking_number": "1Z999AA10123456785"}
        phone = {"phone": "555-0155"} if journal == "apart" else {}
        two.customers.modify(row["id"], shipping=new, **phone)
        one.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        assert shipping_of(one, row["id"]) == new | {"address": ADDRESS | {"city": "San Jose"}}


def test_an_answer_that_shows_another_recipient_ends_what_was_known(proxy, tmp_path):
    """Somebody else changed it alone, which an answer to another change of ours has shown."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        two.customers.modify(row["id"], shipping={**RECIPIENT, "name": "Ana Rivera"})
        one.customers.modify(row["id"], phone="555-0156")
        one.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        assert shipping_of(one, row["id"])["name"] == "Ana Rivera"


def test_a_recipient_that_nobody_gave_is_not_written_down(proxy, tmp_path):
    """Clover shows the customer's name in its place: a later change of name still shows there."""
    with kernel(proxy, tmp_path / "one") as one:
        row = a_customer(one, name="Ana", shipping={"address": ADDRESS})
        one.customers.modify(row["id"], shipping={"address": {"city": "San Jose"}})
        changed = one.customers.modify(row["id"], name="Bea")
        assert changed["shipping_name"] == "Bea"


def test_naming_the_recipient_goes_by_put_and_keeps_the_address(proxy, tmp_path):
    """From a fresh kernel too."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping={"address": ADDRESS})
        two.customers.modify(row["id"], shipping={"name": "Ana Rivera"})
        assert shipping_of(one, row["id"]) == {"name": "Ana Rivera", "address": ADDRESS}


def test_other_fields_go_by_a_call_of_their_own(proxy, tmp_path):
    """A name and an address, from a fresh kernel: two calls, two entries."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        changed = two.customers.modify(
            row["id"], name="Bea", shipping={"address": {"city": "San Jose"}}
        )
        assert (changed["name"], changed["shipping_city"]) == ("Bea", "San Jose")
        assert shipping_of(one, row["id"]) == corrected(city="San Jose")
        assert list(two.journal.frame()["outcome"]) == ["done", "done"]


def test_a_part_can_be_taken_off_and_an_address_given_first(proxy, tmp_path):
    """By the address's own call: an empty part, the whole address, and a new one."""
    with kernel(proxy, tmp_path / "one") as one:
        row = a_customer(one, shipping=WHOLE)
    for number, (given, left) in enumerate(
        [
            ({"line2": None}, {part: value for part, value in ADDRESS.items() if part != "line2"}),
            (None, None),
            (ADDRESS, ADDRESS),
        ]
    ):
        with kernel(proxy, tmp_path / f"fresh-{number}") as two:
            two.customers.modify(row["id"], shipping={"address": given})
            shown = shipping_of(two, row["id"])
            assert shown.pop("address", None) == left
            assert shown == RECIPIENT


def test_an_address_that_can_not_be_changed_alone_says_what_is_missing(proxy, tmp_path):
    """The Platform API wants it whole; nothing was sent."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one)
        proxy.calls.clear()
        with pytest.raises(ValidationError) as caught:
            two.customers.modify(row["id"], shipping={"address": {"line1": "1 Main St"}})
        assert caught.value.field == "shipping.address.city"
        assert not proxy.writes()


def test_a_shipping_that_names_nothing_changes_nothing(proxy, tmp_path):
    """It is refused as an empty change is."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        with pytest.raises(ValidationError, match="Nothing is to be changed"):
            two.customers.modify(row["id"], shipping={"address": {}})


# -- undo ------------------------------------------------------------------------------------------


def test_undo_restores_a_recipient_that_was_known(proxy, tmp_path):
    """Name, phone, carrier and tracking number, with the address."""
    with kernel(proxy, tmp_path / "one") as one:
        row = a_customer(one, shipping=WHOLE)
        moved = {"name": "Ana", "carrier": None, "address": {"city": "San Jose", "line2": None}}
        one.customers.modify(row["id"], shipping=moved)
        assert "carrier" not in shipping_of(one, row["id"])
        one.undo(one.journal.frame().index[-1])
        assert shipping_of(one, row["id"]) == WHOLE


def test_undo_of_an_address_leaves_an_unknown_recipient(proxy, tmp_path):
    """It goes by the call that the change went by."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        two.customers.modify(row["id"], shipping={"address": {"city": "San Jose", "line2": None}})
        two.undo(two.journal.frame().index[-1])
        assert shipping_of(one, row["id"]) == WHOLE


def test_undo_of_a_recipient_that_was_not_known_is_refused(proxy, tmp_path):
    """And says why."""
    with kernel(proxy, tmp_path / "one") as one, kernel(proxy, tmp_path / "two") as two:
        row = a_customer(one, shipping=WHOLE)
        two.customers.modify(row["id"], shipping={"name": "Ana"})
        with pytest.raises(ValidationError, match="who it was before is not known"):
            two.undo(two.journal.frame().index[-1])


NAMES = {
    "two first names": {"firstName": "Ana María", "lastName": "Rivera"},
    "two last names": {"firstName": "Ana", "lastName": "Rivera Lopez"},
    "one name": {"name": "Prince"},
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_undo_restores_first_and_last_name_as_they_were(clover, names):
    """A full name would be split anew, at the last space."""
    row = a_customer(clover, **names)
    before = clover.customers.retrieve(row["id"])
    clover.customers.modify(row["id"], name="Zoë de la Cruz Lopez")
    clover.undo(clover.journal.frame().index[-1])
    after = clover.customers.retrieve(row["id"])
    assert list(after[["first_name", "last_name"]]) == list(before[["first_name", "last_name"]])


def test_undo_holds_clovers_own_old_value_against_no_rule(clover):
    """A phone that no rule of ours would take, set by other software."""
    row = a_customer(clover)
    path = f"/v3/merchants/{clover.settings.merchant_id}/customers/{row['id']}/phone_numbers"
    clover._transport.send("POST", "platform", path, body={"phoneNumber": "call me"})
    clover.customers.modify(row["id"], phone="555-0125")
    clover.undo(clover.journal.frame().index[-1])
    assert clover.customers.retrieve(row["id"])["phone"] == "call me"


def test_undo_compares_with_what_clover_answered():
    """Clover has put the name in a form of its own, which is nobody else's change."""
    settings = {"spelling": "normalized"}
    with (
        sandbox.start(customers=0, limits=False, settings=settings) as running,
        connect("local", **running.connection()) as clover,
    ):
        row = a_customer(clover, name="Ana Rivera")
        clover.customers.modify(row["id"], name="bea costa")
        clover.undo(clover.journal.frame().index[-1])
        assert clover.customers.retrieve(row["id"])["name"] == "Ana Rivera"
