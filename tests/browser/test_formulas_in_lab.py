"""JupyterLab sets formulas in outputs; what stands in a customer's name is none."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

# All of it is a formula to MathJax, which would swallow the signs between the names.
NAME = r"Ana $\alpha$ and \(x^2\) $$\beta$$"
CONNECT = f"""
from IPython.display import HTML, display
from clover_nb import Customer, TEST_CARDS, Token, connect, forms, use
clover = use(connect("local", seed=5))
token = Token.create(card=TEST_CARDS["amex"])["id"]
ana = Customer.create(email="ana@example.com", source=token, name={NAME!r})
customers = Customer.list().tail(3)
table = forms.customer_table(customers)
"""
SHOWN = {
    "a table": "customers",
    "a part of one": "customers[['name']].head(9).groupby('name').size().to_frame()",
    "a styled table": "customers[['name', 'email']].style",
    "a row": "ana",
    "a plan": "clover.customers.plan(customers.assign(name=customers['name'] + ' $\\\\gamma$'))",
    "a form": "forms.edit_contact(ana['id'])",
    "what stands for the table of the forms": "HTML(table._repr_mimebundle_()[0]['text/html'])",
    "the table of the forms": "table",
    "the desk": "forms.desk(customers)",
}
FORMULA = "mjx-container"


@pytest.mark.long
def test_a_name_with_dollar_signs_is_shown_as_it_is(open_notebook):
    """In tables, rows, plans, forms and the desk; the lab sets formulas that are meant as such."""
    last = "HTML('the end: $x^2$')"
    notebook = open_notebook([CONNECT, *SHOWN.values(), last], height=9000)
    expect(notebook.output(len(SHOWN) + 1).locator(FORMULA)).to_be_visible()
    outputs = {what: notebook.output(number) for number, what in enumerate(SHOWN, 1)}
    for what, output in outputs.items():
        expect(output, what).to_contain_text(NAME[:4])
    assert {what for what, output in outputs.items() if output.locator(FORMULA).count()} == set()
