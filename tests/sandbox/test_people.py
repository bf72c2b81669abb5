"""Who is invented: plausible people, with the blemishes of real lists at known rates."""

import datetime as dt
import re
from collections import Counter

import pytest

from clover_nb.sandbox.ids import HISTORY_ENDS
from clover_nb.sandbox.sample_data.names import DOMAINS
from clover_nb.sandbox.sample_data.people import BLOCK, FLAWS, TWINS, generate_people
from clover_nb.sandbox.sample_data.rows import expected_flaws

# Kept for fiction by those who give numbers out.
FICTION = (
    r"\d{3}-555-01\d\d|\(\d{3}\) 555-01\d\d|\+44 (20 7946|161 496|131 496) 0\d{3}|\+49 .* 0\d\d"
)


@pytest.fixture(scope="module")
def many():
    return list(generate_people(4000, 0, HISTORY_ENDS))


def months(crowd):
    times = [dt.datetime.fromtimestamp(person.since / 1000, dt.UTC) for person in crowd]
    return Counter((time.year, time.month) for time in times)


def share(crowd):
    return sum(map(bool, crowd)) / 4000


def test_reserved_addresses_and_numbers(many):
    """Nobody who exists gets a mail or a call."""
    emails = [person.email for person in many if person.email]
    assert {email.partition("@")[2] for email in emails} == set(DOMAINS)
    assert all(re.search(r"[@.]example\.(com|org|net)$", email) for email in emails)
    assert all(re.fullmatch(FICTION, person.phone) for person in many if person.phone)


def test_what_is_missing(many):
    """Most have everything; some lack something, a few have two cards."""
    assert 0.015 < share(not person.first for person in many) < 0.05
    assert 0.1 < share(not person.street for person in many) < 0.16
    assert 0.15 < share(not person.phone for person in many) < 0.25
    assert 0.16 < share(not person.cards for person in many) < 0.24
    assert 0.01 < share(not person.email for person in many) < 0.04
    assert all(person.email for person in many if person.cards)
    assert 0.02 < share(len(person.cards) == 2 for person in many) < 0.06


def test_several_countries(many):
    """Mostly the United States and Canada."""
    countries = Counter(person.country for person in many if person.country)
    assert countries.keys() == {"US", "CA", "MX", "GB", "DE", "JP"}
    assert countries.most_common(2)[0][0] == "US"
    assert countries.most_common(2)[1][0] == "CA"
    assert len({person.state for person in many}) > 40


def test_growth_with_a_season(many):
    """More every year, most of all in December, until the end."""
    by_month = months(many)
    assert sorted(by_month) == [
        (year, month) for year in (2023, 2024, 2025) for month in range(1, 13)
    ]
    years = [sum(by_month[year, month] for month in range(1, 13)) for year in (2023, 2024, 2025)]
    assert years[1] > 1.2 * years[0]
    assert years[2] > 1.2 * years[1]
    assert all(by_month[year, 12] > 1.5 * by_month[year, 7] for year in (2023, 2024, 2025))
    assert [person.since for person in many] == sorted(person.since for person in many)


def test_the_history_ends_when_it_is_told(many):
    """In the middle of a month too; seasons stay where they are in the year."""
    ends = int(dt.datetime(2026, 8, 15, tzinfo=dt.UTC).timestamp() * 1000)
    by_month = months(generate_people(4000, 0, ends))
    assert max(by_month) == (2026, 8)
    assert by_month[2025, 12] == max(by_month.values())
    assert by_month[2026, 8] < by_month[2026, 7]


def test_one_state_grows_most(many):
    """In the last year alone."""
    texas = [person for person in many if person.state == "TX"]
    before, lately = (
        sum(n for (y, _), n in months(texas).items() if y == year) for year in (2024, 2025)
    )
    assert lately > 2 * before


def test_some_cards_expire_soon(many):
    """And a few have expired, when the history ends in January 2026."""
    expiries = [card["expirationDate"] for person in many for card in person.cards]
    dates = [(int(text[2:]), int(text[:2])) for text in expiries]
    assert 0.02 < sum(date < (26, 1) for date in dates) / len(dates) < 0.08
    assert 0.02 < sum((26, 1) <= date <= (26, 3) for date in dates) / len(dates) < 0.08
    assert max(dates) == (30, 9)


def test_flawed_addresses(many):
    """Twelve in each block, and nobody else."""
    flaws = {index: person.flaw for index, person in enumerate(many) if person.flaw}
    assert len(FLAWS) == 12
    assert flaws == {index: FLAWS[index % BLOCK] for index in range(4000) if index % BLOCK in FLAWS}


def test_twins(many):
    """Six in each block; they share what they are said to, and little else."""
    twins = {index: person for index, person in enumerate(many) if person.twin}
    assert len(twins) == 4000 // BLOCK * len(TWINS)
    for index, person in twins.items():
        first = many[index - person.twin]
        assert not first.twin
        assert first.first
        if person.shared == "email":
            assert person.email.casefold() == first.email.casefold()
        elif person.shared == "phone":
            assert re.sub(r"\D", "", person.phone) == re.sub(r"\D", "", first.phone) != ""
        else:
            assert person.postal_code == first.postal_code != ""
            assert person.street.split()[0] == first.street.split()[0]
        assert (person.first, person.last) != (first.first, first.last)


def test_emails_and_names_are_many():
    """Of 100,000 people, no two have one email address but those who are the same."""
    crowd = [person for person in generate_people(100_000, 0, HISTORY_ENDS) if person.email]
    emails = Counter(p.email.casefold() for p in crowd if p.shared != "email")
    assert emails.most_common(1)[0][1] == 1
    assert len({(person.first, person.last) for person in crowd}) > 3000


def test_the_truth_is_what_the_sandbox_has(make):
    """By id, of all that were invented, the second time too."""
    call = make(seed=3, customers=250)
    call.box.seed(150)
    known = expected_flaws(3, 250, 150)
    records = call.list(limit=1000, expand="emailAddresses,addresses")
    assert {record["id"] for record in records} == known.keys()
    for record in records:
        person, twin = known[record["id"]]
        assert record.get("firstName", "") == person.first
        assert [e["emailAddress"] for e in record["emailAddresses"]["elements"]] == [
            email for email in (person.email,) if email
        ]
        assert [a.get("zip", "") for a in record["addresses"]["elements"]] == [
            person.postal_code for _ in range(bool(person.street))
        ]
        if twin:
            assert known[twin][0].last[0] == person.last[0]
