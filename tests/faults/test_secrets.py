"""What a run leaves behind, and no secret in any of it.

The journal, the logs, the output with its tracebacks, and an executed notebook with its outputs and
the state of its widgets.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import nbformat
import pytest

from clover_nb import TEST_CARDS, sandbox

# A whole day's work, with everything that can go wrong, logged as loudly as it goes. The tracebacks
# show the values of variables, as IPython's verbose ones do.
DAY = """
import json, logging, sys, traceback, warnings
import pandas as pd
from clover_nb import TEST_CARDS, connect, forms
from clover_nb.settings import Timeouts

there, folder = json.loads(sys.argv[1]), sys.argv[2]
logging.basicConfig(filename=f"{folder}/day.log", level=logging.DEBUG)
quick = Timeouts(retry_delay=0.01, max_retry_delay=0.05, unreachable=0.1, total=0.3)
clover = connect("local", **there, timeouts=quick, journal=f"{folder}/journal",
                 requests_per_second=None)
spent = []

def attempt(call, **shown):
    try:
        print(call())
    except Exception as error:
        shown = {"capture_locals": True} | shown
        detail = traceback.TracebackException.from_exception(error, **shown)
        print("".join(detail.format()))
        logging.exception("It went wrong")
        print(repr(error), str(error), vars(error))

def token(card="visa"):
    made = clover.tokens.create(card=TEST_CARDS[card])
    spent.append(made["id"].reveal())
    print(made, made.to_dict(), pd.DataFrame([made]), clover, clover.settings)
    pd.concat([pd.DataFrame([made])] * 2).to_csv(f"{folder}/tokens.csv")
    pd.DataFrame([made]).to_pickle(f"{folder}/tokens.pickle")
    return made["id"]

customers = clover.customers
row = customers.create(email="ana@example.com", source=token(), name="Ana", consent=True)
print(row, row.to_dict())
for card in ("mastercard", "visa_declined", "visa"):
    attempt(lambda: customers.add_source(row["id"], token(card), consent=True))
attempt(lambda: customers.create(email="nobody", source=token()))
attempt(lambda: clover.tokens.create(card=TEST_CARDS["visa"] | {"number": "1"}))
old = row["source_ids"][0]
attempt(lambda: customers.replace_source(row["id"], old, token("amex"), consent=True))
# What a person types into a call stands in their own variables: here the messages alone are looked
# at.
plain = {"capture_locals": False}
attempt(lambda: customers.create(email="ana@example.com", source=spent[0]), **plain)
number = TEST_CARDS["visa"]["number"]
attempt(lambda: customers.modify(row["id"], name=number), **plain)
attempt(lambda: customers.modify(row["id"], phone=number), **plain)
attempt(lambda: customers.add_source(row["id"], number, consent=True), **plain)
attempt(lambda: customers.retrieve(number), **plain)
attempt(lambda: customers.search(email=number), **plain)
attempt(lambda: customers.modify(row["id"], name="Bea", expected=row))
attempt(lambda: clover.api_keys.retrieve())
attempt(lambda: customers.list())
attempt(lambda: clover.journal.frame().to_dict())
attempt(lambda: connect("local", **(there | {"access_token": "x"})).customers.list())
for _ in range(20):
    attempt(lambda: customers.create(email="bea@example.com", source=token("jcb")))
with open(f"{folder}/spent", "w") as file:
    json.dump(spent, file)
"""

# The same in a notebook that is run by `nbconvert --execute`, which saves the state of widgets.
CELLS = [
    """
%xmode Verbose
import json, logging, os
import pandas as pd
from pathlib import Path
from clover_nb import TEST_CARDS, connect, forms
from clover_nb.settings import Timeouts
folder = Path(os.environ["FOLDER"])
logging.basicConfig(filename=folder / "notebook.log", level=logging.DEBUG)
clover = connect("local", **json.loads(os.environ["CONNECTION"]), requests_per_second=None,
                 timeouts=Timeouts(retry_delay=0.01), journal=folder / "journal-2")
customers, spent = clover.customers, []

def token(card="visa"):
    made = clover.tokens.create(card=TEST_CARDS[card])
    spent.append(made["id"])
    return made["id"]

row = customers.create(email="cleo@example.com", source=token(), name="Cleo", consent=True)
pd.DataFrame([pd.Series({"id": spent[0]}), row])""",
    'customers.add_source(row["id"], token("visa_declined"), consent=True)',
    'customers.create(email="nobody", source=token().reveal())',
    'customers.create(email="cleo@example.com", source=spent[0].reveal())',
    'customers.modify(row["id"], name=TEST_CARDS["visa"]["number"])',
    """
import asyncio
number = 0

def tell(form, do, edits=(), **more):
    global number
    number += 1
    edits = {name: {"text": text, "number": number} for name, text in dict(edits).items()}
    form.receive({"do": do, "view": "page", "number": number, "edits": edits, **more})

async def submit(form):
    tell(form, "submit", texts=form.values["texts"], about=form.about)
    while form.is_busy:
        await asyncio.sleep(0.01)

form = forms.create_customer(clover=clover)
texts = {"email": "dan@example.com", "name": TEST_CARDS["visa"]["number"]}
tell(form, "edit", {**texts, "way": "paste", "consent": "yes"})
tell(form, "edit", {"source": token().reveal()})
await submit(form)
form""",
    """
tell(form, "edit", {"name": "Dan"})
tell(form, "edit", {"source": spent[0].reveal()})
await submit(form)
clover.journal.frame()""",
    """
typed = forms.attach_card(clover=clover)
tell(typed, "edit", {"way": "paste", "source": token("mastercard").reveal()})
typed""",
    """
_ = (folder / "spent-2").write_text(json.dumps([each.reveal() for each in spent]))
clover, clover.settings, clover.customers.list()""",
]


def run_notebook(folder, connection):
    """Run the cells as a person would, and keep the notebook that comes of it."""
    cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebook.ipynb")
    command = ["nbconvert", "--to", "notebook", "--execute", "--allow-errors", "--inplace"]
    subprocess.run(
        [sys.executable, "-m", *command, folder / "notebook.ipynb"],
        env=os.environ | {"FOLDER": str(folder), "CONNECTION": json.dumps(connection)},
        capture_output=True,
        check=True,
    )


@pytest.fixture(scope="module")
def left_behind(tmp_path_factory):
    """The folder that a day's work leaves, and the secrets that were used in it."""
    folder = tmp_path_factory.mktemp("day")
    faults = "500:10%,reset-after:10%,truncated:10%,html:5%"
    with sandbox.start(seed=1, customers=20, limits=False, faults=faults) as running:
        connection = running.connection()
        done = subprocess.run(
            [sys.executable, "-c", DAY, json.dumps(connection), str(folder)],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        run_notebook(folder, connection)
    (folder / "output").write_text(done.stdout + done.stderr)
    spent = []
    for file in (folder / "spent", folder / "spent-2"):
        spent += json.loads(file.read_text())
        file.unlink()
    return folder, {connection["access_token"], connection["api_key"], *spent}


@pytest.mark.long
def test_no_secret_is_left_behind(left_behind):
    """Neither a key nor a card token, in whatever file."""
    folder, secrets = left_behind
    assert len(secrets) > 20
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    expected = {
        "tokens.csv",
        "tokens.pickle",
        "journal",
        "day.log",
        "output",
        "journal-2",
        "notebook.log",
        "notebook.ipynb",
    }
    assert expected <= set(files)
    found = {
        (name, content[max(0, at - 300) : at].decode(errors="replace"))
        for name, content in files.items()
        for secret in secrets
        if (at := content.find(secret.encode())) >= 0
    }
    assert not found


@pytest.mark.long
def test_no_card_number_is_left_behind(left_behind):
    """Not even those of the test cards."""
    folder, _ = left_behind
    for path in folder.iterdir():
        content = path.read_bytes()
        for name, card in TEST_CARDS.items():
            at = content.find(card["number"].encode())
            assert at < 0, (path.name, name, content[max(0, at - 300) : at])


@pytest.mark.long
def test_the_days_work_is_there(left_behind):
    """What is looked through is not empty: the work, the errors and the traces of them."""
    folder, _ = left_behind
    output = (folder / "output").read_text()
    for word in ("AlreadyOnFileError", "CardError", "EditConflictError", "Traceback"):
        assert word in output, word
    notebook = (folder / "notebook.ipynb").read_text()
    for word in ("CardError", "InvalidRequestError", "ValidationError", "self=<clover_nb.", "Cleo"):
        assert word in notebook, word
    [widgets] = json.loads(notebook)["metadata"]["widgets"].values()
    assert len(widgets["state"]) == 3, "two forms, and what they are drawn with"
    assert "dan@example.com" in json.dumps(widgets["state"])
    assert b"ana@example.com" in (folder / "journal").read_bytes() + b"".join(
        path.read_bytes() for path in folder.glob("journal-*")
    )
