"""What is found in a table is what was invented, and little else."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from clover_nb import connect, quality, read_table, save_table, to_frame
from clover_nb.errors import ValidationError
from clover_nb.sandbox.sample_data.rows import expected_flaws

TODAY = dt.date(2026, 1, 1)
BATCHES = (200, 5800)


@pytest.fixture(scope="module")
def table():
    """6,000 invented customers."""
    with connect("local", seed=11, requests_per_second=None) as clover:
        clover.sandbox.seed(BATCHES[1])
        return clover.customers.list(limit=None)


@pytest.fixture(scope="module")
def known():
    """Who they are."""
    return expected_flaws(11, *BATCHES)


def people(*records):
    """A small table: what is given of each."""
    contact = {"email": "emailAddress", "phone": "phoneNumber"}
    made = []
    for number, record in enumerate(records):
        lists = {
            f"{field}s": {"elements": [{field: record[name]}]}
            for name, field in contact.items()
            if name in record
        }
        lists = {name.replace("Addresss", "Addresses"): value for name, value in lists.items()}
        made.append(
            {
                "id": f"ID{number}",
                "customerSince": number,
                "firstName": record.get("name", ""),
                "addresses": {"elements": [record["address"]] if "address" in record else []},
                **lists,
            }
        )
    return to_frame(made)


def pairs(found):
    return {frozenset(pair) for pair in found[["id", "other_id"]].to_numpy()}


def test_duplicates_are_those_who_were_invented_twice(table, known):
    """At least 95% of them, and at least 95% of what is found."""
    real = {frozenset((one, other)) for one, (_, other) in known.items() if other}
    found = pairs(quality.duplicates(table))
    assert len(real & found) >= 0.95 * len(real)
    assert len(real & found) >= 0.95 * len(found)


def test_why_says_what_is_shared(table, known):
    """Of each pair that was invented."""
    found = quality.duplicates(table)
    for line in found.itertuples():
        person, other = known[line.other_id]
        if other == line.id:
            assert line.why == person.shared
    assert set(found["why"]) == {"email", "phone", "place"}


def test_the_surest_pairs_come_first(table):
    """By their score; the same on every run."""
    found = quality.duplicates(table)
    assert found["score"].is_monotonic_decreasing
    assert found["score"].between(80, 100).all()
    pd.testing.assert_frame_equal(found, quality.duplicates(table))


def test_case_accents_and_order_of_names_do_not_matter():
    """A shared phone needs a name that is much alike."""
    table = people(
        {"name": "Zoë Ångström", "phone": "617-555-0101"},
        {"name": "ANGSTROM, Zoe", "phone": "(617) 555 0101"},
        {"name": "Diego Vega", "phone": "6175550101"},
        {"phone": "617.555.0101"},
    )
    found = quality.duplicates(table)
    assert found.to_dict("records") == [
        {
            "id": "ID0",
            "other_id": "ID1",
            "name": "Zoë Ångström",
            "other_name": "ANGSTROM, Zoe",
            "why": "phone",
            "score": 100,
        }
    ]


def test_a_shared_email_is_enough():
    """Whatever the names are; all that is shared is said."""
    table = people(
        {"name": "Ana Rivera", "email": "ana@example.com", "phone": "617-555-0101"},
        {"email": "ANA@example.com "},
        {"name": "Ana Rivera", "email": "ana@example.com", "phone": "617-555-0101"},
    )
    found = quality.duplicates(table)
    assert found[["id", "other_id", "why", "score"]].to_numpy().tolist() == [
        ["ID0", "ID2", "email, phone", 100.0],
        ["ID0", "ID1", "email", 90.0],
        ["ID1", "ID2", "email", 90.0],
    ]


def test_neighbours_with_other_names_are_not_the_same_person():
    """One house, two people; and the same name in another house."""
    home = {"address1": "1 River Road", "city": "Boston", "state": "MA", "zip": "02108"}
    table = people(
        {"name": "Ana Rivera", "address": home},
        {"name": "Walter Reed", "address": home},
        {"name": "Ana Rivera", "address": home | {"address1": "7 River Road"}},
        {"name": "Ana Rivera", "address": home | {"address1": "1 Lake Road"}},
        {"name": "Ana Rivera", "address": home | {"address1": "1 river rd."}},
    )
    assert pairs(quality.duplicates(table)) == {frozenset({"ID0", "ID4"})}


def test_a_placeholder_shared_by_thousands_is_no_burden():
    """Each is compared with some neighbours, by name."""
    table = people(*({"name": f"Person {n:05}", "phone": "000-000-0000"} for n in range(3000)))
    assert len(quality.duplicates(table)) <= 3000 * 20


def test_doubtful_addresses_are_those_that_were_broken(table, known):
    """All of them, and nobody else; each with what is wrong."""
    broken = {one: person.flaw for one, (person, _) in known.items() if person.flaw}
    found = quality.doubtful_addresses(table)
    assert set(found.index) == broken.keys()
    assert list(found.index) == [one for one in table.index if one in broken]
    problems = {
        "no city": {"city missing"},
        "no state": {"state missing"},
        "no postal code": {"postal code missing"},
        "other state": {"postal code doesn't fit", "state doesn't fit"},
    }
    for one, problem in found["problem"].items():
        assert problem in problems.get(broken[one], {"postal code doesn't fit"})
    assert found["message"].str.endswith(".").all()


def test_addresses_elsewhere_and_none_are_not_judged():
    """Nor is a country in small letters another one; without a country it is the United States."""
    good = {"address1": "1 Main St", "city": "Boston", "state": "MA", "zip": "02108"}
    table = people(
        {"address": good | {"country": "us"}},
        {"address": good},
        {},
        {"address": {"address1": "Unter den Linden 1", "city": "Berlin", "country": "DE"}},
        {"address": good | {"zip": "94085", "country": "us"}},
    )
    assert list(quality.doubtful_addresses(table).index) == ["ID4"]


def test_report_counts_what_is_missing(table, known):
    """As many as were invented so, with their share and examples."""
    found = quality.report(table, TODAY)
    crowd = [person for person, _ in known.values()]
    for kind, lacks in (
        ("no email", lambda p: not p.email),
        ("no name", lambda p: not p.first),
        ("no phone", lambda p: not p.phone),
        ("no address", lambda p: not p.street),
        ("no card on file", lambda p: not p.cards),
        ("address: city missing", lambda p: p.flaw == "no city"),
        ("newest card expired", lambda p: p.cards and p.cards[0]["expirationDate"][2:] < "26"),
    ):
        assert found.loc[kind, "customers"] == sum(map(bool, map(lacks, crowd))) > 0
        assert found.loc[kind, "share"] == found.loc[kind, "customers"] / len(crowd)
        examples = found.loc[kind, "examples"].split(", ")
        assert len(examples) == 3
        assert all(lacks(known[one][0]) for one in examples)
    soon = sum(p.cards[0]["expirationDate"] in {"0126", "0226", "0326"} for p in crowd if p.cards)
    assert found.loc["newest card expires within three months", "customers"] == soon


def test_nothing_to_report():
    """Of good customers, and of none."""
    home = {"address1": "1 Main St", "city": "Boston", "state": "MA", "zip": "02108"}
    good = people(
        {"name": "A B", "email": "a@example.com", "phone": "617-555-0101", "address": home}
    )
    assert list(quality.report(good, TODAY).index) == ["no card on file"]
    assert quality.report(to_frame([]), TODAY).empty
    assert quality.duplicates(to_frame([])).empty
    assert quality.doubtful_addresses(to_frame([])).empty


def test_the_table_stays_as_it_is(table):
    """Index, columns and values."""
    before = table.copy(deep=True)
    quality.report(table, TODAY)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1 555", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_a_csv_runs_nothing(tmp_path, text):
    """What a spreadsheet would take for a formula gets an apostrophe; the rest comes back."""
    path = tmp_path / "customers.csv"
    table = pd.DataFrame(
        {"name": [text, "Zoë = fine"], "count": [-1, 2], "ids": [["=A", "B"], np.array(["C"])]},
        index=pd.Index([text, "0012"], name="id"),
    )
    quality.save_csv(table, path)
    back = pd.read_csv(path, dtype={"id": str})
    assert back["name"].tolist()[1] == "Zoë = fine"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert path.read_bytes().decode().count(f"'{text}") == 2
    assert back["count"].tolist() == [-1, 2]
    assert back["ids"].tolist() == ["'=A B", "C"]
    assert back["id"].tolist()[1] == "0012"


@pytest.mark.parametrize("text", ["=1+1", "+1 555", "-1", "@SUM(A1)", "\t=1", "\uff1d1"])
def test_a_heading_of_a_csv_runs_nothing(tmp_path, text):
    """A field that Clover names so becomes a column, and so may the index be named."""
    path = tmp_path / "customers.csv"
    table = pd.DataFrame({text: ["x"], 5: [1]}, index=pd.Index(["A1"], name=text))
    quality.save_csv(table.rename_axis(f"{text} id"), path)
    heading = path.read_text(encoding="utf-8-sig").splitlines()[0]
    assert heading == f'"\'{text} id","\'{text}","5"'


def test_half_an_emoji_is_saved(tmp_path):
    """It has no encoding, and stops no export."""
    path = tmp_path / "customers.csv"
    table = pd.DataFrame({"name": pd.Series(["Ana \ud83c"], dtype=object, index=["A1"])})
    quality.save_csv(table.rename_axis("id"), path)
    assert path.read_text(encoding="utf-8-sig").splitlines()[1] == '"A1","Ana \ufffd"'


TWICE = pd.DataFrame([["=a", "b"]], columns=["x", "x"], index=pd.Index(["A1"], name="x"))


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (TWICE, ['"x","x","x"', '"A1","\'=a","b"']),
        (TWICE.T.rename_axis(["place"]), ['"place","A1"', '"x","\'=a"', '"x","b"']),
        (TWICE["x"].iloc[:, 1].value_counts(), ['"x","count"', '"b",1']),
        (pd.crosstab(pd.Categorical(["a"]), pd.Categorical(["c"])), ['"row_0","c"', '"a",1']),
        (pd.DataFrame({"n": [1]}, index=[["a"], ["b"]]), ['"index","index","n"', '"a","b",1']),
    ],
    ids=["id twice", "row twice", "column alone", "categories", "two levels"],
)
def test_any_table_is_saved(tmp_path, given, lines):
    """With headings that stand twice, an index of several levels or of categories."""
    path = tmp_path / "table.csv"
    quality.save_csv(given, path)
    assert path.read_text(encoding="utf-8-sig").splitlines() == lines


def test_a_sign_that_is_no_text_is_a_blank(tmp_path):
    """As a word processor's line break; else no program would take the file for text."""
    path = tmp_path / "customers.csv"
    quality.save_csv(pd.DataFrame({"name": ["Ana\x0bRivera"]}), path)
    assert read_table(path).loc[2, "name"] == "Ana Rivera"


@pytest.mark.parametrize("judge", [quality.report, quality.doubtful_addresses, quality.duplicates])
def test_a_table_that_came_back_from_a_file_is_judged_alike(table, judge):
    """With the ids as a column, as categories, or joined of two."""
    few = table.head(300)
    found = judge(few)
    assert len(found) > 3
    read = few.reset_index()
    texts = [name for name in few if few[name].dtype == few["name"].dtype]
    for given in (
        read,
        read.set_index("id", drop=False),
        read.astype(dict.fromkeys(texts, "category")),
    ):
        pd.testing.assert_frame_equal(judge(given), found)
    assert len(judge(pd.concat([few, few]))) >= len(found)
    with pytest.raises(ValidationError, match="no column shipping_line1"):
        judge(few.drop(columns="shipping_line1"))


def test_a_table_that_was_saved_and_read_is_judged_alike(table, tmp_path):
    """There all is text, the number of cards too."""
    few = table.head(300)
    path = tmp_path / "customers.csv"
    save_table(few, path)
    pd.testing.assert_frame_equal(
        quality.report(read_table(path), TODAY), quality.report(few, TODAY)
    )


@pytest.mark.parametrize("judge", [quality.report, quality.doubtful_addresses, quality.duplicates])
@pytest.mark.parametrize(
    "change",
    [
        lambda table: None,
        lambda table: table["name"],
        lambda table: pd.concat([table, table], axis=1),
        lambda table: table.set_index("email", append=True),
    ],
    ids=["None", "a column", "headings twice", "an index of two levels"],
)
def test_what_is_no_table_of_customers_is_refused(table, judge, change):
    """With a sentence about it."""
    with pytest.raises(ValidationError) as caught:
        judge(change(table.head(3)))
    assert caught.value.field == "table"
    with pytest.raises(ValidationError, match="must be a DataFrame"):
        quality.save_csv(None, "never.csv")
