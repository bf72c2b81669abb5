"""Where nobody knows what Clover does, or sources contradict each other: one choice a row.

`clover-nb sandbox --set NAME=VALUE` or `start(settings={NAME: VALUE})` chooses otherwise, and a
profile is a set of such choices.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class SettingChoice(NamedTuple):
    """One rule that can be switched: the first of its choices is the default."""

    choices: tuple[str, ...]
    what: str
    why: str
    evidence: str


SETTINGS: Final[dict[str, SettingChoice]] = {
    "put_requires_email": SettingChoice(
        ("on", "off"),
        "Refuse an update that leaves out `email`.",
        "Clover's reference asks for it and staff confirmed it; the SDK page updates a name alone.",
        "D, O-live",
    ),
    "put_requires_source": SettingChoice(
        ("off", "on"),
        "Refuse an update that leaves out `source`.",
        "Clover's reference lists it as required; its SDK page and programs leave it out.",
        "D, O-code",
    ),
    "second_card": SettingChoice(
        ("append", "refuse"),
        "Put another card first, or answer 409 while the customer has one.",
        "One shop adds cards by updates; a plugin tells shoppers to delete theirs first.",
        "O-code",
    ),
    "source_again": SettingChoice(
        ("refuse", "accept"),
        "Answer 409 to a token that already is this customer's card, or take it as no change.",
        "Clover's FAQ says 409 for the same card again; the SDK of 2019 sent a token twice.",
        "D, O-code",
    ),
    "new_email": SettingChoice(
        ("first", "last", "replace"),
        "Where an update puts another address: first and primary, last, or instead of the others.",
        "An update adds the address to the record; its place was not seen.",
        "O-live",
    ),
    "spelling": SettingChoice(
        ("as given", "normalized"),
        "Keep names and phones as they were given, or write `Ana Rivera` and `(555) 555-0125`.",
        "What Clover's forms and receipts show looks tidied; what its API keeps was not seen.",
        "I",
    ),
    "shipping_follows": SettingChoice(
        ("both", "ecommerce"),
        "Whose address `shipping` shows: the Platform's first one, which `POST "
        ".../customers/{id}/addresses/{aid}` changes too, or the one that the Ecommerce API got.",
        "Programs read one record by both APIs; which call moves a shipment was not seen. "
        "No call of the Platform API touches recipient, carrier or tracking number here.",
        "I",
    ),
    "contacts_given": SettingChoice(
        ("replace", "add"),
        "Replace contacts by a list of them in an update on the Platform API, or add it to them.",
        "Nobody shows it; contacts have calls of their own.",
        "I",
    ),
    "external_id": SettingChoice(
        ("stored", "dropped"),
        "Keep `externalId`, which can't be filtered by, or drop it.",
        "One team saw it kept; no page names it.",
        "O-live",
    ),
    "deleted": SettingChoice(
        ("gone", "marked"),
        "Answer 404 to a read of a deleted customer, or 200 with `deletedTime`.",
        "One team saw the latter. Lists leave them out unless they filter by `deletedTime` (I).",
        "O-live",
    ),
    "wrapped_contacts": SettingChoice(
        ("dropped", "taken"),
        "Drop contacts that are sent as answers wrap them, in `elements`, or take them.",
        "Lists are taken and texts dropped without a word; nobody shows this form.",
        "I",
    ),
    "update_by_post": SettingChoice(
        ("off", "on"),
        "Take POST /v1/customers/{id} as an update.",
        "Clover's iOS SDK sends it; no page names it.",
        "O-code",
    ),
    "token_in_query": SettingChoice(
        ("off", "on"),
        "Take the access token as `?access_token=` too.",
        "Clover's iOS SDK sends it; Clover's pages name the header alone.",
        "O-code",
    ),
    "expired_cards": SettingChoice(
        ("refuse", "accept"),
        "Refuse an expired card with `expired_card`, or make a token of it.",
        "Clover documents the code; a recording of 2023 shows a token of a card of 1977.",
        "D, O-live",
    ),
    "list_order": SettingChoice(
        ("oldest", "newest"),
        "Which customers a list begins with, unless `orderBy` says so.",
        "Recorded lists of other resources begin with the newest; of customers none was seen.",
        "O-live, I",
    ),
    "times": SettingChoice(
        ("milliseconds", "seconds"),
        "Whether times (always in milliseconds) end in `000`.",
        "In recorded lists of other resources they do; Clover's samples of customers don't.",
        "D, O-live",
    ),
    "declined_cards": SettingChoice(
        ("refuse", "accept"),
        "Refuse a declining test card with 402 when it is attached, or take it.",
        "Programs handle a 402 on updates; whether test cards cause one was not seen.",
        "O-code, I",
    ),
    "withdrawn_cards": SettingChoice(
        ("accept", "refuse"),
        "Make a token of a test card that Discover has withdrawn, or refuse its number.",
        "Older pages list them; what Clover says to one now was not seen.",
        "D, I",
    ),
    "cvv_left_out": SettingChoice(
        ("accept", "refuse"),
        "Make a token of a card without `cvv`, which no customer takes, or refuse to make it.",
        "A fixture has an update refused with invalid_cvc; how its token was made is not shown.",
        "O-fix, I",
    ),
    "multipay": SettingChoice(
        ("on", "off"),
        "Whether the merchant may save cards; without, attaching one is refused with 402.",
        "Clover documents the switch; a program reads 402 as this.",
        "O-code",
    ),
    "undocumented_calls": SettingChoice(
        ("off", "on"),
        "Answer GET /v1/customers, GET and DELETE /v1/customers/{id} instead of 405.",
        "No page documents them; Clover's Node SDK calls the DELETE.",
        "I",
    ),
    "unknown_filter": SettingChoice(
        ("refuse", "ignore"),
        "Answer 400 to a filter on a field that customers lack, or ignore it.",
        "One team saw it refused for customers, another for items.",
        "O-live",
    ),
    "email_filter": SettingChoice(
        ("on", "empty"),
        "Find customers by `emailAddress` and `phoneNumber`, or nobody.",
        "Clover documents both fields; one team got empty lists from its sandbox.",
        "D, O-live",
    ),
    "currency": SettingChoice(
        ("USD", "usd"),
        "How the currency is written.",
        "Samples until 2020 write usd, later ones USD.",
        "D",
    ),
    "sources": SettingChoice(
        ("list", "elements"),
        "Whether `sources.data` is the list of card ids, or an object with the list as `elements`.",
        "Clover's pages show the list; the tests of its Python SDK of 2019 the object.",
        "D, O-fix",
    ),
    "has_more": SettingChoice(
        ("off", "on"),
        "Whether `sources` carries `has_more: false`.",
        "In old samples alone.",
        "D",
    ),
    "empty_shipping": SettingChoice(
        ("shown", "left out"),
        "Show `shipping` as `{}` when nothing is in it, or leave it out.",
        "Clover's pages show it empty; the tests of its Python SDK of 2019 leave it out.",
        "D, O-fix",
    ),
    "recipient": SettingChoice(
        ("follows", "stays"),
        "Whether the recipient that a create took from the customer's name and phone follows them.",
        "Clover's SDK page echoes the name; a sample of an update shows a new name beside the old "
        "recipient.",
        "D",
    ),
    "names_of_2019": SettingChoice(
        ("off", "on"),
        "Take `first_name` and `last_name`, echo both as `firstName` and `lastName`, and join "
        'missing ones to "null null" in `shipping.name`.',
        "Recorded in the tests of Clover's Python SDK.",
        "O-fix",
    ),
}

PROFILES: Final[dict[str, dict[str, str]]] = {
    "documented": {},
    "legacy_2019": {
        "put_requires_email": "off",
        "source_again": "accept",
        "currency": "usd",
        "sources": "elements",
        "has_more": "on",
        "names_of_2019": "on",
    },
}


def load_settings(
    profile: str = "documented", chosen: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return the value of every setting.

    Args:
        profile: A name in `PROFILES`.
        chosen: Values that win over the profile's.

    Raises:
        ValueError: There is no such profile, setting or value; the message lists those that are.
    """
    if profile not in PROFILES:
        raise ValueError(f"no profile {profile!r}; there are: {', '.join(PROFILES)}")
    wanted = PROFILES[profile] | dict(chosen or {})
    for name, value in wanted.items():
        if name not in SETTINGS:
            raise ValueError(f"no setting {name!r}; there are: {', '.join(SETTINGS)}")
        if value not in SETTINGS[name].choices:
            choices = ", ".join(SETTINGS[name].choices)
            raise ValueError(f"{name} can't be {value!r}; it takes: {choices}")
    defaults = {name: setting.choices[0] for name, setting in SETTINGS.items()}
    return MappingProxyType(defaults | wanted)
