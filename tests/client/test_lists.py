"""Lists that are read page after page, while other people change them."""

from __future__ import annotations

import json
import random
import threading
import warnings
from types import SimpleNamespace

import pandas as pd
import pytest
from scripted_server import JSON, said

from clover_nb import connect, constants, sandbox
from clover_nb.api.pagination import PageReader
from clover_nb.errors import InvalidResponseError


@pytest.fixture
def busy(monkeypatch):
    """A function that reads a list of 205 customers, while a colleague acts between requests."""
    monkeypatch.setattr(constants, "PAGE_MAX", 20)
    unpaced = {"requests_per_second": None, "journal": None}
    with (
        sandbox.start(seed=5, customers=205, limits=False) as running,
        connect("local", **running.connection(), **unpaced) as clover,
        connect("local", **running.connection(), **unpaced) as colleague,
    ):
        send = clover._transport.send
        lock = threading.Lock()

        def read(act, **arguments):
            """What is read, and the customers who were there before and after."""
            before = list(clover.customers.list().index)
            requests = []

            def send_between(*args, **kwargs):
                with lock:
                    requests.append(args)
                    answer = send(*args, **kwargs)
                    act(colleague, len(requests))
                    return answer

            monkeypatch.setattr(clover._transport, "send", send_between)
            table = clover.customers.list(**arguments)
            monkeypatch.setattr(clover._transport, "send", send)
            left = set(clover.customers.list().index)
            return table, [key for key in before if key in left], len(requests)

        yield read


@pytest.mark.parametrize("after", [1, 2, 5, 10, 11])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_nobody_is_lost_when_others_are_deleted_meanwhile(busy, after, count):
    """Three deletions on earlier pages move three others up, past the pages that were read."""

    def delete(colleague, requests):
        if requests == after:
            for key in colleague.customers.list(limit=count).index:
                colleague.customers.delete(key)

    table, untouched, requests = busy(delete)
    assert [key for key in untouched if key not in table.index] == []
    assert table.index.is_unique
    assert table.attrs["complete"]
    assert requests < 25


def test_who_is_created_meanwhile_is_there_too(busy, monkeypatch):
    """A new customer is at the list's end, which is read last."""
    made = []

    def create(colleague, requests):
        if requests == 3:
            token = colleague.tokens.create(card=constants.TEST_CARDS["visa"])["id"]
            made.append(colleague.customers.create(email="new@example.com", source=token)["id"])

    table, untouched, _ = busy(create)
    assert set(untouched) <= set(table.index)
    assert made[0] in table.index


def test_a_list_that_never_stands_still_says_so(busy, monkeypatch):
    """It ends, with a warning, and the table knows."""
    monkeypatch.setattr("clover_nb.api.pagination._MAX_REREADS", 2)

    def delete(colleague, _):
        for key in colleague.customers.list(limit=3).index:
            colleague.customers.delete(key)

    with pytest.warns(UserWarning, match="customers may be missing"):
        table, _, _ = busy(delete)
    assert not table.attrs["complete"]


def test_a_limit_counts_rows_while_others_are_deleted(busy):
    """As many as were asked for, where there are so many."""

    def delete(colleague, requests):
        if requests == 2:
            for key in colleague.customers.list(limit=3).index:
                colleague.customers.delete(key)

    for limit in (20, 21, 45, 60):
        table, untouched, _ = busy(delete, limit=limit)
        assert len(table) == limit
        assert set(table.index) >= set(untouched[: limit - 3])


def moving_list(draw, count):
    """A list that changes with each request, and who is in it all the time."""
    records = [f"C{number}" for number in range(count)]
    always, made, lock = set(records), iter(range(10**6)), threading.Lock()

    def fetch(offset, rows):
        with lock:
            page = [{"id": key} for key in records[offset : offset + rows]]
            for _ in range(draw.choice([0, 0, 1, 2, 4])):
                action = draw.choice(["delete", "delete", "delete", "append", "prepend"])
                if action == "append":
                    records.append(f"new {next(made)}")
                elif action == "prepend":
                    records.insert(0, f"new {next(made)}")
                elif records:
                    always.discard(records.pop(draw.randrange(len(records))))
            return page

    return fetch, always


@pytest.mark.parametrize("seed", range(100))
def test_whoever_is_there_all_the_time_is_read(monkeypatch, seed):
    """Others are deleted, and created at both ends, between the requests."""
    monkeypatch.setattr(constants, "PAGE_MAX", 10)
    draw = random.Random(seed)  # noqa: S311  not a secret
    fetch, always = moving_list(draw, draw.randrange(300))
    reader = PageReader(fetch)
    found = [fields["id"] for page in reader for fields in page]
    assert len(found) == len(set(found))
    assert not reader.complete or always <= set(found)


def test_most_lists_are_read_whole(monkeypatch):
    """None is called complete, or incomplete, by giving up early."""
    monkeypatch.setattr(constants, "PAGE_MAX", 10)
    readers = []
    for seed in range(100):
        draw = random.Random(seed)  # noqa: S311  not a secret
        reader = PageReader(moving_list(draw, draw.randrange(300))[0])
        list(reader)
        readers.append(reader)
    assert sum(reader.complete for reader in readers) > 95


@pytest.mark.parametrize("after", [1, 2, 3, 8])
def test_who_moves_to_the_front_is_read_at_the_end(monkeypatch, after):
    """Should Clover ever sort by what was changed last: a look at the front finds them."""
    monkeypatch.setattr(constants, "PAGE_MAX", 10)
    records = [{"id": f"C{number}"} for number in range(60)]
    asked = []

    def fetch(offset, rows):
        asked.append(offset)
        page = records[offset : offset + rows]
        if len(asked) == after:
            records.insert(0, records.pop(-2))
        return page

    assert sum(map(len, PageReader(fetch))) == 60


@pytest.mark.parametrize(
    ("count", "requests"), [(0, 1), (999, 1), (1000, 3), (1001, 3), (1995, 4), (4000, 8)]
)
def test_reading_ahead_asks_for_little_more_than_there_is(count, requests):
    """A page after the first, then as many at once as help; at the end a look at the front."""
    asked = []

    def fetch(offset, rows):
        asked.append((offset, rows))
        return [{"id": str(number)} for number in range(offset, min(count, offset + rows))]

    assert sum(map(len, PageReader(fetch))) == count
    assert len(asked) <= requests


def test_pages_that_come_late_now_and_then_are_no_reason_to_ask_for_many(monkeypatch):
    """What is asked for beyond the end delays the last look at the front."""
    clock, asked, late, lock = [0.0], [], (5, 12), threading.Lock()
    scripted = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("clover_nb.api.pagination.time", scripted)

    def fetch(offset, rows):
        with lock:
            asked.append(offset)
            clock[0] += 0.2 if len(asked) in late else 0.01
        return [{"id": str(number)} for number in range(offset, min(20_000, offset + rows))]

    assert sum(map(len, PageReader(fetch))) == 20_000
    assert sum(offset >= 20_000 for offset in asked) <= 1


def test_the_same_page_again_and_again_ends_the_list(scripted, monkeypatch):
    """Two full pages without anybody new are one too many."""
    monkeypatch.setattr(constants, "PAGE_MAX", 3)
    scripted.answers = [said({"elements": [{"id": key} for key in "ABC"]})]
    with scripted.connect(merchant_id="M") as clover, pytest.raises(InvalidResponseError):
        clover.customers.list()
    assert len(scripted.requests) < 8


ODD = [5, None, "X", [], {}, {"id": 5}, {"id": ""}, {"id": None, "name": "Ana"}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("place", [0, 7, 199])
def test_an_odd_record_hides_nobody(scripted, odd, place):
    """The other 199 are there, and a warning says which one isn't."""
    records = [{"id": f"C{number}"} for number in range(200)]
    records[place] = odd
    scripted.answers = [said({"elements": records})]
    with (
        scripted.connect(merchant_id="M") as clover,
        pytest.warns(UserWarning, match=f"number {place + 1}"),
    ):
        table = clover.customers.list()
    assert len(table) == 199
    assert table.attrs["unreadable"] == [f"number {place + 1}"]


def test_a_record_nested_without_end_hides_nobody(scripted):
    """It is there too, with what is nested cut off."""
    deep = json.dumps({"id": "DEEP", "new": 0}).replace("0", "[" * 200 + "]" * 200)
    content = f'{{"elements": [{{"id": "C1"}}, {deep}, {{"id": "C3"}}]}}'.encode()
    scripted.answers = [(200, JSON, content)]
    with scripted.connect(merchant_id="M") as clover:
        assert list(clover.customers.list().index) == ["C1", "DEEP", "C3"]


def test_odd_records_stop_no_list_of_many_pages(monkeypatch):
    """Not even where they are all that joins two pages."""
    monkeypatch.setattr(constants, "PAGE_MAX", 5)
    records = [{"id": f"C{number}"} if number % 3 else number for number in range(40)]
    reader = PageReader(lambda offset, rows: records[offset : offset + rows])
    assert sum(map(len, reader)) == 26
    assert len(reader.unreadable) == 14
    assert reader.complete


def test_half_an_emoji_hides_nobody(scripted):
    """It is replaced, so that nothing that stores or shows it fails."""
    content = b'{"elements": [{"id": "C1", "firstName": "Ana \\ud83c"}, {"id": "C2"}]}'
    scripted.answers = [(200, JSON, content)]
    with warnings.catch_warnings(), scripted.connect(merchant_id="M") as clover:
        warnings.simplefilter("error")
        table = clover.customers.list()
    assert table["name"].tolist()[0] == "Ana \ufffd"
    assert table.to_csv().encode()


def test_a_list_says_that_it_is_whole(clover):
    """Where nothing moved."""
    assert clover.customers.list().attrs == {"complete": True, "unreadable": []}
    found = clover.customers.search(email="nobody@example.com")
    assert found.attrs == {"complete": True, "unreadable": []}
    pd.testing.assert_frame_equal(found, clover.customers.list(limit=0), check_column_type=False)


def test_what_is_no_customer_and_nested_without_end_stops_no_list():
    """It is told by as much of it as Python's stack takes."""
    deep: list = []
    for _ in range(5000):
        deep = [deep]
    reader = PageReader(lambda offset, rows: [{"id": "C1"}, deep, {"id": "C3"}])
    assert [fields["id"] for page in reader for fields in page] == ["C1", "C3"]
    assert reader.unreadable == ["number 2"]
