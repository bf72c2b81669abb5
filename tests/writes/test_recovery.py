"""What an interrupt or a kill -9 has left is looked up at the next start, or by hand."""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
import warnings

import pytest
from lossy_proxy import lossy_proxy
from practice_customers import a_customer, a_token, an_email, hide_tokens, outcomes

from clover_nb import connect, errors, sandbox
from clover_nb.errors import OutcomeUnknownError, ValidationError

DAY = 86_400.0
CREATE = ("POST", "/v1/customers")


@pytest.fixture
def real():
    """A proxy before a sandbox whose clock is the world's."""
    with (
        sandbox.start(customers=0, limits=False) as running,
        lossy_proxy(running) as proxy,
    ):
        yield proxy


# -- an interrupted cell ---------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "outcome"), [("request", "not done"), ("answer", "done")])
def test_an_interrupted_cell_is_settled_at_the_next_start(real, tmp_path, loss, outcome):
    """The stop button, while the answer is waited for."""
    with real.connect(journal=tmp_path / "journal") as clover:
        row = a_customer(clover, name="Ana")
        getattr(real, f"lose_{loss}")("PUT", then=interrupt)
        with pytest.raises(KeyboardInterrupt):
            clover.customers.modify(row["id"], name="Bea")
        assert outcomes(clover) == ["done", "unknown"]
    with real.connect(journal=tmp_path / "journal") as later:
        assert outcomes(later) == ["done", outcome]
        assert later.customers.retrieve(row["id"])["name"] == {"done": "Bea"}.get(outcome, "Ana")


def interrupt():
    _thread.interrupt_main()
    time.sleep(0.2)  # the answer is still waited for when it comes


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "outcome"), [("request", "not done"), ("answer", "done")])
@pytest.mark.parametrize("call", ["create", "modify", "add_source", "delete_source", "delete"])
def test_an_unknown_write_is_resolved_by_hand(real, tmp_path, call, loss, outcome):
    """Whatever was called: the entry says what was found, and stays so."""
    method = {"create": "POST", "modify": "PUT", "add_source": "PUT"}.get(call, "DELETE")
    with real.connect(journal=tmp_path / "journal", on_unknown="raise") as clover:
        row = a_customer(clover, name="Ana")
        token = a_token(clover, "amex")
        calls = {
            "create": lambda: clover.customers.create(email=an_email(), source=token),
            "modify": lambda: clover.customers.modify(row["id"], name="Bea"),
            "add_source": lambda: clover.customers.add_source(row["id"], token, consent=True),
            "delete_source": lambda: clover.customers.delete_source(
                row["id"], row["source_ids"][0]
            ),
            "delete": lambda: clover.customers.delete(row["id"]),
        }
        getattr(real, f"lose_{loss}")(method)
        with pytest.raises(OutcomeUnknownError):
            calls[call]()
        number = clover.journal.frame().index[-1]
        writes = real.writes()
        entry = clover.resolve(number)
        assert (entry.number, entry.outcome) == (number, outcome)
        assert clover.resolve(number).outcome == outcome
        assert real.writes() == writes  # nothing was sent
        if call == "create" and outcome == "done":
            assert clover.customers.retrieve(entry.write.customer_id)["card_brand"] == "AMEX"
        if call == "delete" and outcome == "done":
            assert "Ana" not in str(clover.journal.frame().to_dict())


@pytest.mark.parametrize(("loss", "outcome"), [("request", "not done"), ("answer", "done")])
@pytest.mark.parametrize("known_by", [{"name": "Ana Rivera"}, {"phone": "408-555-0142"}])
def test_a_create_without_card_and_email_is_resolved_by_its_mark(
    real, tmp_path, known_by, loss, outcome
):
    """Among the customers of its time."""
    with real.connect(journal=tmp_path / "journal", on_unknown="raise") as clover:
        a_customer(clover)  # from now on it is known what time it is there
        getattr(real, f"lose_{loss}")("POST")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.create(source=None, **known_by)
        entry = clover.resolve(2)
        assert entry.outcome == outcome
        if outcome == "done":
            assert entry.write.customer_id == clover.customers.list().index[-1]


def test_what_stays_unclear_is_said_with_what_is_there(real, tmp_path):
    """Somebody has changed the customer since; the error names the value."""
    with real.connect(journal=tmp_path / "journal", on_unknown="raise") as clover:
        row = a_customer(clover, name="Ana")
        real.lose_answer("PUT")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.modify(row["id"], name="Bea")
        with connect("local", journal=None, **real.sandbox.connection()) as colleague:
            colleague.customers.modify(row["id"], name="Cleo")
        with pytest.raises(OutcomeUnknownError, match="name is 'Cleo'"):
            clover.resolve(2)
        assert outcomes(clover) == ["done", "unknown"]


def test_what_a_later_write_can_have_made_proves_nothing(real, tmp_path):
    """The person did it again in the meantime: whether the first was made is not known."""
    with real.connect(journal=tmp_path / "journal", on_unknown="raise") as clover:
        row = a_customer(clover, name="Ana")
        real.lose_request("PUT")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.modify(row["id"], name="Bea")
        clover.customers.modify(row["id"], name="Bea")
        with pytest.raises(OutcomeUnknownError):
            clover.resolve(2)


def test_a_write_that_is_under_way_can_not_be_resolved(real, tmp_path):
    """It may still be made: the entry belongs to who sends it."""
    with real.connect(journal=tmp_path / "journal") as clover:
        row = a_customer(clover, name="Ana")
        seen = []

        def look():
            with pytest.raises(OutcomeUnknownError, match="under way"):
                clover.resolve(2)
            seen.append(outcomes(clover))

        real.lose_answer("PUT", then=look)
        clover.customers.modify(row["id"], name="Bea")
        assert seen == [["done", "open"]]
        assert outcomes(clover) == ["done", "done"]


def test_another_merchants_entry_is_not_resolved_here(real, tmp_path):
    """Nor one that there is not."""
    with real.connect(journal=tmp_path / "journal") as clover:
        with pytest.raises(ValidationError, match="no entry 9"):
            clover.resolve(9)
        a_customer(clover)
    with (
        real.connect(journal=tmp_path / "journal", merchant_id="OTHER") as other,
        pytest.raises(ValidationError, match="merchant"),
    ):
        other.resolve(1)


# -- kill -9 ---------------------------------------------------------------------------------------


def die(real, loss, call, journal, *, work, clock=0.0):
    """Run a client in a process of its own, and kill it when its request is on its way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the server's threads stay here
        ready, start = os.pipe()
        pid = os.fork()
    if not pid:
        os.read(ready, 1)
        true_time = time.time
        time.time = lambda: true_time() + clock
        try:
            with real.connect(journal=journal) as clover:
                work(clover)
        finally:
            os._exit(1)

    is_dead = threading.Event()

    def kill():
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        is_dead.set()

    getattr(real, f"lose_{loss}")(*call, then=kill)
    os.write(start, b".")
    assert is_dead.wait(60)
    os.close(ready)
    os.close(start)


@pytest.mark.parametrize("clock", [-DAY, 0.0, DAY], ids=["slow", "right", "fast"])
@pytest.mark.parametrize("shown", [True, False], ids=["tokens", "no tokens"])
@pytest.mark.parametrize("loss", ["request", "answer"])
def test_with_a_wrong_clock_a_create_is_not_told_wrongly(real, tmp_path, loss, shown, clock):
    """Never "not done" of one that was made, nor "done" of one that never arrived.

    A colleague's customer with the same email and name, made after it, changes nothing in that.
    """
    email = an_email()
    work = lambda clover: clover.customers.create(email=email, source=a_token(clover), name="Ana")  # noqa: E731
    die(real, loss, CREATE, tmp_path / "journal", work=work, clock=clock)
    with connect("local", journal=None, **real.sandbox.connection()) as colleague:
        token = a_token(colleague, "amex")
        colleague.customers.create(email=email, source=token, name="Ana")
    if not shown:
        real.rewrite = hide_tokens
    with real.connect(journal=tmp_path / "journal") as later:
        [outcome] = outcomes(later)
        made = later.journal.entry(1).write.customer_id
    if loss == "request":
        assert outcome in ("not done", "unknown")
    elif shown:
        assert outcome == "done"
        assert colleague.settings.merchant_id
        with real.connect(journal=None) as clover:
            assert clover.customers.retrieve(made)["card_brand"] == "VISA"
    else:
        assert outcome == "unknown"


@pytest.mark.long
@pytest.mark.parametrize("clock", [-DAY, DAY], ids=["slow", "fast"])
def test_a_create_that_never_arrived_is_not_done(real, tmp_path, clock):
    """Nobody new has its address: by Clover's clock, whatever this machine's says."""
    email = an_email()
    with connect("local", journal=None, **real.sandbox.connection()) as colleague:
        colleague.customers.create(email=email, source=a_token(colleague, "amex"), name="Ana")
    time.sleep(5)  # older than what a `Date` of whole seconds, come late, leaves open
    work = lambda clover: clover.customers.create(email=email, source=a_token(clover), name="Ana")  # noqa: E731
    die(real, "request", CREATE, tmp_path / "journal", work=work, clock=clock)
    with real.connect(journal=tmp_path / "journal") as later:
        assert outcomes(later) == ["not done"]


def test_without_clovers_time_a_missing_customer_proves_nothing(real, tmp_path):
    """The first call of a kernel, with a token from the browser: a filter may find nobody."""
    with connect("local", journal=None, **real.sandbox.connection()) as other:
        token = a_token(other).reveal()
    work = lambda clover: clover.customers.create(email=an_email(), source=token)  # noqa: E731
    die(real, "request", CREATE, tmp_path / "journal", work=work)
    with real.connect(journal=tmp_path / "journal") as later:
        assert outcomes(later) == ["unknown"]
        with pytest.raises(OutcomeUnknownError) as caught:
            later.resolve(1)
        assert "customers.search" in caught.value.hint


@pytest.mark.parametrize(("loss", "outcome"), [("request", "not done"), ("answer", "done")])
def test_a_replacement_that_was_killed_between_its_steps_is_told(
    real, tmp_path, loss, outcome, caplog
):
    """Both steps were in the journal before the first: the next start says what is left to do."""
    with connect("local", journal=None, **real.sandbox.connection()) as colleague:
        row = a_customer(colleague)
        key, [card] = row["id"], row["source_ids"]

    def work(clover):
        clover.customers.replace_source(key, card, a_token(clover, "amex"), consent=True)

    die(real, loss, ("DELETE",), tmp_path / "journal", work=work)
    with real.connect(journal=tmp_path / "journal") as later:
        table = later.journal.frame()
        held = later.customers.retrieve(key)["source_ids"]
    assert list(table["operation"]) == ["add_source", "delete_source"]
    assert list(table["outcome"]) == ["done", outcome]
    assert (card in held) is (outcome == "not done")
    told = f"delete_source of card {card} of customer {key}, was not done"
    assert (told in caplog.text) is (outcome == "not done")


def test_a_replacement_that_deletes_first_is_told_too(real, tmp_path, caplog):
    """The old card is off, and the new one was never sent."""
    with connect("local", journal=None, **real.sandbox.connection()) as colleague:
        row = a_customer(colleague)
        key, [card] = row["id"], row["source_ids"]

    def work(clover):
        token = a_token(clover, "amex")
        clover.customers.replace_source(key, card, token, consent=True, delete_first=True)

    die(real, "request", ("PUT",), tmp_path / "journal", work=work)
    with real.connect(journal=tmp_path / "journal") as later:
        assert outcomes(later) == ["done", "not done"]
    assert f"add_source of customer {key}, was not done" in caplog.text


def test_a_step_that_is_not_reached_is_not_done(real, tmp_path):
    """The first was refused, or interrupted: the journal says so of the second at once."""
    with real.connect(journal=tmp_path / "journal") as clover:
        row = a_customer(clover)
        declined = a_token(clover, "visa_declined")
        with pytest.raises(errors.CardError):
            clover.customers.replace_source(row["id"], row["source_ids"][0], declined, consent=True)
        assert outcomes(clover) == ["done", "refused", "not done"]


def test_a_delete_that_was_killed_is_forgotten_at_the_next_start(real, tmp_path):
    """The customer is gone at Clover, and then in the journal."""
    journal = tmp_path / "journal"
    with real.connect(journal=journal) as clover:
        row = a_customer(clover, name="Zaphod Beeblebrox")
    work = lambda clover: clover.customers.delete(row["id"])  # noqa: E731
    die(real, "answer", ("DELETE",), journal, work=work)
    with real.connect(journal=journal) as later:
        assert outcomes(later) == ["done", "done"]
        assert b"Zaphod" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_unknown_entries_are_looked_up_once(real, tmp_path):
    """What stays unclear costs the next start nothing; by hand it can be asked for again."""
    with real.connect(journal=tmp_path / "journal", on_unknown="raise") as clover:
        row = a_customer(clover, name="Ana")
        real.lose_answer("PUT")
        with pytest.raises(OutcomeUnknownError):
            clover.customers.modify(row["id"], shipping={"name": "Warehouse"})
    real.calls.clear()
    for reads in (1, 1):
        with real.connect(journal=tmp_path / "journal") as later:
            assert outcomes(later) == ["done", "unknown"]
        assert len(real.calls) == reads
