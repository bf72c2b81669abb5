"""What a form costs, in comms and bytes that come to the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .card_fields import inside

CONNECT = """
from clover_nb import connect, forms, sandbox, use
practice = sandbox.start(seed=5, limits=False, customers=0)
clover = use(connect("local", **practice.connection()))
"""
CREATE = "create = forms.create_customer(); create"


@pytest.mark.long
def test_a_form_opens_few_comms_and_sends_few_bytes(open_notebook):
    """The scripts and styles come once a page, so that a second form costs a fraction."""
    notebook = open_notebook([CONNECT, CREATE], run=False)
    notebook.page.wait_for_function(
        "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session"
    )
    notebook.evaluate("1")
    notebook.received.clear()
    notebook.run_all()
    expect(inside(notebook.output(1), "Postal code")).to_be_visible()
    assert notebook.opened_comms() <= 12
    assert notebook.received_bytes() <= 60_000
    notebook.received.clear()
    notebook.run_all()
    expect(inside(notebook.output(1), "Postal code")).to_be_visible()
    assert notebook.opened_comms() <= 2
    assert notebook.received_bytes() <= 25_000
