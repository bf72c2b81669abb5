"""A plan is applied once: verified, resumed, stopped and taken back."""

from __future__ import annotations

import time

import pandas as pd
import pytest
from batch_rows import (
    MORE_THAN_A_CHUNK,
    QUICK,
    are_verified,
    count_outcomes,
    new_rows,
    renaming_rows,
)
from lossy_proxy import LossyProxy, lossy_proxy

from clover_nb import TEST_CARDS, connect, read_plan, read_table
from clover_nb.bulk import row_sender
from clover_nb.errors import JournalError, ReadOnlyError, SettingsError, ValidationError


def apply(clover, table, **options):
    plan = clover.customers.plan(table)
    assert set(plan.frame()["status"]) == {"ready"}
    return clover.customers.apply(plan, **({"listing_wait": 0} | options))


def writes(box):
    return [entry for entry in box.requests if entry["method"] != "GET"]


# -- what is sent --------------------------------------------------------------------------------


def test_creates_and_changes_are_made_and_verified(near, box):
    """One request a change, and all rows compared at the end."""
    customers = near.customers.list()
    table = pd.concat([renaming_rows(customers, 20), new_rows(20)]).fillna("")
    before = len(writes(box))
    batch = apply(near, table)
    assert repr(batch) == "<Batch 1: done; 40 done>"
    assert are_verified(batch)
    assert len(writes(box)) - before == 40
    after = near.customers.list()
    assert len(after) == 80
    assert (
        after.loc[customers.index[:20], "name"].to_numpy() == table["name"][:20].to_numpy()
    ).all()
    made = after.loc[batch.frame()["id"].iloc[20:]]
    assert made[["email", "name", "phone"]].to_numpy().tolist() == new_rows(20).to_numpy().tolist()


def test_a_plan_is_applied_once_by_several_journals_too(near, box, tmp_path):
    """A new customer without an email is found by the mark; one who was deleted is no more."""
    table = pd.DataFrame({"name": ["Ana Rivera", "Bea Rivera"], "phone": ["555-0171", "555-0172"]})
    plan = near.customers.plan(table, key="phone")
    plan.save(tmp_path / "plan.jsonl")
    made = near.customers.apply(plan).frame()["id"]
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": tmp_path / "another"}
    with connect("local", **box.connection(), **given) as other:
        batch = other.customers.apply(read_plan(tmp_path / "plan.jsonl"))
        assert repr(batch) == "<Batch 1: done; 2 done>"
        assert batch.frame()["id"].to_list() == made.to_list()
        assert are_verified(batch)
    assert near.customers.list()["phone"].isin(table["phone"]).sum() == 2


@pytest.mark.parametrize(
    "wanted", [{"phone": "408-555-0177"}, {"phone": "408-555-0177", "name": "Bea Lee"}]
)
def test_undo_leaves_what_somebody_else_had_changed_alike(near, wanted):
    """The batch found it as it was to be, so it is not the batch's to take back."""
    row = near.customers.list().dropna(subset=["phone", "name", "email"]).iloc[0]
    plan = near.customers.plan(pd.DataFrame([{"id": row.name} | wanted]))
    near.customers.modify(row.name, phone="408-555-0177")  # a colleague
    batch = near.customers.apply(plan)
    assert repr(batch) == "<Batch 1: done; 1 done>"
    undo = batch.plan_undo()
    near.customers.apply(undo)
    now = near.customers.retrieve(row.name)
    assert (now["phone"], now["name"]) == ("408-555-0177", row["name"])
    near.customers.modify(row.name, phone="408-555-0178")
    assert batch.plan_undo().counts == {"unchanged": 1}


@pytest.mark.parametrize("wait", ["60", None, -1, float("nan"), float("inf"), True])
def test_a_wait_that_is_no_number_is_refused(near, wait):
    """Before anything is written down."""
    plan = near.customers.plan(new_rows(1))
    with pytest.raises(SettingsError, match="listing_wait must be a number") as caught:
        near.customers.apply(plan, listing_wait=wait)
    assert caught.value.field == "listing_wait"
    assert near.batches().empty


def test_every_kind_of_change_is_made_in_its_place(near):
    """An email, a phone and an address are replaced, added and taken off; nobody's else are."""
    customers = near.customers.list()
    full = customers.dropna(subset=["phone", "email", "shipping_line1"]).iloc[0]
    bare = customers[customers["phone"].isna()].iloc[0]
    table = pd.DataFrame(
        [
            {"id": full.name, "email": "other@example.com", "shipping_line1": "1 New St"},
            {"id": bare.name, "phone": "408-555-0177"},
        ]
    ).fillna("")
    keeping = near.customers.plan(table)
    near.customers.apply(keeping)
    after = near.customers.list()
    assert after.loc[full.name, "email"] == "other@example.com"
    assert after.loc[full.name, "phone"] == full["phone"]
    assert after.loc[full.name, "shipping_line1"] == "1 New St"
    assert after.loc[full.name, "shipping_city"] == full["shipping_city"]
    assert after.loc[bare.name, "phone"] == "408-555-0177"
    assert "emailAddresses" not in near.customers.retrieve(full.name)
    emptied = table.iloc[:1].assign(shipping_line1="", shipping_city="", shipping_state="",
                                    shipping_postal_code="", shipping_country="")  # fmt: skip
    plan = near.customers.plan(emptied.assign(email="other@example.com"), empty="clear")
    near.customers.apply(plan)
    row = near.customers.retrieve(full.name)
    assert pd.isna(row["phone"])
    assert pd.isna(row["shipping_line1"])


def test_before_values_are_read_by_the_fifty(near, box):
    """Beside one read of everybody before and after."""
    box.seed(240)
    customers = near.customers.list()
    before = len(box.requests)
    batch = apply(near, renaming_rows(customers, 250))
    sent = box.requests[before:]
    assert count_outcomes(batch) == {"done": 250}
    # Planning, comparing and verifying list all; the first row is read twice, the rest in five.
    assert len([entry for entry in sent if entry["method"] == "GET"]) == 3 + 2 + 5


@pytest.mark.parametrize("box", [{"settings": {"spelling": "normalized"}}], indirect=True)
def test_the_first_row_of_each_kind_is_sent_alone_and_read_back(near, box):
    """Where Clover does something else than the plan says, the batch stops there."""
    customers = near.customers.list()
    table = renaming_rows(customers, 5)
    table["name"] = table["name"].str.lower()
    before = len(writes(box))
    batch = apply(near, table)
    assert batch.state == "stopped"
    assert "Row 1, the first of its kind, was sent alone" in batch.reason
    assert "first_name is 'Re0', not 're0'" in batch.reason
    assert count_outcomes(batch) == {"failed": 1, "planned": 4}
    assert len(writes(box)) - before == 1


# -- what is not sent ----------------------------------------------------------------------------


def test_what_changed_since_the_plan_is_a_conflict_and_the_rest_goes_on(near):
    """By row and field; a customer that is gone is said."""
    customers = near.customers.list()
    plan = near.customers.plan(renaming_rows(customers, 5))
    near.customers.modify(customers.index[1], name="Somebody Else")
    near.customers.modify(customers.index[2], phone="408-555-0188")
    near.customers.delete(customers.index[3])
    batch = near.customers.apply(plan)
    table = batch.frame()
    assert table["outcome"].to_list() == ["done", "conflict", "done", "failed", "done"]
    assert "first_name was" in table["reason"].iloc[1]
    assert "'Somebody'" in table["reason"].iloc[1]
    assert batch.failed().index.to_list() == [2, 4]
    assert near.customers.retrieve(customers.index[2])["phone"] == "408-555-0188"


class Colleague(LossyProxy):
    """Changes customers while the second change of a batch is on its way, which takes long."""

    def pick(self, method, path, body):
        if method == "POST" and len(self.writes()) == 1 and not self.losses:
            self.losses.append("once")
            self.change()
            time.sleep(2 * row_sender.STALE_SECONDS)


def test_a_customer_who_was_read_long_ago_is_read_again(near, box, tmp_path, monkeypatch):
    """Slow requests lie in between, perhaps: what others have changed meanwhile is a conflict."""
    monkeypatch.setattr(row_sender, "STALE_SECONDS", 0.3)
    customers = near.customers.list()
    theirs = customers.index[[9, 11]]

    def change():
        for key in theirs:
            near.customers.modify(key, name="Somebody Else")

    with lossy_proxy(box, Colleague) as proxy:
        proxy.change = change
        with proxy.connect(journal=tmp_path / "slow", at_once=1) as slow:
            plan = slow.customers.plan(renaming_rows(customers, 12))
            table = slow.customers.apply(plan).frame()
    assert table.index[table["outcome"] == "conflict"].to_list() == [10, 12]
    assert (table["outcome"] == "done").sum() == 10
    assert {near.customers.retrieve(key)["name"] for key in theirs} == {"Somebody Else"}


def test_a_new_customer_whose_email_exists_by_now_is_left_out(near):
    """Somebody was faster."""
    plan = near.customers.plan(new_rows(2))
    apply(near, new_rows(1))
    batch = near.customers.apply(plan)
    assert count_outcomes(batch) == {"conflict": 1, "done": 1}
    assert len(near.customers.search(email="new0@example.com")) == 1


def test_doubtful_and_wrong_rows_are_not_sent(near, box):
    """Unless they are accepted, and the wrong ones never."""
    customers = near.customers.list()
    table = pd.DataFrame(
        [
            {"id": customers.index[0], "phone": "nothing"},
            {"id": customers.index[1], "phone": "408-555-0101"},
            {"id": customers.index[1], "phone": "408-555-0102"},
        ]
    )
    plan = near.customers.plan(table)
    assert count_outcomes(near.customers.apply(plan)) == {}
    plan.accept(2)
    assert count_outcomes(near.customers.apply(plan)) == {"done": 1}
    assert near.customers.retrieve(customers.index[1])["phone"] == "408-555-0101"


def test_a_plan_of_another_merchant_is_refused(near, tmp_path):
    """And so is one that was made to set what can't be set."""
    plan = near.customers.plan(new_rows(1))
    plan.merchant = "OTHER"
    with pytest.raises(ValidationError, match="The plan is of merchant OTHER"):
        near.customers.apply(plan)
    crafted = near.customers.plan(new_rows(1))
    crafted.rows[0].wanted["marketingAllowed"] = "true"
    with pytest.raises(ValidationError, match="not a field"):
        near.customers.apply(crafted)
    assert near.batches().empty


def test_production_and_a_connection_without_journal_are_refused(box):
    """Before anything is written down."""
    with connect("local", **box.connection(), journal=None) as without:
        plan = without.customers.plan(new_rows(1))
        with pytest.raises(SettingsError, match="journal is switched off"):
            without.customers.apply(plan)
    account = {"access_token": "t", "api_key": "k", "merchant_id": "M"}
    with connect("production", **account) as real, pytest.raises(ReadOnlyError):
        real.customers.apply(plan)


# -- once ----------------------------------------------------------------------------------------


def test_a_plan_that_was_applied_is_not_applied_again(near, box):
    """Read from its file, by another connection: all is done."""
    plan = near.customers.plan(new_rows(3))
    near.customers.apply(plan)
    before = len(box.requests)
    assert repr(near.customers.apply(plan)) == "<Batch 1: done; 3 done>"
    assert len(box.requests) == before


def test_what_was_interrupted_before_the_comparison_is_compared_by_the_next(near, box):
    """All rows are done, and none is looked at yet."""
    plan = near.customers.plan(new_rows(5))

    def interrupt(progress):
        if progress.done == 5:
            raise KeyboardInterrupt

    batch = near.customers.apply(plan, progress=interrupt)
    assert (batch.state, count_outcomes(batch)) == ("stopped", {"done": 5})
    assert not are_verified(batch)
    assert are_verified(near.customers.apply(plan))
    assert len(writes(box)) == 5


def test_an_apply_goes_on_where_it_was_stopped(near, box):
    """The rest of the rows is sent, and no row twice."""
    plan = near.customers.plan(new_rows(MORE_THAN_A_CHUNK))
    stopped = []

    def stop(progress):
        if progress.done >= 5 and not stopped:
            stopped.append(progress)
            near.batch(1).stop()

    batch = near.customers.apply(plan, progress=stop)
    assert (batch.state, batch.reason) == ("stopped", "Somebody asked for it.")
    assert 0 < count_outcomes(batch)["planned"] <= MORE_THAN_A_CHUNK - 5
    assert "open" not in count_outcomes(batch)
    again = near.customers.apply(plan)
    assert repr(again) == f"<Batch 1: done; {MORE_THAN_A_CHUNK} done>"
    assert are_verified(again)  # those too that were done before it stopped
    assert len(writes(box)) == MORE_THAN_A_CHUNK
    assert near.batches()["done"].to_list() == [MORE_THAN_A_CHUNK]
    assert apply(near, new_rows(1, start=90)).number == 2  # going on has used up no number


def test_ctrl_c_stops_cleanly(near):
    """What is under way finishes."""

    def interrupt(progress):
        if progress.done >= 3:
            raise KeyboardInterrupt

    plan = near.customers.plan(new_rows(MORE_THAN_A_CHUNK))
    batch = near.customers.apply(plan, progress=interrupt)
    assert batch.state == "stopped"
    assert set(count_outcomes(batch)) == {"done", "planned"}


def test_one_plan_at_a_time_is_applied_to_a_merchant(near):
    """The second is told who applies what."""
    first, second = near.customers.plan(new_rows(5)), near.customers.plan(new_rows(5, start=50))
    refused = []

    def meanwhile(progress):
        if not refused:
            with pytest.raises(
                JournalError, match=r"Batch 1 is being applied by .* stop it"
            ) as error:
                near.customers.apply(second)
            refused.append(error)

    near.customers.apply(first, progress=meanwhile)
    assert refused
    assert count_outcomes(near.customers.apply(second)) == {"done": 5}


# -- answers that are lost -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["reset-after", "reset-before", "html", "truncated"])
def test_a_lost_create_is_found_by_its_mark_or_sent_again(near, box, kind):
    """Never twice."""
    box.fail_next(kind, times=3, method="POST", path="/customers")
    batch = apply(near, new_rows(10))
    assert count_outcomes(batch) == {"done": 10}
    customers = near.customers.list()
    assert customers["email"].str.startswith("new").sum() == 10
    assert set(batch.frame()["id"]) <= set(customers.index)


@pytest.mark.parametrize("box", [{"settings": {"external_id": "dropped"}}], indirect=True)
def test_where_marks_are_dropped_an_equal_customer_is_unknown(near, box):
    """It may be the one, and a person looks; nothing is sent twice."""
    rows = new_rows(6).drop(columns="email").assign(id="")
    box.fail_next("reset-after", times=1, method="POST", path="/customers")
    batch = apply(near, rows)
    assert count_outcomes(batch) == {"done": 5, "unknown": 1}
    (reason,) = batch.failed()["reason"]
    assert "may be the one: look at it" in reason
    assert len(near.customers.list()) == 66


@pytest.mark.parametrize("kind", ["reset-after", "reset-before", "html"])
def test_a_lost_change_is_made_once(near, box, kind):
    """A phone that is new has no id yet, and is not added twice."""
    customers = near.customers.list()
    bare = customers[customers["phone"].isna()].index[:5]
    box.fail_next(kind, times=2, method="POST", path="/phone_numbers")
    batch = apply(near, pd.DataFrame({"id": bare, "phone": "408-555-0166"}))
    assert count_outcomes(batch) == {"done": len(bare)}
    after = near.customers.list().loc[bare]
    assert (after["phone"] == "408-555-0166").all()
    assert "phoneNumbers" not in after.columns or after["phoneNumbers"].isna().all()


# -- stopping by itself --------------------------------------------------------------------------


def test_it_stops_when_the_key_is_refused_and_goes_on_later(near, box):
    """And says so; the row was not made."""
    plan = near.customers.plan(new_rows(10))
    box.fail_next("401", times=1, method="POST", path="/customers")
    batch = near.customers.apply(plan)
    assert batch.state == "stopped"
    assert "401" in batch.reason
    assert count_outcomes(near.customers.apply(plan)) == {"done": 10}


def test_it_stops_after_ten_equal_refusals(near, box):
    """Something is wrong with all of them."""
    box.fail_next("400", times=99, method="POST", path="/customers")
    batch = apply(near, new_rows(40))
    assert batch.state == "stopped"
    assert "10 rows in a row were refused alike" in batch.reason
    assert 10 <= count_outcomes(batch)["failed"] <= 15
    assert count_outcomes(batch)["planned"] >= 25


def test_it_stops_when_a_tenth_of_fifty_and_more_is_refused(near, box):
    """Each for another reason."""
    plan = near.customers.plan(new_rows(200))
    kinds = ("400", "402", "404", "409")

    def refuse(progress):
        if progress.done >= 40 and not box.refused:
            box.refused = True
            for number in range(24):
                box.fail_next(kinds[number % 4], times=1, method="POST", path="/customers")

    box.refused = False
    batch = near.customers.apply(plan, progress=refuse)
    assert batch.state == "stopped"
    assert "rows were refused" in batch.reason
    assert count_outcomes(batch)["planned"] > 0


# -- afterwards ----------------------------------------------------------------------------------


def test_failed_rows_are_saved_as_they_came_and_can_be_planned_again(near, box, tmp_path):
    """With row, id and reason; as CSV and as a workbook."""
    customers = near.customers.list()
    table = renaming_rows(customers, 4).rename(columns={"name": "Full name"}).assign(Note="+1")
    plan = near.customers.plan(table)
    near.customers.modify(customers.index[1], name="Somebody Else")
    batch = near.customers.apply(plan)
    for name in ("again.csv", "again.xlsx"):
        batch.save_failed(tmp_path / name)
        again = read_table(tmp_path / name)
        assert list(again.columns) == ["id", "Full name", "Note", "row", "reason"]
        (cells,) = again.to_numpy().tolist()
        assert cells[:4] == [customers.index[1], "Re1 Named1", "+1", "2"]
        found = near.customers.plan(again)
        assert repr(found) == "<Plan: 1 modify>"
    with pytest.raises(ValidationError, match="neither"):
        batch.save_failed(tmp_path / "again.txt")


def test_a_batch_names_who_each_row_is(near):
    """By the name, or else the email, that the row sets or came with."""
    customers = near.customers.list()
    table = pd.DataFrame(
        [
            {"id": customers.index[0], "name": "Re0 Named0"},
            {"id": customers.index[1], "E-mail": "to1@example.com"},
            {"id": customers.index[2], "phone": "408-555-0131"},
            {"E-mail": "new1@example.com"},
        ]
    ).fillna("")
    batch = apply(near, table)
    named = ["Re0 Named0", "to1@example.com", None, "new1@example.com"]
    assert [None if pd.isna(name) else name for name in batch.frame()["customer"]] == named


def test_a_batch_is_taken_back_as_a_plan(near):
    """What was replaced, added and created; a create becomes a delete that must be accepted."""
    before = near.customers.list()
    bare = before[before["phone"].isna()].index[:3]
    table = pd.concat(
        [
            renaming_rows(before.drop(bare), 5, email=""),
            pd.DataFrame({"id": bare, "phone": "408-555-0155"}),
            new_rows(4),
        ]
    ).fillna("")
    batch = apply(near, table)
    undo = batch.plan_undo()
    assert repr(undo) == "<Plan: 8 modify, 4 doubtful>"
    undo.accept(undo.frame(status="doubtful").index)
    taken = near.customers.apply(undo)
    assert count_outcomes(taken) == {"done": 12}
    assert are_verified(taken)
    after = near.customers.list()
    fields = ["email", "name", "phone", "shipping_line1"]
    pd.testing.assert_frame_equal(after[fields], before[fields])
    assert near.batches()["undoes"].to_list()[1] == 1


def test_what_was_changed_again_since_is_a_conflict_of_the_undo(near):
    """And the rest can be taken back."""
    customers = near.customers.list()
    batch = apply(near, renaming_rows(customers, 2))
    near.customers.modify(customers.index[0], name="Later Change")
    undo = batch.plan_undo()
    assert [row.status for row in undo.rows] == ["conflict", "ready"]
    assert repr(near.batch(batch.number)) == "<Batch 1: done; 2 done>"


def test_an_address_that_lacked_a_part_is_not_taken_back(near):
    """Clover would refuse it, and a mixture of both would be nobody's address."""
    customers = near.customers.list()
    whole = {
        "shipping_line1": "1 New St",
        "shipping_city": "Boston",
        "shipping_state": "MA",
        "shipping_postal_code": "02108",
        "shipping_country": "US",
    }
    lacking = {"name": "Ana", "address": {"line1": "5 Old Rd", "city": None}}
    near.customers.modify(customers.index[0], shipping=lacking)
    none = customers.index[customers["shipping_line1"].isna()][0]
    batch = apply(near, pd.DataFrame({"id": [customers.index[0], none], **whole}))
    undo = batch.plan_undo()
    assert [(row.status, [reason.code for reason in row.reasons]) for row in undo.rows] == [
        ("wrong", ["address_incomplete"]),
        ("ready", []),
    ]
    assert "city is missing" in str(undo.rows[0].reasons[0])
    assert count_outcomes(near.customers.apply(undo)) == {"done": 1}
    assert pd.isna(near.customers.retrieve(none)["shipping_line1"])
    assert near.customers.retrieve(customers.index[0])["shipping_line1"] == "1 New St"


def test_a_created_customer_who_has_a_card_by_now_is_never_deleted(near):
    """Nor one who got it after the undo was planned."""
    batch = apply(near, new_rows(2))
    first, second = batch.frame()["id"]
    token = near.tokens.create(card=TEST_CARDS["visa"])
    near.customers.modify(first, email="new0@example.com", source=token["id"], consent=True)
    undo = batch.plan_undo()
    assert [row.status for row in undo.rows] == ["wrong", "doubtful"]
    undo.accept(2)
    token = near.tokens.create(card=TEST_CARDS["visa"])
    near.customers.modify(second, email="new1@example.com", source=token["id"], consent=True)
    taken = near.customers.apply(undo)
    assert count_outcomes(taken) == {"conflict": 1}
    assert "card was attached" in taken.failed()["reason"].iloc[0]


def test_a_customer_who_gets_a_card_while_others_are_deleted_stays(near):
    """Each is looked at right before; a long batch has looked at all of them long ago."""
    batch = apply(near, new_rows(3))
    undo = batch.plan_undo()
    undo.accept(undo.frame().index)
    last = batch.frame()["id"].iloc[-1]

    def attach(_):
        if not near.customers.retrieve(last)["card_count"]:
            token = near.tokens.create(card=TEST_CARDS["visa"])
            near.customers.add_source(last, token["id"], consent=True)

    taken = near.customers.apply(undo, progress=attach)
    assert taken.frame()["outcome"].to_list() == ["done", "done", "conflict"]
    assert near.customers.retrieve(last)["card_count"] == 1


def test_a_batch_that_is_none_is_said(near):
    """With where to look."""
    with pytest.raises(ValidationError, match=r"no batch 7.*clover\.batches"):
        near.batch(7)


def test_a_batch_is_found_by_the_number_that_a_table_has(near):
    """It is one of numpy's; what is no number finds none."""
    apply(near, new_rows(2))
    batch = near.batch(near.batches().index[-1])
    assert repr(batch) == "<Batch 1: done; 2 done>"
    assert len(batch.plan_undo().rows) == len(batch.frame()) == 2
    for number in (None, "1", 1.0, True, 0, 10**30):
        with pytest.raises(ValidationError, match="There is no batch"):
            near.batch(number)


def test_a_deleted_person_leaves_no_trace_in_a_batch(near, tmp_path):
    """Nor in the journal's files."""
    batch = apply(near, new_rows(1))
    near.customers.delete(batch.frame()["id"].iloc[0])
    near.close()
    for file in tmp_path.glob("journal*"):
        assert b"new0@example.com" not in file.read_bytes(), file


# -- in the customer's history ---------------------------------------------------------------------


def test_what_a_batch_changes_is_in_each_customers_history(near):
    """Once, as any change, and one of them can be taken back alone."""
    customers = near.customers.list()
    batch = apply(near, pd.concat([renaming_rows(customers, 3), new_rows(2)]).fillna(""))
    ids = batch.frame()["id"]
    history = near.journal.frame()
    assert sorted(history["customer_id"]) == sorted(ids)
    assert list(history["outcome"]) == ["done"] * 5
    assert history["request_id"].notna().all()
    made = near.journal.frame(customer_id=ids.iloc[3]).iloc[0]
    assert (made["operation"], made["sent"]["email"]) == ("create", "new0@example.com")
    line = near.journal.frame(customer_id=ids.iloc[1])
    (changed,) = line.to_dict("records")
    assert changed["operation"] == "modify"
    assert changed["before"]["name"] == customers["name"].iloc[1]
    assert changed["sent"] == {"firstName": "Re1", "lastName": "Named1"}
    assert changed["after"]["name"] == "Re1 Named1"
    near.undo(line.index[0])
    assert near.customers.retrieve(ids.iloc[1])["name"] == customers["name"].iloc[1]
    assert near.customers.retrieve(ids.iloc[2])["name"] == "Re2 Named2"


def test_a_change_that_was_interrupted_between_its_requests_can_be_taken_back(near, box):
    """The first request was made; going on, what was there before it is still known."""
    customers = near.customers.list()
    key = customers.dropna(subset=["phone", "email"]).index[0]
    plan = near.customers.plan(
        pd.DataFrame({"id": [key], "name": ["New Name"], "phone": ["408-555-0166"]})
    )
    box.fail_next(401, path="phone_numbers")
    assert near.customers.apply(plan).state == "stopped"
    assert near.customers.retrieve(key)["name"] == "New Name"
    batch = near.customers.apply(plan)
    assert count_outcomes(batch) == {"done": 1}
    (line,) = near.journal.frame(customer_id=key).to_dict("records")
    assert line["before"]["name"] == customers.loc[key, "name"]
    undo = batch.plan_undo()
    near.customers.apply(undo)
    row = near.customers.retrieve(key)
    assert (row["name"], row["phone"]) == tuple(customers.loc[key, ["name", "phone"]])


def test_what_a_refused_row_has_changed_all_the_same_is_said_and_can_be_taken_back(near, box):
    """Of several requests the first was made: so says the row, and the customer's history."""
    customers = near.customers.list()
    known = customers.dropna(subset=["phone", "email"])
    table = renaming_rows(known, 3, phone="408-555-0166")
    plan = near.customers.plan(table)
    plan.accept(plan.frame(status="doubtful").index)
    box.fail_next(400, times=2, method="POST", path="phone_numbers")
    near.customers.modify(known.index[1], name="Somebody Else")
    batch = near.customers.apply(plan)
    outcomes = batch.frame()
    assert outcomes["outcome"].to_list() == ["failed", "conflict", "failed"]
    assert outcomes["reason"].str.startswith("Only first_name, last_name changed. ").sum() == 2
    assert outcomes["request_id"].notna().to_list() == [True, False, True]
    (line,) = near.journal.frame(customer_id=known.index[0]).to_dict("records")
    assert (line["outcome"], line["sent"]) == ("done", {"firstName": "Re0", "lastName": "Named0"})
    assert (line["before"]["name"], line["after"]["name"]) == (known["name"].iloc[0], "Re0 Named0")
    assert line["after"]["phone"] == known["phone"].iloc[0]
    undo = batch.plan_undo()
    assert repr(undo) == "<Plan: 2 modify>"
    near.customers.apply(undo)
    after = near.customers.list().loc[known.index[:3], "name"]
    assert after.to_list() == [known["name"].iloc[0], "Somebody Else", known["name"].iloc[2]]


def test_who_is_deleted_by_a_batch_is_forgotten(box, tmp_path):
    """In the history and in the rows of every batch; Clover's two APIs have two hosts."""
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": tmp_path / "journal"}
    hosts = box.connection()
    hosts["ecommerce_url"] = hosts["ecommerce_url"].replace("127.0.0.1", "localhost")
    with connect("local", **(hosts | given)) as near:
        batch = apply(near, new_rows(3))
        undo = batch.plan_undo()
        undo.accept(undo.frame(status="doubtful").index[:2])
        near.customers.apply(undo)
        near.customers.delete(batch.frame()["id"].iloc[2])
        assert list(near.journal.frame()["operation"]) == ["create"] * 3 + ["delete"] * 3
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("journal*"))
    assert b"Nova" not in kept
    assert b"@example.com" not in kept


# -- tokens that expire ----------------------------------------------------------------------------


def expire_once(box, after):
    """Let the token expire when so many rows are done."""
    expired = []

    def follow(progress):
        if progress.done >= after and not expired:
            expired.append(box.expire_token())

    return follow


def test_a_batch_goes_on_with_a_new_token(box, tmp_path):
    """Who gave a function notices nothing."""
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": tmp_path / "journal"}
    with connect(
        "local", **given, **(box.connection() | {"access_token": lambda: box.access_token})
    ) as near:
        customers = near.customers.list()
        table = pd.concat([renaming_rows(customers, 40), new_rows(40)]).fillna("")
        batch = apply(near, table, progress=expire_once(box, after=10))
        assert 401 in {entry["status"] for entry in box.requests}
        assert (batch.state, count_outcomes(batch)) == ("done", {"done": 80})
        assert are_verified(batch)
        assert len(near.customers.list()) == 100


def test_a_batch_pauses_when_the_token_has_expired(near, box, tmp_path):
    """It says so, and another connection with a new token goes on: none lost, none doubled."""
    customers = near.customers.list()
    plan = near.customers.plan(pd.concat([renaming_rows(customers, 40), new_rows(40)]).fillna(""))
    batch = near.customers.apply(plan, progress=expire_once(box, after=10))
    assert batch.state == "stopped"
    assert "it has expired" in batch.reason
    assert set(count_outcomes(batch)) == {"done", "planned"}
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": tmp_path / "journal"}
    with connect("local", **box.connection(), **given) as again:
        batch = again.customers.apply(plan)
        assert (batch.number, batch.state, count_outcomes(batch)) == (1, "done", {"done": 80})
        assert len(again.customers.list()) == 100


# -- written down first, and sent later ----------------------------------------------------------


def test_a_batch_is_prepared_without_sending_and_resumed(near, box):
    """By its number, from another connection too; each row once."""
    plan = near.customers.plan(new_rows(3))
    batch = near.customers.prepare_batch(plan)
    assert writes(box) == []
    assert (batch.state, batch.progress) == ("stopped", (0, 0, 3, 0))
    assert near.customers.prepare_batch(plan).number == batch.number
    given = {"requests_per_second": None, "timeouts": QUICK, "journal": near.journal.path}
    with connect("local", **box.connection(), **given) as other:
        other.batch(batch.number).resume()
    assert (batch.state, str(batch.progress)) == ("done", "3 done, 0 failed, 0 left")
    batch.resume()
    assert len(writes(box)) == 3


def test_a_batch_is_not_prepared_for_another_merchant_nor_where_nothing_may_be_written(near):
    """Nothing is written down."""
    plan = near.customers.plan(new_rows(1))
    plan.merchant = "ANOTHERMERCHT"
    with pytest.raises(ValidationError, match="The plan is of merchant ANOTHERMERCHT"):
        near.customers.prepare_batch(plan)
    assert len(near.batches()) == 0
