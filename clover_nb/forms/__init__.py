"""Forms and tables for notebooks: each is one line in a cell.

>>> forms.create_customer()
>>> forms.attach_card()
>>> forms.update_shipping()
>>> forms.customer_table(Customer.list())
"""

from clover_nb.forms._forms import attach_card as attach_card
from clover_nb.forms._forms import create_customer as create_customer
from clover_nb.forms._forms import customer_table as customer_table
from clover_nb.forms._forms import update_shipping as update_shipping

__all__ = ["attach_card", "create_customer", "customer_table", "update_shipping"]
