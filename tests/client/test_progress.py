"""Who waits for a long list or a batch sees how far it is; nobody else's output changes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios

import pytest
from jupyter_client.manager import start_new_kernel

from clover_nb import connect, sandbox

LIST = """
import json, sys, threading
from clover_nb import connect

with connect("local", **json.loads(sys.argv[1]), requests_per_second=None) as clover:
    if sys.argv[2:] == ["thread"]:
        thread = threading.Thread(target=clover.customers.list)
        thread.start()
        thread.join()
    else:
        print(len(clover.customers.list(limit=2100)))
"""
APPLY = """
import json, sys, uuid
import pandas as pd
from clover_nb import connect

with connect("local", **json.loads(sys.argv[1]), requests_per_second=None) as clover:
    table = pd.DataFrame({"email": [f"{uuid.uuid4().hex}@example.com" for n in range(10)]})
    print(clover.customers.apply(clover.customers.plan(table)).state)
"""


@pytest.fixture(scope="module")
def box():
    """A sandbox with three pages of customers."""
    with sandbox.start(seed=4, customers=2100, limits=False) as running:
        yield running


@pytest.fixture
def near(box):
    with connect("local", requests_per_second=None, **box.connection()) as connection:
        yield connection


def at_a_terminal(code, *arguments):
    """What a person sees who runs code at a terminal."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                part = b""
            if not part:
                break
            seen += part
    os.close(ours)
    assert process.returncode == 0, seen
    return seen.decode()


def in_a_notebook(code, *, allow_stdin):
    """The outputs of a cell, by kind and text."""
    manager, client = start_new_kernel()
    outputs = []

    def keep(message):
        content = message["content"]
        if message["msg_type"] in ("stream", "display_data", "error"):
            outputs.append(content.get("text") or json.dumps(content))

    try:
        client.execute_interactive(
            code, allow_stdin=allow_stdin, stdin_hook=print, output_hook=keep, timeout=120
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(outputs)


def test_a_long_list_reports_how_many_were_read(near):
    """After each page; the last number is all of them."""
    counts = []
    table = near.customers.list(limit=2100, progress=counts.append)
    assert counts == sorted(counts)
    assert len(counts) > 2
    assert counts[-1] == len(table) == 2100


def test_a_person_at_a_terminal_sees_a_bar_that_goes(box):
    """Of a list, and of a batch; the result is left."""
    shown = at_a_terminal(LIST, json.dumps(box.connection()))
    assert "customers [" in shown
    assert shown.rstrip().endswith("2100")
    assert shown.rpartition("customers")[2].count("\r") >= 1  # the bar was wiped
    shown = at_a_terminal(APPLY, json.dumps(box.connection()))
    assert "/10 [" in shown
    assert shown.rstrip().endswith("done")


def test_another_thread_shows_no_bar(box):
    """A form's, for example."""
    assert "customers" not in at_a_terminal(LIST, json.dumps(box.connection()), "thread")


def test_a_program_shows_no_bar(box):
    """Its stderr may be somebody's log."""
    for code in (LIST, APPLY):
        command = [sys.executable, "-c", code, json.dumps(box.connection())]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        assert ran.stderr == ""


@pytest.mark.parametrize("allow_stdin", [True, False])
def test_a_notebook_shows_a_bar_to_who_has_it_open(box, allow_stdin):
    """Run by nbconvert or a test, its outputs stay the same each time."""
    arguments = [json.dumps(box.connection())]
    code = f"import sys; sys.argv[1:] = {arguments}\n{LIST}"
    shown = in_a_notebook(code, allow_stdin=allow_stdin)
    assert ("customers [" in shown) is allow_stdin
    if not allow_stdin:
        assert shown.strip() == "2100"
