"""What each form is for, and the functions that show one in a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from clover_nb import addresses
from clover_nb.client import Clover, default
from clover_nb.errors import CloverError, ValidationError
from clover_nb.forms import actions, address_input, values
from clover_nb.forms.actions import CARD_GONE, ActionResult
from clover_nb.forms.form import Form
from clover_nb.forms.messages import column_label
from clover_nb.forms.spec import FieldSpec, FormSpec, SectionSpec
from clover_nb.forms.values import FieldChange, Row, Typed

_CONSENT: Final = {"consent": "The cardholder agreed that this card is kept on file"}
_NEW_EMAIL: Final = "Clover adds a new address to the record and keeps the old one."
_ADDRESS: Final = "shipping.address."
_COUNTRY: Final = f"{_ADDRESS}country"
_NEW: Final = {_COUNTRY: values.COUNTRY}
_HIDDEN: Final = "Not shown by Clover; it stays as it is unless you type another"
_UNSPLIT: Final = (
    "This looks like a whole address, but where its city begins isn't sure: put a comma before the "
    "city, or fill in the fields."
)
_SHIPPING: Final = (
    FieldSpec(f"{_ADDRESS}line1", "Address line 1", "address", placeholder="415 N Mathilda Ave"),
    FieldSpec(f"{_ADDRESS}line2", "Address line 2", help="Apartment, suite, floor"),
    FieldSpec(f"{_ADDRESS}city", "City", placeholder="Sunnyvale"),
    FieldSpec(f"{_ADDRESS}state", "State", placeholder="CA"),
    FieldSpec(f"{_ADDRESS}postal_code", "ZIP code", placeholder="94085"),
    FieldSpec(_COUNTRY, "Country", "country", help="A name or two letters, such as US"),
    FieldSpec("shipping.name", "Recipient", help="When it is not the customer"),
    FieldSpec("shipping.phone", "Recipient's phone", kind="tel"),
)


def _arrange_address(typed: Typed) -> dict[str, str]:
    """The parts of an address in the order of its country, under the names that it has for them."""
    layout = addresses.name_parts(typed[_COUNTRY])
    return {f"{_ADDRESS}{part}": label for part, label in layout.items()}


def _normalize_address(typed: Typed) -> dict[str, str]:
    changed = address_input.normalize_parts(values.read_parts(typed))
    return {f"{_ADDRESS}{part}": text for part, text in changed.items()}


def _split_address(row: Row[Any] | None, typed: Typed) -> tuple[dict[str, str], str]:
    """A whole address in line 1 as its parts; the recipient where it is not the customer.

    Where it seems to be whole, but it isn't sure where its city begins, a doubt.
    """
    line1 = typed[f"{_ADDRESS}line1"]
    country = address_input.find_country_code(typed[_COUNTRY]) or values.COUNTRY
    parts = address_input.split_address(line1, country)
    if not parts:
        return {}, _UNSPLIT if address_input.is_whole(line1, country) else ""
    recipient = parts.pop("name", "")
    split = {f"{_ADDRESS}{part}": text for part, text in parts.items()}
    customer = typed.get("name", "") if row is None else row["name"] or ""
    is_other = recipient and recipient.casefold() != customer.casefold()
    return ({**split, "shipping.name": recipient} if is_other else split), ""


# -- a new customer ----------------------------------------------------------------------------


CREATE_CUSTOMER: Final = FormSpec(
    title="Create a customer",
    submit_label="Create customer",
    busy_label="Creating…",
    sections=(
        SectionSpec(
            "Customer",
            (
                FieldSpec("email", "Email", "email", required=True, placeholder="ana@example.com"),
                FieldSpec("name", "Name", placeholder="Ana Rivera"),
                FieldSpec("phone", "Phone", "tel", placeholder="555-0125"),
            ),
        ),
        SectionSpec("Card", card=True),
        SectionSpec("Shipping (optional)", _SHIPPING),
    ),
    initial=lambda _: _NEW,
    validate=lambda _, typed: values.find_errors(typed, ("email", "source")),
    preview=lambda _, typed: values.find_changes(_NEW | {"ecomind": typed["ecomind"]}, typed),
    submit=actions.create_customer,
    arrange=_arrange_address,
    normalize=_normalize_address,
    split=_split_address,
    irreversible=lambda *_: "This can't be undone: a new customer can only be changed.",
    confirmations=_CONSENT,
    about_customer=False,
)


# -- the contact -------------------------------------------------------------------------------


def _explain_contact(row: Row[Any], typed: Typed) -> str:
    """What of a change can't be undone."""
    changes = values.find_changes(values.read_contact(row), typed)
    reasons = [f"the {each.field} was empty before" for each in changes if not each.now]
    if any(each.field == "email" for each in changes):
        reasons.insert(0, "Clover keeps the old email address beside the new one")
    return f"This can't be undone: {', and '.join(reasons)}." if reasons else ""


EDIT_CONTACT: Final = FormSpec(
    title="Edit the contact",
    submit_label="Save contact",
    busy_label="Saving…",
    sections=(
        SectionSpec(
            "Contact",
            (
                FieldSpec("name", "Name"),
                FieldSpec("email", "Email", "email", help=_NEW_EMAIL),
                FieldSpec("phone", "Phone", "tel"),
            ),
        ),
    ),
    initial=values.read_contact,
    validate=values.find_contact_errors,
    preview=lambda row, typed: values.find_changes(values.read_contact(row), typed),
    submit=actions.edit_contact,
    irreversible=_explain_contact,
)


# -- the address -------------------------------------------------------------------------------


def _explain_shipping(row: Row[Any], typed: Typed) -> str:
    changed = {each.field for each in values.find_changes(values.read_shipping(row), typed)}
    if not any(values.read_shipping(row)[name] for name in values.ADDRESS_FIELDS):
        return "This can't be undone: there was no address before, and Clover can't empty it."
    if changed - set(values.ADDRESS_FIELDS) and _hides_recipient(row):
        return "This can't be undone: Clover doesn't show who the recipient was."
    return ""


def _hides_recipient(row: Row[Any] | None) -> bool:
    """Whether there may be a recipient whom Clover doesn't show."""
    return row is not None and bool(row["shipping_line1"]) and not row["shipping_name"]


UPDATE_SHIPPING: Final = FormSpec(
    title="Update a shipping address",
    submit_label="Save address",
    busy_label="Saving…",
    sections=(SectionSpec("Shipping address", _SHIPPING),),
    initial=values.read_shipping,
    validate=lambda _, typed: values.find_errors(typed),
    preview=lambda row, typed: values.find_changes(values.read_shipping(row), typed),
    submit=actions.update_shipping,
    arrange=_arrange_address,
    normalize=_normalize_address,
    split=_split_address,
    irreversible=_explain_shipping,
    hints=lambda row: {"shipping.name": _HIDDEN} if _hides_recipient(row) else {},
)


# -- the note ----------------------------------------------------------------------------------


EDIT_NOTE: Final = FormSpec(
    title="Edit the note",
    submit_label="Save note",
    busy_label="Saving…",
    sections=(
        SectionSpec("Note", (FieldSpec("note", "Note", "lines", help="For your colleagues"),)),
    ),
    initial=values.read_note,
    validate=lambda _, typed: values.find_errors(typed),
    preview=lambda row, typed: values.find_changes(values.read_note(row), typed),
    submit=actions.edit_note,
)


# -- cards -------------------------------------------------------------------------------------


def _offer_cards(row: Row[Any] | None, first: str, prefix: str = "") -> list[tuple[str, str]]:
    known = {} if row is None else values.describe_cards(row)
    return [(values.KEEP, first), *((key, prefix + words) for key, words in known.items())]


def _check_card(row: Row[Any], typed: Typed) -> Mapping[str, ValidationError]:
    if row["source_ids"] and typed["card"]:
        return {}
    words = "Choose the card." if row["source_ids"] else "This customer has no card."
    return {"card": ValidationError(words, field="card")}


def _preview_removal(row: Row[Any], typed: Typed) -> Iterable[FieldChange]:
    card = values.describe_cards(row).get(typed["card"])
    return [FieldChange("Card", card, "removed")] if card else []


DELETE_CARD: Final = FormSpec(
    title="Remove a card",
    submit_label="Remove card",
    busy_label="Removing…",
    sections=(SectionSpec("Card", (FieldSpec("card", "Card", "choice", required=True),)),),
    options=lambda row: {"card": _offer_cards(row, "Choose a card")},
    validate=_check_card,
    preview=_preview_removal,
    submit=actions.delete_card,
    irreversible=lambda *_: CARD_GONE,
    confirmations={"gone": "I mean to remove this card; it can't be undone"},
)


def _offer_removal(done: ActionResult) -> tuple[str, FormSpec, Typed] | None:
    return ("Remove this card", DELETE_CARD, {"card": done.card_id}) if done.card_id else None


ATTACH_CARD: Final = FormSpec(
    title="Attach a card",
    submit_label="Attach card",
    busy_label="Attaching…",
    sections=(SectionSpec("Card", (FieldSpec("replaces", "Other cards", "choice"),), card=True),),
    options=lambda row: {
        "replaces": _offer_cards(row, "Keep the cards that are on file", "Replace ")
    },
    validate=lambda _, typed: values.find_errors({"source": typed["source"]}, ["source"]),
    preview=values.preview_card,
    submit=actions.attach_card,
    irreversible=lambda _, typed: CARD_GONE if typed["replaces"] != values.KEEP else "",
    confirmations=_CONSENT,
    follow_up=_offer_removal,
)

CARD_TOKEN: Final = FormSpec(
    title="Card fields",
    submit_label="Make a token",
    busy_label="Making a token…",
    sections=(SectionSpec("", card=True),),
    validate=lambda *_: {},
    preview=lambda *_: [],
    submit=lambda *_, **__: ActionResult(None),
    about_customer=False,
)


# -- what was changed --------------------------------------------------------------------------


def undo_spec(clover: Clover, entry: int) -> FormSpec:
    """The form that shows what undoing an entry of the journal would change, and does it."""

    def preview(row: Row[Any], _: object) -> Iterable[FieldChange]:
        changes = actions.preview_undo(clover, row, entry)
        return [each._replace(field=column_label(each.field)) for each in changes]

    try:
        title = f"Undo a change of {clover.journal.entry(entry).author}"
    except CloverError:  # the journal can't be read
        title = "Undo a change"
    return FormSpec(
        title=title,
        submit_label="Undo this change",
        busy_label="Undoing…",
        sections=(),
        validate=lambda *_: {},
        preview=preview,
        submit=lambda connection, *_, **__: actions.undo_change(connection, entry),
        done="Undone",
    )


# -- one line in a cell ------------------------------------------------------------------------


def create_customer(*, clover: Clover | None = None) -> Form:
    """A form that creates a customer: email, card token, name, phone, shipping address.

    An email address that belongs to somebody already is a warning, with a button that leads there.

    Args:
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the new customer after it was saved.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.
    """
    return Form(clover or default(), CREATE_CUSTOMER)


def edit_contact(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes a customer's name, email address or phone.

    Args:
        customer_id: The customer; left out, the form asks for an email address or an id.
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.row`` is the changed customer after it was saved.

    Raises:
        CloverError: There is no such customer, or no connection.
    """
    return _show_form(EDIT_CONTACT, customer_id, clover)


def update_shipping(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes a customer's shipping address; called as :func:`edit_contact`.

    The parts of the address stand in the order of its country and are checked against each other.
    """
    return _show_form(UPDATE_SHIPPING, customer_id, clover)


def edit_note(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that changes the note about a customer, in lines; called as :func:`edit_contact`."""
    return _show_form(EDIT_NOTE, customer_id, clover)


def attach_card(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that attaches a card, or replaces one by it; called as :func:`edit_contact`."""
    return _show_form(ATTACH_CARD, customer_id, clover)


def delete_card(customer_id: str | None = None, *, clover: Clover | None = None) -> Form:
    """A form that removes a card from a customer; called as :func:`edit_contact`."""
    return _show_form(DELETE_CARD, customer_id, clover)


def card_fields(*, clover: Clover | None = None) -> Form:
    """Clover's hosted card fields, and a button that makes a token of what is typed into them.

    Card number, expiry and security code go from the browser to Clover alone; neither the notebook
    nor Python ever has them. The forms that take a card have these fields in them: this is for a
    token to use in code.

    Args:
        clover: The connection; left out, the default one.

    Returns:
        The form; ``form.token`` is the token, once the button made one, ``form.brand`` and
        ``form.last4`` tell its card.

    Raises:
        SettingsError: There is no connection, and the settings don't allow one.

    Source: Clover docs, "Use the Clover-hosted iframe".
    """
    return Form(clover or default(), CARD_TOKEN)


def _show_form(spec: FormSpec, customer_id: str | None, clover: Clover | None) -> Form:
    clover = clover or default()
    row = None if customer_id is None else clover.customers.retrieve(customer_id)
    return Form(clover, spec, row=row)
