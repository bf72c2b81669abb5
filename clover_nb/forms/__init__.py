"""Forms and tables for notebooks: each is one line in a cell.

>>> forms.desk()
>>> forms.create_customer()
>>> forms.edit_contact()
>>> forms.update_shipping()
>>> forms.edit_note()
>>> forms.attach_card()
>>> forms.delete_card()
>>> forms.card_fields()
>>> forms.customer_table(Customer.list())
>>> forms.change_many()
"""

from clover_nb.forms.change_many import change_many as change_many
from clover_nb.forms.customer_forms import attach_card as attach_card
from clover_nb.forms.customer_forms import card_fields as card_fields
from clover_nb.forms.customer_forms import create_customer as create_customer
from clover_nb.forms.customer_forms import delete_card as delete_card
from clover_nb.forms.customer_forms import edit_contact as edit_contact
from clover_nb.forms.customer_forms import edit_note as edit_note
from clover_nb.forms.customer_forms import update_shipping as update_shipping
from clover_nb.forms.desk import desk as desk
from clover_nb.forms.table import customer_table as customer_table

__all__ = [
    "attach_card",
    "card_fields",
    "change_many",
    "create_customer",
    "customer_table",
    "delete_card",
    "desk",
    "edit_contact",
    "edit_note",
    "update_shipping",
]
