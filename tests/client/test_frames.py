"""Clover's JSON as pandas rows."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import sqlite3

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clover_nb import to_frame, to_row, upsert
from clover_nb.errors import CloverError, ValidationError
from clover_nb.records import SCHEMA

TEXTS = [name for name, kind in SCHEMA.items() if kind == SCHEMA["email"]]

# The two example answers of Clover's page "Work with customers (SDK)", to the letter but for the
# addresses, which the page hides.
CREATED = {
    "id": "ANKHTCV4BZCVW",
    "object": "customer",
    "created": 1580489482717,
    "currency": "usd",
    "email": "ana@example.com",
    "sources": {"object": "list", "data": ["7E8EH4WWHK5N6"], "has_more": False},
    "shipping": {},
}
MODIFIED = {
    "id": "AKK8FZK1NCPWC",
    "object": "customer",
    "created": 1582322821472,
    "currency": "usd",
    "email": "ana@example.com",
    "phone": "555-0125",
    "name": "Updated Name",
    "sources": {"object": "list", "data": ["01B0G1CT3GCBT"], "has_more": False},
    "shipping": {
        "name": "Updated Name",
        "phone": "555-0125",
        "address": {
            "line1": "415 N Mathilda Ave",
            "city": "Sunnyvale",
            "state": "CA",
            "postal_code": "94085",
            "country": "US",
        },
    },
}
PLATFORM = {
    "href": "https://api.clover.com/v3/merchants/M1/customers/7QK2M9ZX4T0BC",
    "id": "7QK2M9ZX4T0BC",
    "merchant": {"id": "M1"},
    "firstName": "Ana María",
    "lastName": "Rivera",
    "marketingAllowed": False,
    "customerSince": 1700000000123,
    "emailAddresses": {
        "elements": [
            {"id": "E1", "emailAddress": "old@example.com"},
            {"id": "E2", "emailAddress": "ana@example.com", "primaryEmail": True},
        ]
    },
    "phoneNumbers": {"elements": [{"id": "P1", "phoneNumber": "0150-555"}]},
    "addresses": {
        "elements": [
            {
                "id": "A1",
                "address1": "1 Main Street",
                "address2": "Apt 3",
                "city": "Boston",
                "state": "MA",
                "zip": "02101",
                "country": "US",
            }
        ]
    },
    "cards": {
        "elements": [
            {"id": "C2", "last4": "0042", "cardType": "MC", "expirationDate": "0931"},
            {"id": "C1", "last4": "4242", "cardType": "VISA", "expirationDate": "1235"},
        ]
    },
}


def test_the_documented_answers_become_rows_with_every_value():
    """Each value of Clover's two examples is in the row, under the schema's names."""
    row = to_row(CREATED)
    assert row.name == "ANKHTCV4BZCVW"
    assert row.dropna().to_dict() == {
        "id": "ANKHTCV4BZCVW",
        "created": pd.Timestamp("2020-01-31 16:51:22.717", tz="UTC"),
        "email": "ana@example.com",
        "currency": "usd",
        "source_ids": ["7E8EH4WWHK5N6"],
        "card_count": 1,
    }
    assert to_row(MODIFIED).dropna().to_dict() == {
        "id": "AKK8FZK1NCPWC",
        "created": pd.Timestamp("2020-02-21 22:07:01.472", tz="UTC"),
        "email": "ana@example.com",
        "name": "Updated Name",
        "phone": "555-0125",
        "currency": "usd",
        "shipping_name": "Updated Name",
        "shipping_phone": "555-0125",
        "shipping_line1": "415 N Mathilda Ave",
        "shipping_city": "Sunnyvale",
        "shipping_state": "CA",
        "shipping_postal_code": "94085",
        "shipping_country": "US",
        "source_ids": ["01B0G1CT3GCBT"],
        "card_count": 1,
    }


def test_the_platform_record_becomes_the_same_row():
    """Names, the primary address, the first of the others, and the newest card."""
    row = to_row(PLATFORM)
    expected = {
        "name": "Ana María Rivera",
        "email": "ana@example.com",
        "phone": "0150-555",
        "marketing_allowed": False,
        "shipping_line1": "1 Main Street",
        "shipping_postal_code": "02101",
        "source_ids": ["C2", "C1"],
        "card_count": 2,
        "card_brand": "MC",
        "card_last4": "0042",
        "card_expiry": "2031-09",
    }
    assert row[list(expected)].to_dict() == expected
    assert not {"href", "merchant", "object"} & set(row.index)


@pytest.mark.parametrize(
    "sources",
    [
        {"data": ["C1", "C2"]},
        {"object": "list", "data": [{"id": "C1", "last4": "4242"}, {"id": "C2"}]},
        {"elements": ["C1", "C2"]},
        {"object": "list", "data": {"elements": ["C1", "C2"]}},
    ],
)
def test_card_ids_are_read_in_every_spelling(sources):
    """Clover's samples of 2019 and of today, and one program's view, list cards differently."""
    row = to_row({"id": "X", "sources": sources})
    assert row["source_ids"] == ["C1", "C2"]
    assert row["card_count"] == 2


def test_nothing_that_clover_sends_is_lost():
    """Unknown fields are kept under Clover's names; lists with more than one item, whole."""
    shipping = {"carrier": "UPS", "address": {"line3": "Back door"}}
    row = to_row({"id": "X", "description": "VIP", "metadata": {"a": 1}, "shipping": shipping})
    assert row["description"] == "VIP"
    assert row["metadata_a"] == 1
    assert row["shipping_carrier"] == "UPS"
    assert row["shipping_line3"] == "Back door"
    phone = {"elements": [{"phoneNumber": "0150-555", "extension": "12"}]}
    for result in (to_row({"phoneNumbers": phone}), to_frame([{"phoneNumbers": phone}]).iloc[0]):
        assert (result["phone"], result["phone_extension"]) == ("0150-555", "12")
    emails = to_row(PLATFORM)["emailAddresses"]
    assert [each["emailAddress"] for each in emails] == ["old@example.com", "ana@example.com"]


def test_a_frame_has_the_schema_whatever_is_in_it():
    """Index and dtypes are the same for both APIs, for none and for odd values."""
    full = to_frame([CREATED, PLATFORM])
    empty = to_frame([])
    odd = to_frame([{"id": "X", "phone": 5550125, "created": "soon", "marketingAllowed": None}])
    expected = {name: empty.dtypes[name] for name in SCHEMA if name != "id"}
    for table in (full, empty, odd):
        assert table.index.name == "id"
        assert {name: table.dtypes[name] for name in expected} == expected
    assert str(full["created"].dtype) == "datetime64[ms, UTC]"
    assert str(full["shipping_postal_code"].dtype) == "str"
    assert odd.loc["X", "phone"] == "5550125"


texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=8)


def maybe(**fields):
    """A record with some of these, and some of them null."""
    return st.fixed_dictionaries({}, optional={k: st.none() | v for k, v in fields.items()})


def listed(items):
    return st.lists(items, max_size=2).map(lambda held: {"elements": held})


# Everything that Clover's reference has, and a field that it doesn't have in each place.
numbers = st.integers(0, 2**40)
owner = {"customer": st.just({"id": "X"}), "id": texts}
address = maybe(
    address1=texts,
    address2=texts,
    address3=texts,
    city=texts,
    state=texts,
    zip=texts,
    country=texts,
    new=texts,
    **owner,
)
email = maybe(
    emailAddress=texts, primaryEmail=st.booleans(), verifiedTime=numbers, new=texts, **owner
)
card = st.builds(
    dict,
    maybe(
        cardType=texts,
        last4=texts,
        expirationDate=texts,
        firstName=texts,
        lastName=texts,
        tokenType=texts,
        modifiedTime=numbers,
        additionalInfo=maybe(default=texts, zip=texts, isPurchaseCard=st.booleans()),
        new=texts,
    ),
    id=texts,
)
platform = st.builds(
    dict,
    maybe(
        customerSince=numbers,
        firstName=texts,
        lastName=texts,
        marketingAllowed=st.booleans(),
        orders=listed(st.builds(dict, id=texts)),
        emailAddresses=listed(email),
        phoneNumbers=listed(maybe(phoneNumber=texts, new=texts, **owner)),
        addresses=listed(address),
        cards=listed(card),
        metadata=maybe(businessName=texts, note=texts, dobYear=numbers, new=texts),
        href=texts,
        new=texts,
    ),
    id=texts,
)
odd = st.sampled_from([{"id": "X", "firstName": 5}, CREATED, MODIFIED, PLATFORM])


@settings(max_examples=50, deadline=None)
@given(st.lists(platform | odd, max_size=4))
def test_a_table_says_what_its_rows_say(records):
    """A line holds what the row holds, in a form that can be stored."""
    table = to_frame(records)
    assert list(table.index) == [record["id"] for record in records]
    for position, record in enumerate(records):
        row, line = to_row(record), table.iloc[position]
        for name in row.index.difference(["id"]):
            if name == "source_ids":
                assert line[name] == " ".join(row[name]), name
            elif isinstance(row[name], list | dict):
                assert json.loads(line[name]) == row[name], name
            elif pd.isna(row[name]):
                assert pd.isna(line[name]), name
            else:
                assert line[name] == (str(row[name]) if name in TEXTS else row[name]), name


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.just("\ud83c"),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["elements", "data", "id", "address"]), inner, max_size=2)
    ),
    max_leaves=5,
)
platform_names = [
    *("emailAddresses", "phoneNumbers", "addresses", "cards", "sources", "shipping", "created"),
    *("customerSince", "firstName", "lastName", "marketingAllowed", "metadata", "new", "object"),
]
NESTED = ("emailAddresses", "phoneNumbers", "addresses", "cards", "sources", "shipping", "created")


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(NESTED), anything))
def test_whatever_is_nested_gives_a_row(fields):
    """A type that Clover never sent, anywhere in a record, stops nobody."""
    record = {"id": "X", "name": "Ana"} | fields
    row, table = to_row(record), to_frame([record, PLATFORM])
    assert (row["id"], row["name"], table.loc["X", "name"]) == ("X", "Ana", "Ana")


@pytest.mark.parametrize(
    "strange",
    [
        {"shipping": "by air"},
        {"shipping": {"address": 5}},
        {"cards": 3},
        {"cards": [3, {}]},
        {"sources": "C1"},
        {"emailAddresses": ["ana@example.com"]},
        {"addresses": {"data": [5]}},
    ],
)
def test_what_is_nested_otherwise_is_kept_as_it_came(strange):
    """Under Clover's name, in the row and in the frame."""
    record = {"id": "X"} | strange
    for name, value in strange.items():
        assert to_row(record)[name] == value
        kept = to_frame([PLATFORM, record]).loc["X", name]
        assert kept == (value if isinstance(value, str) else json.dumps(value))


FULL = PLATFORM | {
    "orders": {"elements": [{"id": "O1"}]},
    "emailAddresses": {
        "elements": [
            {"id": "E1", "emailAddress": "ana@example.com", "verifiedTime": 1600000000000}
            | {"primaryEmail": True, "customer": {"id": "X"}}
        ]
    },
    "addresses": {"elements": [PLATFORM["addresses"]["elements"][0] | {"address3": "Back door"}]},
    "cards": {
        "elements": [
            {"id": "C1", "first6": "424242", "last4": "4242", "cardType": "VISA"}
            | {"firstName": "Ana", "lastName": "Rivera", "expirationDate": "1235"}
            | {"token": "clv_1TSTS", "tokenType": "MULTIPAY", "modifiedTime": 1600000000000}
            | {"additionalInfo": {"default": "true"}, "customer": {"id": "X"}}
        ]
    },
    "metadata": {"businessName": "Ana's", "note": "VIP", "dobYear": 1990, "modifiedTime": 1},
    "new": [True, False],
}


def test_what_clover_documents_beyond_the_schema_becomes_columns():
    """Fields of Clover's reference and a new one; what is nested is JSON, which can be stored."""
    table = to_frame([FULL, PLATFORM | {"id": "Y"}])
    kept = table.loc[FULL["id"]].dropna()
    assert {name: kept[name] for name in kept.index.difference(list(SCHEMA))} == {
        "orders": '{"elements": [{"id": "O1"}]}',
        "metadata_businessName": "Ana's",
        "metadata_dobYear": 1990,
        "new": "[true, false]",
        "email_verifiedTime": 1600000000000,
        "shipping_address3": "Back door",
        "card_firstName": "Ana",
        "card_lastName": "Rivera",
        "card_additionalInfo": '{"default": "true"}',
    }
    assert json.loads(table.loc["Y", "cards"]) == PLATFORM["cards"]["elements"]
    assert str(table["email_verifiedTime"].dtype) == "Int64"


def save_in_database(table):
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        table.to_sql("customers", db)


@pytest.mark.parametrize(
    "call",
    [
        lambda table: table.drop_duplicates(),
        lambda table: table.nunique(),
        lambda table: [table[name].value_counts() for name in table],
        lambda table: [table.groupby(name).size() for name in table],
        lambda table: table.describe(include="all"),
        lambda table: table.sort_values(list(table.columns)),
        lambda table: [table.reset_index().merge(table, on=name) for name in table],
        lambda table: table.to_json(date_format="iso"),
        lambda table: table.to_csv(),
        lambda table: table.to_html(),
        lambda table: table.to_parquet(),
        save_in_database,
    ],
)
def test_a_table_does_what_tables_do(call):
    """Ordinary pandas calls, with every column, several cards, and fields of mixed kinds."""
    mixed = [{"id": str(place), "new": each} for place, each in enumerate([1, "x", 2.5, {}, []])]
    call(to_frame([FULL, PLATFORM | {"id": "Y"}, CREATED, MODIFIED, *mixed]))
    call(to_frame([]))


def test_card_ids_of_a_table_are_text():
    """Separated by blanks; empty without a card. A row has them as a list."""
    table = to_frame([PLATFORM, CREATED, {"id": "X"}])
    assert table["source_ids"].tolist() == ["C2 C1", "7E8EH4WWHK5N6", ""]
    assert table["source_ids"].str.split().tolist() == [["C2", "C1"], ["7E8EH4WWHK5N6"], []]
    assert to_row(PLATFORM)["source_ids"] == ["C2", "C1"]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from([*SCHEMA, *platform_names]), anything))
def test_whatever_a_record_holds_it_becomes_a_row_and_a_line(fields):
    """A name of the schema, or of Clover's, with a value of any kind."""
    record = fields | {"id": "X"}
    row, table = to_row(record), to_frame([PLATFORM, record])
    assert (row.name, list(table.index)) == ("X", [PLATFORM["id"], "X"])
    assert isinstance(row["source_ids"], list)
    assert str(table["source_ids"].dtype) == "str"
    assert list(upsert(table, row).index) == list(table.index)
    repr(table), repr(row), table.to_csv(), table.to_parquet(), table.drop_duplicates()


@pytest.mark.parametrize("record", [5, None, [], "X"])
def test_what_is_no_record_is_an_error_of_the_tree(record):
    """Never Python's own."""
    for call in (to_row, lambda record: to_frame([PLATFORM, record])):
        with pytest.raises(CloverError):
            call(record)


def test_a_record_nested_without_end_is_cut():
    """Clover's own have five levels; these would take more than Python's stack."""
    deep: object = "bottom"
    for _ in range(5000):
        deep = [deep]
    record = {"id": "X", "name": "Ana", "new": deep}
    assert to_row(record)["name"] == to_frame([record]).loc["X", "name"] == "Ana"
    assert "nested too deep" in to_frame([record]).loc["X", "new"]


TOKEN = "clv_1TSTSabcdefghijkmnopqrst"
CARDS = {"elements": [{"id": "C1", "token": TOKEN}, {"id": "C2", "token": "other-" + TOKEN}]}


@pytest.mark.parametrize(
    "record", [{"id": "X", "cards": CARDS}, {"id": "X", "new": {"a": [TOKEN]}}]
)
def test_a_table_is_saved_without_card_tokens(tmp_path, record):
    """Whatever a table or a row is saved as, the tokens of the cards in it are not in it."""
    sent = json.dumps(record)
    for table in (to_frame([record]), to_frame([record, {"id": 5}])):
        table.to_parquet(tmp_path / "parquet")
        saved = [
            table.to_csv(),
            table.to_json(date_format="iso"),
            repr(pickle.dumps(table)),
            repr((tmp_path / "parquet").read_bytes()),
            repr(pickle.dumps(to_row(record))),
        ]
        assert not [text for text in saved if TOKEN[4:] in text]
    assert json.dumps(record) == sent


def test_a_saved_table_comes_back(tmp_path):
    """Parquet keeps every column."""
    table = to_frame([CREATED, PLATFORM, FULL | {"id": "Y"}])
    table.to_parquet(tmp_path / "customers.parquet")
    again = pd.read_parquet(tmp_path / "customers.parquet")
    assert again.dtypes.equals(table.dtypes) or pd.__version__ < "3"  # which reads texts as objects
    pd.testing.assert_frame_equal(again.astype(table.dtypes), table, check_index_type=False)


def test_text_comes_back_unchanged():
    """Emoji, right-to-left text, quotes and tags are text."""
    name = "<script>alert('x')</script> 🍀 \"עברית\" O'Brien"
    assert to_row({"id": "X", "name": name})["name"] == name
    assert to_frame([{"id": "X", "name": name}]).loc["X", "name"] == name


def test_upsert_replaces_in_place_and_appends():
    """A known customer keeps its place, a new one goes to the end, dtypes stay."""
    table = to_frame([CREATED, MODIFIED])
    changed = upsert(table, to_row(CREATED | {"name": "New"}))
    assert list(changed.index) == list(table.index)
    assert changed.loc["ANKHTCV4BZCVW", "name"] == "New"
    assert pd.isna(table.loc["ANKHTCV4BZCVW", "name"])
    longer = upsert(changed, to_row(PLATFORM))
    assert list(longer.index) == [*table.index, "7QK2M9ZX4T0BC"]
    for result in (changed, longer):
        assert (result.dtypes[table.columns] == table.dtypes).all()


def test_upsert_keeps_what_an_answer_does_not_carry():
    """A change's answer has no card brand: the table's stays, until the cards change."""
    table = to_frame([PLATFORM])
    answer = {"id": "7QK2M9ZX4T0BC", "name": "Other", "sources": {"data": ["C2", "C1"]}}
    same = upsert(table, to_row(answer)).loc["7QK2M9ZX4T0BC"]
    assert (same["name"], same["card_last4"], same["phone"]) == ("Other", "0042", "0150-555")
    moved = upsert(table, to_row(answer | {"sources": {"data": ["C3"]}})).loc["7QK2M9ZX4T0BC"]
    assert moved["source_ids"] == "C3"
    assert pd.isna(moved["card_last4"])


@pytest.mark.parametrize(
    ("before", "answer", "cleared"),
    [
        (PLATFORM, {"object": "customer", "email": "ana@example.com"}, ["phone", "name"]),
        (MODIFIED, MODIFIED | {"shipping": {}}, ["shipping_name", "shipping_city"]),
        (PLATFORM, PLATFORM | {"cards": {"elements": []}}, ["card_brand", "card_last4"]),
        (PLATFORM, PLATFORM | {"addresses": {"elements": []}}, ["shipping_line1"]),
        (PLATFORM, PLATFORM | {"phoneNumbers": {"elements": []}}, ["phone"]),
        (PLATFORM, {"object": "customer", "name": "Bea Moss"}, ["first_name", "last_name"]),
    ],
)
def test_upsert_clears_what_the_answer_would_carry(before, answer, cleared):
    """A value that was removed is not kept from the table; all others are."""
    table = to_frame([before])
    changed = upsert(table, to_row(answer | {"id": before["id"]}))
    old, new = table.iloc[0], changed.iloc[0]
    assert not old[cleared].isna().any()
    assert new[cleared].isna().all()
    assert new["created"] == old["created"]


def test_upsert_keeps_the_recipient_that_the_platform_does_not_show():
    """A record read anew says nothing of the recipient."""
    for shipping in ({}, {"shipping": {}}):  # as a change's row has, where nobody knows it
        record = PLATFORM | shipping | {"id": MODIFIED["id"]}
        changed = upsert(to_frame([MODIFIED]), to_row(record)).iloc[0]
        assert (changed["shipping_name"], changed["shipping_phone"]) == ("Updated Name", "555-0125")
        assert changed["shipping_city"] == "Boston"


def test_upsert_keeps_what_is_said_of_the_table():
    """Whether the list was read whole stays with it."""
    table = to_frame([CREATED])
    table.attrs["complete"] = False
    assert upsert(table, to_row(PLATFORM)).attrs == {"complete": False}


def test_upsert_into_an_empty_table():
    """The first customer makes a table of one."""
    assert list(upsert(to_frame([]), to_row(CREATED)).index) == ["ANKHTCV4BZCVW"]


def test_upsert_leaves_columns_of_ones_own_as_they_are():
    """Values and dtypes; a new customer has none of them."""
    table = to_frame([CREATED, MODIFIED])
    own = table.assign(
        orders=[5, 7],
        revenue=[1.5, 2.5],
        last_order=pd.Timestamp("2026-01-02", tz="Europe/Berlin"),
        segment=pd.Categorical(["new", "old"]),
        is_vip=[True, False],
        month=pd.Period("2026-01", "M"),
        tags=[["a"], ["b"]],
    )
    changed = upsert(own, to_row(CREATED | {"name": "New"}))
    assert changed.loc["ANKHTCV4BZCVW", "name"] == "New"
    mine = list(own.columns.difference(table.columns))
    pd.testing.assert_frame_equal(changed[mine], own[mine])
    longer = upsert(own, to_row(PLATFORM))
    assert longer[mine].iloc[-1].isna().all()
    assert longer["orders"].tolist()[:2] == [5, 7]
    assert longer["segment"].dtype == own["segment"].dtype


def test_upsert_keeps_no_list_of_what_was_several_before():
    """The second card, or address, is gone from the list too: the answer would have carried it."""
    one = PLATFORM | {
        "cards": {"elements": [{"id": "C1", "last4": "0042"}]},
        "emailAddresses": {"elements": [{"id": "E1", "emailAddress": "ana@example.com"}]},
    }
    table = to_frame([PLATFORM])
    assert table[["cards", "emailAddresses"]].notna().all(axis=None)
    changed = upsert(table, to_row(one)).iloc[0]
    assert changed[["cards", "emailAddresses"]].isna().all()
    answer = {"id": PLATFORM["id"], "object": "customer", "sources": {"data": ["C1"]}}
    assert pd.isna(upsert(table, to_row(answer)).iloc[0]["cards"])


def _as_file(table):
    return pd.read_csv(io.StringIO(table.to_csv()))


CHANGED = to_row({**PLATFORM, "firstName": "Bea"})
KEPT = {
    "a time zone": lambda table: table.assign(created=table["created"].dt.tz_convert("Asia/Tokyo")),
    "no time zone": lambda table: table.assign(created=table["created"].dt.tz_localize(None)),
    "numpy_nullable": lambda table: table.convert_dtypes(),
    "pyarrow": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "a category": lambda table: table.astype({"shipping_state": "category"}),
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_upsert_keeps_the_dtypes_that_an_analyst_has_chosen(change):
    """And every value of the other customers."""
    table = change(to_frame([PLATFORM, {**PLATFORM, "id": "OTHER"}]))
    result = upsert(table, CHANGED)
    pd.testing.assert_series_equal(result.dtypes, table.dtypes)
    pd.testing.assert_frame_equal(result.loc[["OTHER"]], table.loc[["OTHER"]])
    assert result.loc[CHANGED["id"], "name"] == CHANGED["name"]
    assert pd.Timestamp(result["created"].iloc[0]) == pd.Timestamp(table["created"].iloc[0])


def test_upsert_keeps_a_value_that_is_no_category_yet():
    """The column becomes text, rather than lose it."""
    table = to_frame([PLATFORM]).astype({"name": "category"})
    assert upsert(table, CHANGED)["name"].tolist() == [CHANGED["name"]]


@pytest.mark.parametrize(
    ("column", "value"),
    [([1, 2], 2.5), ([True, False], "no"), ([1, 2], 300)],
    ids=["a part", "a word", "much"],
)
def test_upsert_changes_no_value_to_keep_a_dtype(column, value):
    """A half is not cut off, "no" is not true, and 300 does not become 44 in eight bits."""
    own = pd.Series(column, ["7QK2M9ZX4T0BC", "OTHER"])
    own = own.astype("int8") if value == 300 else own
    table = to_frame([PLATFORM, {**PLATFORM, "id": "OTHER"}]).assign(own=own)
    row = to_row(PLATFORM)
    row["own"] = value
    assert str(upsert(table, row)["own"].iloc[0]) == str(value)


@pytest.mark.parametrize(
    "own",
    [pd.to_datetime(["2026-01-01", "2026-01-02"]), pd.to_timedelta([1, 2]), [[1], [2]]],
    ids=["times", "durations", "lists"],
)
def test_upsert_takes_a_row_with_columns_of_ones_own(own):
    """They are as they were, whatever they hold."""
    table = to_frame([PLATFORM, {**PLATFORM, "id": "OTHER"}]).assign(own=own)
    pd.testing.assert_series_equal(upsert(table, table.iloc[0])["own"], table["own"])


@pytest.mark.parametrize("change", [pd.DataFrame.reset_index, _as_file], ids=["reset", "file"])
def test_upsert_finds_a_customer_whose_id_is_in_a_column(change):
    """Nobody is in the table twice then."""
    result = upsert(change(to_frame([PLATFORM, {**PLATFORM, "id": "OTHER"}])), CHANGED)
    assert result.index.tolist() == [CHANGED["id"], "OTHER"]
    assert result["name"].tolist()[0] == CHANGED["name"]


def test_upsert_takes_a_row_of_a_table_and_one_with_few_columns():
    """As an analyst has them."""
    table = to_frame([PLATFORM])
    other = to_frame([{**PLATFORM, "firstName": "Bea"}]).iloc[0]
    assert upsert(table, other)["name"].tolist() == [CHANGED["name"]]
    assert upsert(table[["name", "email"]], CHANGED)["name"].tolist() == [CHANGED["name"]]


@pytest.mark.parametrize(
    ("table", "row", "field"),
    [
        (None, CHANGED, "table"),
        (to_frame([PLATFORM, PLATFORM]), CHANGED, "table"),
        (to_frame([PLATFORM]).reset_index(drop=True), CHANGED, "table"),
        (to_frame([PLATFORM]).set_index("email", append=True), CHANGED, "table"),
        (pd.concat([to_frame([PLATFORM])] * 2, axis=1), CHANGED, "table"),
        (to_frame([PLATFORM]), None, "row"),
        (to_frame([PLATFORM]), to_frame([PLATFORM]), "row"),
        (to_frame([PLATFORM]), pd.Series({"name": "Ana"}), "row"),
        (to_frame([PLATFORM]), pd.Series({"id": "A", "deleted": True, "object": "card"}), "row"),
        (to_frame([PLATFORM]), pd.Series({"id": "clv_A", "card_last4": "4242"}), "row"),
    ],
    ids=[
        *("None", "twice", "no ids", "levels", "headings", "no row", "a table", "nobody's"),
        *("a card that is deleted", "a token"),
    ],
)
def test_upsert_refuses_what_is_not_clear(table, row, field):
    """And says which of the two it is about."""
    with pytest.raises(ValidationError) as caught:
        upsert(table, row)
    assert caught.value.field == field
