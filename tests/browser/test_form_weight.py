"""What a form costs: comms and bytes in the browser, files and calls in the kernel."""

from __future__ import annotations

from playwright.sync_api import expect

from .card_fields import paste_test_card

CONNECT = """
from clover_nb import connect, forms, sandbox, use
practice = sandbox.start(seed=5, limits=False, customers=0)
clover = use(connect("local", **practice.connection()))
"""
CREATE = "create = forms.create_customer(); create"

# Counts the calls and files of ours that a task of a form passes, in whatever thread.
COUNT = """
import sys, threading
from pathlib import Path
import clover_nb
home, calls, files = str(Path(clover_nb.__file__).parent), [], set()

def count(frame, event, _):
    name = frame.f_code.co_filename
    if event == "call" and name.startswith(home) and "/sandbox/" not in name:
        if not frame.f_code.co_name.startswith("<"):
            calls.append((Path(name).name, frame.f_code.co_name))
            files.add(name)

def watch():
    threading.setprofile_all_threads(count) if hasattr(threading, "setprofile_all_threads") else None
    threading.setprofile(count)
"""


def test_a_form_opens_few_comms_and_sends_few_bytes(open_notebook):
    """The scripts and styles come once a page, so that a second form costs a fraction."""
    notebook = open_notebook([CONNECT, CREATE])
    expect(notebook.output(1).get_by_label("Email")).to_be_visible()
    comms, size = notebook.opened_comms(), notebook.received_bytes()
    assert comms <= 12
    assert size <= 60_000
    notebook.received.clear()
    notebook.run_all()
    assert notebook.opened_comms() <= 2
    assert notebook.received_bytes() <= 25_000
