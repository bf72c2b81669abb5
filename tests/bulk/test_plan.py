"""A table becomes a plan: what changes, what is doubtful, and what is never sent."""

from __future__ import annotations

import hashlib
import json
import stat

import orjson
import pandas as pd
import pyarrow as pa
import pytest
from practice_requests import requests_during

from clover_nb import TEST_CARDS, connect, read_plan, read_table, save_table, to_frame
from clover_nb.bulk.plan import make_plan
from clover_nb.errors import ValidationError

ADDRESS = {
    "address1": "12 Main Street",
    "city": "Boston",
    "state": "MA",
    "zip": "02101",
    "country": "US",
}


def record(key, **fields):
    """A customer as the Platform API has them."""
    names = {"email": "emailAddress", "phone": "phoneNumber"}
    lists = {
        f"{names[name]}es" if name == "email" else f"{names[name]}s": {
            "elements": [{"id": f"{key}{name}", names[name]: fields.pop(name)}]
        }
        for name in names
        if name in fields
    }
    if address := fields.pop("address", None):
        lists["addresses"] = {"elements": [{"id": f"{key}A", **address}]}
    return {"id": key, "customerSince": 1700000000000, **lists, **fields}


ANA = record(
    "ANA",
    firstName="Ana",
    lastName="Rivera",
    email="ana@example.com",
    phone="408-555-0125",
    address=ADDRESS,
)
BO = record("B0", firstName="Bo", lastName="Lee", email="bo@example.com")
CLOVER = to_frame([ANA, BO])


def table(*rows):
    """Rows as of a file, which begin below the headings."""
    frame = pd.DataFrame([*rows]).fillna("").astype("str")
    frame.index = pd.Index(range(2, len(frame) + 2), name="row")
    return frame


def plan(*rows, current=CLOVER, **options):
    given = rows[0] if isinstance(rows[0], pd.DataFrame) else table(*rows)
    return make_plan(given, current, merchant="M", host="clover.test", **options)


def only(*rows, **options):
    """The only row of a plan that is not unchanged."""
    (row,) = plan(*rows, **options).rows
    return row


def codes(row):
    return [reason.code for reason in row.reasons]


# -- who a row is --------------------------------------------------------------------------------


def test_a_row_is_somebody_by_the_first_key_that_is_filled():
    """By the id, else by the email in any case; without either it is new."""
    found = plan(
        {"id": "ANA", "email": "", "name": "Ana Lopez"},
        {"id": "", "email": "BO@example.com", "name": "Bo Long"},
        {"id": "", "email": "new@example.com", "name": "Cy Young"},
    )
    assert found.frame()["id"].fillna("").to_list() == ["ANA", "B0", ""]
    assert found.frame()["action"].to_list() == ["modify", "modify", "create"]


def test_an_id_that_nobody_has_is_never_sent():
    """It may have been deleted; it is no new customer."""
    row = only({"id": "GONE", "name": "Ana"})
    assert (row.status, codes(row)) == ("wrong", ["unknown_id"])


def test_an_email_of_two_customers_tells_nobody():
    """Their ids are named."""
    twins = to_frame([ANA, record("C", firstName="Al", email="Ana@Example.com")])
    row = only({"email": "ana@example.com", "name": "X"}, current=twins)
    assert (row.status, codes(row)) == ("wrong", ["several_customers"])
    assert "ANA, C" in row.reasons[0].message


def test_the_id_of_one_and_the_email_of_another_are_two_customers():
    """With the id alone as the key, the email may be meant."""
    row = only({"id": "ANA", "email": "bo@example.com"})
    assert (row.status, codes(row)) == ("wrong", ["two_customers"])
    row = only({"id": "ANA", "email": "bo@example.com"}, key=["id"])
    assert (row.status, codes(row)) == ("doubtful", ["email_of_another"])


def test_any_field_can_be_the_key():
    """A phone in another spelling is the same."""
    row = only({"phone": "(408) 555-0125", "name": "Ana Lopez"}, key=["phone"])
    assert row.customer_id == "ANA"
    assert row.wanted == {"last_name": "Lopez"}


def test_two_rows_of_one_customer_are_doubtful():
    """The later would undo the earlier; each names the other."""
    found = plan({"id": "ANA", "name": "Ana A"}, {"id": "ANA", "name": "Ana B"})
    assert [codes(row) for row in found.rows] == [["same_customer"]] * 2
    assert "Row 3" in found.rows[0].reasons[0].message
    found = plan({"id": "ANA", "name": "Ana A"}, {"id": "ANA", "name": "Ana Rivera"})
    assert [row.status for row in found.rows] == ["doubtful"]


# -- same or not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        {"email": "ANA@example.com "},
        {"phone": "(408) 555 0125"},
        {"name": "  Ana Rivera"},
        {"shipping_country": "us"},
        {"shipping_postal_code": "2101"},
        {"name": "", "phone": ""},
        {"shipping_city": "Boston\n"},
    ],
    ids=str,
)
def test_another_spelling_of_the_same_is_no_change(same):
    """Else a supplier's list would change every row."""
    assert plan({"id": "ANA"} | {"name": ""} | same).rows == []


def test_accents_in_two_encodings_are_the_same():
    """Composed or not."""
    zoe = to_frame([record("Z", firstName="Zo\u00eb")])
    assert plan({"id": "Z", "first_name": "Zoe\u0308"}, current=zoe).rows == []


def test_a_changed_field_says_what_it_was_and_what_it_will_be():
    """And how many requests that takes: one for each kind of thing."""
    found = plan(
        {"id": "ANA", "name": "Ana Lopez", "phone": "+1 408 555 0199", "city": "Cambridge"}
    )
    assert found.changes().to_dict("list") == {
        "row": [2, 2, 2],
        "id": ["ANA"] * 3,
        "field": ["last_name", "phone", "shipping_city"],
        "before": ["Rivera", "408-555-0125", "Boston"],
        "after": ["Lopez", "+1 408 555 0199", "Cambridge"],
    }
    assert found.requests == 3
    assert found.frame().loc[2, "requests"] == 3


def test_a_name_is_divided_at_its_last_space():
    """First and last name win where they are given too, and say something else."""
    row = only({"email": "new@example.com", "name": "Ana Maria  Rivera"})
    assert (row.wanted["first_name"], row.wanted["last_name"]) == ("Ana Maria", "Rivera")
    row = only({"id": "ANA", "name": "Ana Smith", "last_name": "Jones"})
    assert row.wanted == {"last_name": "Jones"}
    assert (row.status, codes(row)) == ("doubtful", ["names_disagree"])
    row = only({"id": "ANA", "name": "Ana Smith", "first_name": "Ana", "last_name": "Rivera"})
    assert (row.status, row.wanted) == ("ready", {"last_name": "Smith"})


def test_empty_cells_keep_what_is_there_or_empty_it_when_told_to():
    """And a name stays, which the Platform API can't empty."""
    blank = {
        "id": "ANA",
        "phone": "",
        "line1": "",
        "city": "",
        "state": "",
        "zip": "",
        "country": "",
    }
    assert plan(blank).rows == []
    row = only(blank, empty="clear")
    assert (row.status, row.requests) == ("ready", 2)
    assert set(row.wanted.values()) == {""}
    row = only({"id": "ANA", "last_name": ""}, empty="clear")
    assert (row.status, codes(row)) == ("wrong", ["not_emptied"])
    with pytest.raises(ValidationError, match='"keep" or "clear"'):
        plan(blank, empty="erase")


def test_one_of_several_emails_is_not_emptied():
    """The next would take its place."""
    two = record("T", firstName="Ty", email="t@example.com")
    two["emailAddresses"]["elements"].append({"id": "T2", "emailAddress": "u@example.com"})
    row = only({"id": "T", "email": ""}, current=to_frame([two]), empty="clear")
    assert codes(row) == ["not_emptied"]


# -- what is wrong or doubtful -------------------------------------------------------------------


def test_a_row_has_all_its_reasons_at_once():
    """Each with its field, and a sentence."""
    row = only(
        {"id": "ANA", "email": "ana@", "phone": "none", "state": "XX", "name": "x" * 70 + " y"}
    )
    assert row.status == "wrong"
    assert {reason.field for reason in row.reasons} == {
        "email",
        "phone",
        "shipping_state",
        "first_name",
    }
    assert all(reason.message.endswith(".") for reason in row.reasons)
    told = plan({"id": "ANA", "email": "ana@", "phone": "none"}).frame().loc[2, "reasons"]
    assert told.count("\n") == 1


def test_a_partial_address_is_wrong_and_a_country_is_filled_in():
    """The Platform API takes a whole one."""
    row = only({"email": "new@example.com", "city": "Boston"})
    assert codes(row) == ["address_incomplete"] * 3
    row = only({"email": "n@example.com", "line1": "1 A St", "city": "Boston", "state": "MA", "zip": "02101"})  # fmt: skip  # noqa: E501
    assert (row.status, row.wanted["shipping_country"]) == ("ready", "US")


def test_a_zip_code_of_another_state_is_doubtful():
    """A person may mean it."""
    row = only({"id": "ANA", "zip": "60601"})
    assert (row.status, codes(row)) == ("doubtful", ["address_doubtful"])


def test_a_zero_that_a_spreadsheet_took_is_put_back_and_said():
    """It is doubtful until a person has seen it."""
    row = only({"id": "ANA", "zip": "2139"})
    assert row.wanted == {"shipping_postal_code": "02139"}
    assert (row.status, codes(row)) == ("doubtful", ["zero_added"])


def test_a_new_customer_who_is_probably_there_is_doubtful():
    """By phone and name, or in the table itself."""
    row = only({"email": "other@example.com", "name": "Ana Rivera", "phone": "4085550125"})
    assert (row.status, codes(row)) == ("doubtful", ["probable_duplicate"])
    assert "ANA" in row.reasons[0].message
    found = plan(
        {"email": "n@example.com", "name": "N M"}, {"email": "N@example.com", "name": "N M"}
    )
    assert [codes(row) for row in found.rows] == [[], ["probable_duplicate"]]


def test_a_new_customer_without_name_email_and_phone_is_nobody():
    """And is never sent."""
    row = only(ADDRESS | {"name": "", "email": ""})
    assert (row.status, codes(row)) == ("wrong", ["nobody"])


def test_a_card_number_is_copied_nowhere(tmp_path):
    """Not where it is wrong, nor from a column that is left out."""
    number = TEST_CARDS["visa"]["number"]
    found = plan(
        {"id": "ANA", "name": f"Ana {number}", "note": ""},
        {"id": "B0", "name": "Bo Long", "note": f"card {number}"},
        {"id": number, "name": "Cy", "note": "clv_1TSTSabcdefghijkmnopqrst"},
    )
    assert [row.status for row in found.rows] == ["wrong", "ready", "wrong"]
    found.save(tmp_path / "plan.jsonl")
    told = (tmp_path / "plan.jsonl").read_text() + repr(found.rows) + found._repr_html_()
    assert number not in told
    assert "clv_1TSTS" not in told


def test_what_cant_be_set_is_ignored_and_said_once():
    """With the columns that are no field."""
    edited = CLOVER.copy()
    edited["marketing_allowed"] = True
    edited["colour"] = "red"
    found = plan(edited)
    assert repr(found) == "<Plan: 2 unchanged>"
    assert found.notes == [
        "Column 'marketing_allowed' is ignored: it can't be set.",
        "Left out: colour.",
    ]


def test_a_table_without_a_key_is_refused_with_what_may_be_one():
    """And one that sets nothing."""
    with pytest.raises(ValidationError, match=r"none of id, email.*'Contact': 'email'"):
        plan({"Contact": "a@example.com", "name": "A"})
    with pytest.raises(ValidationError, match="no field that can be set"):
        plan({"id": "ANA", "colour": "red"})
    assert plan({"Contact": "c@example.com"}, columns={"Contact": "email"}).requests == 1


# -- three ways ----------------------------------------------------------------------------------


def moved(**fields):
    """Clover after a colleague has changed Ana."""
    contact = {"email": "ana@example.com", "phone": "408-555-0125", "address": ADDRESS}
    ana = {"firstName": "Ana", "lastName": "Rivera"} | contact | fields
    return to_frame([record("ANA", **ana), BO])


def edited(way, tmp_path, **cells):
    """Ana's row of the table, edited; and what tells how it was."""
    if way == "base":
        table = CLOVER.copy()
        for name, value in cells.items():
            table.loc["ANA", name] = value
        return {"table": table, "base": CLOVER}
    path = tmp_path / f"saved{way}"
    save_table(CLOVER, path)
    table = read_table(path)
    for name, value in cells.items():
        table.loc[2, name] = value
    return {"table": table}


WAYS = pytest.mark.parametrize("way", ["base", ".csv", ".xlsx"])


@WAYS
def test_what_was_not_edited_is_unchanged_though_clover_has_moved_on(way, tmp_path):
    """An old export never takes back a colleague's change."""
    given = edited(way, tmp_path)
    assert plan(given.pop("table"), current=moved(phone="555-0199"), **given).rows == []


@WAYS
def test_an_edit_beside_a_colleagues_change_of_another_field_is_ready(way, tmp_path):
    """And sets what was edited alone."""
    given = edited(way, tmp_path, shipping_city="Cambridge")
    row = only(given.pop("table"), current=moved(phone="555-0199"), **given)
    assert (row.status, row.wanted) == ("ready", {"shipping_city": "Cambridge"})


@WAYS
def test_an_edit_of_what_a_colleague_has_changed_is_a_conflict(way, tmp_path):
    """It says what is there now; accepted, it is done."""
    given = edited(way, tmp_path, phone="555-0111")
    found = plan(given.pop("table"), current=moved(phone="555-0199"), **given)
    (row,) = found.rows
    assert (row.status, codes(row)) == ("conflict", ["changed_since"])
    assert "555-0199" in row.reasons[0].message
    assert found.requests == 0
    found.accept(row.row)
    assert (row.status, found.requests) == ("ready", 1)


@WAYS
def test_an_edit_that_a_colleague_has_made_too_is_unchanged(way, tmp_path):
    """It is so already."""
    given = edited(way, tmp_path, phone="555-0199")
    assert plan(given.pop("table"), current=moved(phone="(555) 0199"), **given).rows == []


@WAYS
def test_the_edited_spelling_of_a_name_counts(way, tmp_path):
    """The table has the whole name, and its parts as they were."""
    given = edited(way, tmp_path, name="Ana Smith")
    row = only(given.pop("table"), **given)
    assert (row.status, row.wanted) == ("ready", {"last_name": "Smith"})


def test_marks_that_were_moved_to_another_row_protect_nothing_silently(tmp_path):
    """A column sorted by itself: every field is a conflict, none a silent change."""
    table = edited(".csv", tmp_path, name="Ana Smith")["table"]
    table["read"] = table["read"].to_list()[::-1]
    assert only(table).status == "conflict"


def test_a_base_without_ids_is_refused():
    """It would be compared with nothing."""
    with pytest.raises(ValidationError, match="base has no customer ids"):
        plan(CLOVER, base=CLOVER.reset_index(drop=True))


@pytest.mark.long
@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_ten_thousand_saved_and_read_again_change_nothing(tmp_path, suffix):
    """Whatever stands in them."""
    with connect("local", seed=5, requests_per_second=None) as clover:
        clover.sandbox.seed(9800)
        customers = clover.customers.list()
        save_table(customers, tmp_path / f"all{suffix}")
        table = read_table(tmp_path / f"all{suffix}")
        found = clover.customers.plan(table)
        assert repr(found) == "<Plan: 10,000 unchanged>"
        again = clover.customers.plan(table.drop(columns="read"))
        assert repr(again) == "<Plan: 10,000 unchanged>"
        assert [note for note in again.notes if "ignored" in note] == []


# -- reviewing -----------------------------------------------------------------------------------


@pytest.fixture
def mixed():
    """A row of each kind."""
    return plan(
        {"id": "ANA", "email": "ana@example.com", "name": "Ana Lopez", "zip": ""},
        {"id": "", "email": "cy@example.com", "name": "Cy <b>Young</b>", "zip": ""},
        {"id": "B0", "email": "bo@example.com", "name": "Bo Lee", "zip": ""},
        {"id": "GONE", "email": "", "name": "x", "zip": ""},
        {"id": "", "email": "dy@example.com", "name": "Ana Lopez", "zip": "2101"},
    )


def test_a_plan_is_one_line_of_counts(mixed):
    """Of ready rows by action, and of others by status."""
    assert repr(mixed) == "<Plan: 1 create, 1 modify, 1 unchanged, 2 wrong>"
    assert mixed.frame(status="wrong").index.to_list() == [5, 6]
    assert mixed.frame()["action"].to_list() == [
        "modify",
        "create",
        "unchanged",
        "modify",
        "create",
    ]


def test_a_notebook_shows_what_changes_escaped(mixed):
    """Before and after, and no more than a page of it."""
    page = mixed._repr_html_()
    assert "<del>Rivera</del> → <ins>Lopez</ins>" in page
    assert "&lt;b&gt;Young" in page
    assert "<b>" not in page
    many = plan(*({"email": f"p{n}@example.com"} for n in range(50)))
    assert "and 30 more" in many._repr_html_()


def test_rows_are_accepted_and_skipped_by_their_numbers():
    """One, several, or those that a frame shows."""
    found = plan({"id": "ANA", "zip": "2139"}, {"id": "B0", "zip": "", "name": "Bo Long"})
    assert repr(found) == "<Plan: 1 modify, 1 doubtful>"
    found.accept(found.frame(status="doubtful").index)
    found.skip([3])
    assert repr(found) == "<Plan: 1 modify, 1 skipped>"
    found.accept(3)
    assert repr(found) == "<Plan: 2 modify>"
    with pytest.raises(ValidationError, match="no row 99"):
        found.skip(99)


def test_what_is_wrong_cant_be_accepted(mixed):
    """It is never sent."""
    with pytest.raises(ValidationError, match="never sent: row 5"):
        mixed.accept([5])


# -- the file ------------------------------------------------------------------------------------


def test_a_saved_plan_is_read_as_it_was_reviewed(mixed, tmp_path):
    """With the decisions, and readable by its owner alone."""
    mixed.skip(2)
    path = tmp_path / "spring.plan.jsonl"
    mixed.save(path)
    back = read_plan(path)
    assert repr(back) == repr(mixed)
    pd.testing.assert_frame_equal(back.frame(), mixed.frame())
    pd.testing.assert_frame_equal(back.changes(), mixed.changes())
    assert (back.id, back.merchant, back.host) == (mixed.id, "M", "clover.test")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    header, *rows = map(json.loads, path.read_text().splitlines())
    assert header["counts"] == mixed.counts
    assert len(rows) == 5


def test_a_plan_is_whole_or_not_saved_at_all(mixed, tmp_path):
    """What was there before stays."""
    path = tmp_path / "plan.jsonl"
    mixed.save(path)
    before = path.read_bytes()
    mixed.rows[0].wanted["phone"] = object()
    with pytest.raises(TypeError):
        mixed.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace("Lopez", "Smith", 1), "altered"),
        (lambda text: text.replace('"merchant":"M"', '"merchant":"N"'), "altered"),
        (lambda text: text[: text.rindex("{")], "altered"),
        (lambda text: text.replace('"format":1', '"format":2'), "newer version"),
        (lambda text: text.replace('"format":1', '"format":"1"'), "newer version"),
        (lambda text: "", "no plan"),
        (lambda text: "id,name\n1,Ana\n", "no plan"),
        (lambda text: "[1]\n", "no plan"),
    ],
    ids=[
        *("a row", "the merchant", "a row less", "the format", "a format that is no number"),
        *("empty", "a table", "other JSON"),
    ],
)
def test_a_plan_that_was_altered_or_is_none_is_refused(mixed, tmp_path, change, told):
    """In a sentence."""
    path = tmp_path / "plan.jsonl"
    mixed.save(path)
    path.write_text(change(path.read_text()))
    with pytest.raises(ValidationError, match=told):
        read_plan(path)


@pytest.mark.parametrize(
    "phones",
    [
        pd.Series([b"555-0188"]),
        pd.Series([b"555-0188"]).astype(pd.ArrowDtype(pa.binary())),
        pd.Series(["555-0188"], dtype="category"),
        pd.Series([5550188], dtype="Int64"),
        pd.Series([5550188.0]),
    ],
    ids=["bytes", "Arrow's bytes", "a category", "a whole number", "a float"],
)
def test_a_value_is_sent_as_it_is_read_whatever_its_type(phones):
    """As databases and other files give it."""
    wanted = pd.DataFrame({"id": [ANA["id"]], "phone": phones})
    plan = make_plan(wanted, to_frame([ANA]), merchant="M", host="h")
    assert plan.rows[0].wanted["phone"].replace("-", "") == "5550188"


def test_an_email_that_stands_beside_the_primary_one_is_somebodys():
    """A new customer with it is probably there already, and nobody else should get it."""
    emails = [{"emailAddress": "ana@example.com", "primaryEmail": True}]
    emails += [{"emailAddress": "Ana@work.example.com"}]
    current = to_frame([{**ANA, "emailAddresses": {"elements": emails}}, BO])
    new = only({"email": "ana@work.example.com", "name": "Someone Else"}, current=current)
    assert (new.action, new.status, codes(new)) == ("create", "doubtful", ["probable_duplicate"])
    assert "ANA, who has this email" in new.reasons[0].message
    for key, found in {"B0": ["email_of_another"], "ANA": []}.items():
        row = only({"id": key, "email": "ana@work.example.com"}, current=current, key="id")
        assert codes(row) == found


def test_a_second_email_that_is_empty_is_nobodys():
    """A new customer without an email isn't probably the one who has it."""
    emails = [{"emailAddress": "ana@example.com", "primaryEmail": True}, {"emailAddress": ""}]
    current = to_frame([{**ANA, "emailAddresses": {"elements": emails}}])
    new = {"first_name": "Someone", "last_name": "Else"}
    assert codes(only(new | {"email": ""}, current=current)) == []


def test_half_an_emoji_in_a_table_is_said():
    """It has no encoding, so nothing can be done with it."""
    wanted = pd.DataFrame({"id": [ANA["id"]], "name": ["Ana \ud83d"]}, dtype=object)
    with pytest.raises(ValidationError, match="The column name holds half an emoji"):
        make_plan(wanted, to_frame([ANA]), merchant="M", host="h")


@pytest.mark.parametrize("body", [b"[]\n", b"{}\n", b"name\n", b'{"action":"modify"}\n'])
def test_a_file_that_is_signed_as_a_plan_and_is_none_is_refused(tmp_path, body):
    """Its checksum is right, and its lines are no rows."""
    names = ["plan", "merchant", "host", "person", "created"]
    names += ["source", "headings", "columns", "notes"]
    header = {"kind": "clover-nb plan", "format": 1}
    path = tmp_path / "plan.jsonl"
    for told in (header, header | dict.fromkeys(names)):
        checksum = hashlib.sha256(orjson.dumps(told) + b"\n" + body).hexdigest()
        path.write_bytes(orjson.dumps(told | {"sha256": checksum}) + b"\n" + body)
        with pytest.raises(ValidationError, match="is no plan"):
            read_plan(path)


def test_a_plan_file_that_isnt_there_is_said(tmp_path):
    """As any file."""
    with pytest.raises(ValidationError, match=r"none\.jsonl can't be read"):
        read_plan(tmp_path / "none.jsonl")


# -- with a connection ---------------------------------------------------------------------------


def test_planning_sends_nothing_but_reads(clover, practice):
    """And says whose customers they are."""
    with requests_during(practice) as sent:
        found = clover.customers.plan(table({"email": "plan@example.com", "name": "P Q"}))
    assert {entry["method"] for entry in sent} == {"GET"}
    assert found.merchant == practice.merchant_id
    assert found.host in practice.platform_url


# -- what is no table ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given", ["spring.xlsx", [{"email": "ana@example.com"}], None, CLOVER["name"]]
)
def test_what_is_no_table_is_refused_in_a_sentence(given):
    """A file's name, for example: `read_table` makes a table of it."""
    with pytest.raises(ValidationError, match=r"must be a DataFrame.*read_table"):
        make_plan(given, CLOVER, merchant="M", host="h")
    if given is not None:
        with pytest.raises(ValidationError, match="base has no customer ids"):
            plan({"email": "ana@example.com", "name": "Ana"}, base=given)


def test_headings_that_are_no_texts_are_taken_as_texts():
    """Numbers, as of a table that was made of lists."""
    made = plan(pd.DataFrame([["ana@example.com", "Ana Costa"]]), columns={0: "email", 1: "name"})
    assert made.changes()["field"].tolist() == ["last_name"]
    with pytest.raises(ValidationError, match=r"columns=.'0': 'email'"):
        plan(pd.DataFrame([["ana@example.com", "Ana Costa"]]))


@pytest.mark.parametrize("headings", [["email", "email"], ["email", "x", "x"]])
def test_two_equal_headings_are_refused(headings):
    """Whichever was meant."""
    given = pd.DataFrame([["ana@example.com"] * len(headings)], columns=headings)
    with pytest.raises(ValidationError, match="Two columns have the same heading"):
        plan(given)


def test_two_files_that_are_one_table_have_rows_of_their_own(tmp_path):
    """Each file's rows begin with 2; a number names one row of the plan."""
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"email,name\n{name}@example.com,Ana {name}\n")
    made = plan(pd.concat([read_table(tmp_path / name) for name in ("one", "two")]))
    assert made.frame().index.tolist() == [1, 2]
    made.skip(1)
    assert made.counts == {"create": 1, "skipped": 1}


def test_rows_are_named_by_numbers_of_pandas_too():
    """One, or several; what is no number is refused, a mask too, whose truths are 0 and 1."""
    made = plan({"email": "new@example.com"}, {"email": "other@example.com"})
    numbers = made.frame().index
    made.skip(numbers[0])
    assert made.counts == {"create": 1, "skipped": 1}
    made.accept(numbers.to_numpy())
    assert made.counts == {"create": 2}
    for given in (made.frame()["status"] == "ready", made.frame(), 2.0, [2.5], "2", None, True):
        with pytest.raises(ValidationError, match="rows must be numbers"):
            made.skip(given)
    assert made.counts == {"create": 2}


def test_a_plan_that_can_not_be_saved_names_its_file(tmp_path):
    """And not the one beside it that takes its place."""
    path = tmp_path / "none" / "spring.plan.jsonl"
    with pytest.raises(ValidationError) as caught:
        plan({"email": "new@example.com"}).save(path)
    assert caught.value.message == f"{path} can't be written (there is no folder {path.parent})."


@pytest.mark.parametrize("key", [None, 5, [], [None], ["email", 5], {"email"}])
def test_a_key_that_is_none_is_refused_in_a_sentence(key):
    """With what can be one."""
    with pytest.raises(ValidationError, match=r"key must be .* There are: id, name") as caught:
        make_plan(table({"email": "a@example.com"}), CLOVER, merchant="M", host="h", key=key)
    assert caught.value.field == "key"


@pytest.mark.parametrize("given", [["email"], "email", 5])
def test_columns_that_are_no_dict_are_refused_in_a_sentence(given):
    """A list, for example."""
    with pytest.raises(ValidationError, match=r"columns must be a dict.*'?E-mail") as caught:
        plan({"email": "ana@example.com"}, columns=given)
    assert caught.value.field == "columns"
    with pytest.raises(ValidationError, match="5 is not a field"):
        plan({"email": "ana@example.com"}, columns={"email": 5})


@pytest.mark.parametrize(
    "wrong", [{"key": "emial"}, {"columns": ["email"]}, {"columns": {"mail": None}}, {"empty": "x"}]
)
def test_what_cant_be_planned_is_said_before_anybody_is_read(clover, practice, wrong):
    """All customers may take minutes."""
    with requests_during(practice) as sent, pytest.raises(ValidationError):
        clover.customers.plan(table({"email": "plan@example.com"}), **wrong)
    assert sent == []


def test_a_status_that_is_none_is_refused(mixed):
    """A misspelled one has no rows, and to accept those would do nothing."""
    with pytest.raises(ValidationError, match=r"no status 'doubful'.*doubtful"):
        mixed.frame(status="doubful")
