"""What a setting must be, and which source may say where the access token goes."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Final, TypeVar
from urllib.parse import urlsplit

from clover_nb import constants, team
from clover_nb.errors import SettingsError
from clover_nb.masking import Secret, mask_credentials, mask_text
from clover_nb.setting_sources import ENVIRONMENT, VARIABLES, SettingSource

T = TypeVar("T")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_clovers(host: str) -> bool:
    return host.endswith(".clover.com")


def host_of(url: str) -> str:
    """The host of an address; empty where it has none."""
    return urlsplit(url).hostname or ""


def check_source(field: str, source: SettingSource, token: SettingSource, url: str | None) -> None:
    """A source may say where a token goes only if it gave the token, or is stronger.

    And a file says nothing of hosts that aren't Clover's: it came with a folder.
    """
    variable = VARIABLES[field][0]
    if source.strength < token.strength:
        raise SettingsError(
            f"{variable} stands in {source.name}, but the access token comes from "
            f"{token.name}, and a file must not say what becomes of a token that it didn't give.",
            hint=f"If it is meant so, set {variable} in the environment or as an argument; "
            f"if not, delete it from {source.name}.",
            field=field,
        )
    host = host_of(url or "")
    if (
        source.strength < ENVIRONMENT.strength
        and url
        and not (_is_clovers(host) or is_loopback(host))
    ):
        raise SettingsError(
            f"{variable} in {source.name} leads to {host}, which is not Clover's.",
            hint=f"If it is meant so, set {variable} in the environment or as an argument.",
            field=field,
        )


def check_url(field: str, value: object) -> str:
    """A base address: https, or http to this machine."""
    if not value:
        raise SettingsError(
            f"{VARIABLES[field][0]} is missing.",
            hint="A connection to a sandbox of your own needs all three addresses; "
            "clover-nb sandbox --json prints them.",
            field=field,
        )
    try:
        parts = urlsplit(str(value).strip().rstrip("/"))
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    # What urlsplit takes for a part of the host, another parser may take for the end of it.
    if host and not re.fullmatch(r"[a-z0-9.-]+|[0-9a-f:.]+", host):
        host = None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise SettingsError(
            f"{VARIABLES[field][0]} is {value!r}, which is not a web address.",
            hint=f"It should look like {constants.HOSTS['sandbox'].ecommerce}.",
            field=field,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{VARIABLES[field][0]} is {value!r}: http would send the access token in clear.",
            hint="Use https; http is for this machine alone.",
            field=field,
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"{VARIABLES[field][0]} holds a user name or password.",
            hint="Leave them out; the access token is sent in a header.",
            field=field,
        )
    return parts.geturl()


def find_checkout_url(given: object, ecommerce_url: str) -> str | None:
    """Where the card fields come from; the embedded sandbox serves its own."""
    if given:
        return check_url("checkout_url", given)
    if is_loopback(host_of(ecommerce_url)):
        return ecommerce_url
    known = {hosts.ecommerce: hosts.checkout for hosts in constants.HOSTS.values()}
    return known.get(ecommerce_url)


def check_secret(field: str, value: object) -> Secret:
    """A token or a key, which must be there."""
    if value is None or value == "":
        raise SettingsError(
            f"{VARIABLES[field][0]} is missing.",
            hint="Set it in the environment or in a file .env beside your notebooks "
            "(.env.example explains each setting), or use CLOVER_ENVIRONMENT=local to practise "
            "without an account.",
            field=field,
        )
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value.strip()):
        raise SettingsError(
            f"{VARIABLES[field][0]} is not a token: it holds something other than plain letters, "
            "digits and signs.",
            hint="Copy it again from Clover's dashboard, without spaces or quotes around it.",
            field=field,
        )
    return Secret(value.strip())


def check_merchant_id(value: object) -> str | None:
    """A merchant's id, which may be left out."""
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not re.fullmatch(r"[0-9A-Za-z]{1,64}", value.strip()):
        raise SettingsError(
            f"CLOVER_MERCHANT_ID is {value!r}, which is not a merchant id.",
            hint="It has 13 letters and digits; it stands in the address of Clover's dashboard, "
            "after /m/.",
            field="merchant_id",
        )
    return value.strip()


def check_team(value: object) -> Secret | None:
    """A team's place, which may be left out, and which a team must be able to share."""
    if not isinstance(value, str) or not value:
        return None
    place = Secret(value)
    team.check_team(place)
    return place


def parse_switch(value: object) -> bool:
    """Whether writes to production are allowed."""
    text = str(value).strip().lower()
    if value is None or text in ("0", "false", "no", "off", ""):
        return False
    if text in ("1", "true", "yes", "on"):
        return True
    raise SettingsError(
        f"CLOVER_WRITES is {value!r}.",
        hint="Use 1 to allow writes to production, 0 to forbid them.",
        field="writes",
    )


def check_number(field: str, value: object) -> float:
    """A number that is 0 or more, of Python or of numpy."""
    if isinstance(value, Real) and not isinstance(value, bool) and 0 <= float(value) < math.inf:
        return float(value)
    raise SettingsError(f"{field} must be a number, 0 or more, not {value!r}.", field=field)


def check_whole_number(field: str, value: object) -> int:
    """A whole number that is 0 or more, of Python or of numpy."""
    if isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 0:
        return int(value)
    raise SettingsError(f"{field} must be a whole number, 0 or more, not {value!r}.", field=field)


def check_path(field: str, value: object) -> None:
    """A file's or a folder's name, which may be left out."""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise SettingsError(f"{field} must be a path, not {value!r}.", field=field)


def check_choice(field: str, value: T, choices: Collection[T]) -> T:
    """One of a few values."""
    if value in choices:
        return value
    named = " or ".join(map(repr, choices))
    raise SettingsError(f"{field} must be {named}, not {value!r}.", field=field)


def ask_for_token(source: Callable[[], str]) -> Secret:
    """Call what a person gave as ``access_token=``, and check what it returns.

    Raises:
        SettingsError: It raises something, or returns no token.
    """
    try:
        value: object = mask_credentials({"access_token": source()})["access_token"]
    except Exception as error:
        reason = _UUID.sub("••••", mask_text(str(error)))
        raise SettingsError(
            f"The callable access_token= raised {type(error).__name__}{reason and ': '}{reason}.",
            hint="It is called without arguments, and returns an access token.",
            field="access_token",
        ) from error
    if not isinstance(value, str):
        raise SettingsError(
            f"The callable access_token= returned {type(value).__name__}, not a text.",
            hint="It is called without arguments, and returns an access token.",
            field="access_token",
        )
    return check_secret("access_token", value)


_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
