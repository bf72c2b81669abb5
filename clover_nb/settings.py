"""Where to connect and as whom: arguments, the environment and ``.env``, as one checked record."""

from __future__ import annotations

import ipaddress
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Final, Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values, find_dotenv

from clover_nb import constants
from clover_nb.errors import SettingsError
from clover_nb.masking import Secret, mask_credentials

Environment = Literal["local", "sandbox", "production"]
ENVIRONMENTS: Final = ("local", "sandbox", "production")

# The name of the variable that sets each field, and the name that Clover's own documentation
# gives it. The latter are so general that only a `.env` is trusted with them, never the process.
VARIABLES: Final[dict[str, tuple[str, str | None]]] = {
    "environment": ("CLOVER_ENVIRONMENT", "ENVIRONMENT"),
    "access_token": ("CLOVER_ACCESS_TOKEN", "ACCESS_TOKEN"),
    "api_key": ("CLOVER_API_KEY", "API_KEY"),
    "merchant_id": ("CLOVER_MERCHANT_ID", None),
    "ecommerce_url": ("CLOVER_ECOMMERCE_URL", None),
    "token_url": ("CLOVER_TOKEN_URL", None),
    "platform_url": ("CLOVER_PLATFORM_URL", None),
    "checkout_url": ("CLOVER_CHECKOUT_URL", None),
    "writes": ("CLOVER_WRITES", None),
}


@dataclass(frozen=True)
class Settings:
    """What a connection needs to know; made by :func:`load_settings`, which checks it.

    Attributes:
        ecommerce_url: Base address of ``/v1/customers`` and ``/pakms/apikey``.
        token_url: Base address of ``/v1/tokens``.
        platform_url: Base address of ``/v3/merchants``.
        access_token: The bearer token of the Ecommerce and Platform APIs.
        checkout_url: Base address of ``sdk.js``, which shows Clover's card fields in a browser;
            ``None`` where it isn't known: of a region without a documented one.
        api_key: The public key for tokens; ``None`` lets the connection ask Clover for it.
        merchant_id: The merchant's id, without which nothing can be read; may be ``None``.
        writes: Whether writes are sent to production; elsewhere they always are.
    """

    ecommerce_url: str
    token_url: str
    platform_url: str
    access_token: Secret
    checkout_url: str | None = None
    api_key: Secret | None = None
    merchant_id: str | None = None
    writes: bool = False

    @cached_property
    def environment(self) -> Environment:
        """What the addresses lead to, whatever the environment was called.

        Only loopback is local and only Clover's known test hosts are its sandbox, so that an
        unknown address is treated with the care that production needs.
        """
        urls = (self.ecommerce_url, self.token_url, self.platform_url)
        hosts = {urlsplit(url).hostname or "" for url in urls}
        if all(is_loopback(host) for host in hosts):
            return "local"
        if all(is_loopback(host) or host in constants.TEST_HOSTS for host in hosts):
            return "sandbox"
        return "production"

    @property
    def may_write(self) -> bool:
        """Whether a write is sent at all."""
        return self.writes or self.environment != "production"


@dataclass(frozen=True)
class Timeouts:
    """How long a call waits, in seconds. Clover publishes nothing; programs wait 15 to 45 seconds.

    Attributes:
        connect: For a connection to be made.
        read: For the next bytes of an answer.
        retry_delay: Before a call is made again, and between two looks at whether a change was
            made; then twice as long each time (D: 1 second after a 429).
        max_retry_delay: The longest of these waits.
        unreachable: After this, Clover is given up where no connection can be made.
        total: After this, nothing is begun again.
    """

    connect: float = 5.0
    read: float = 30.0
    retry_delay: float = constants.SECONDS_AFTER_429
    max_retry_delay: float = 15.0
    unreachable: float = 4.0
    total: float = 60.0


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_environment() -> dict[str, str]:
    """What the environment and the nearest ``.env`` say, by field name; empty values left out.

    The process's environment wins over ``.env``, and ``CLOVER_...`` over the names of Clover's
    documentation.
    """
    path = find_dotenv(usecwd=True)
    try:
        file = dotenv_values(path, interpolate=False) if path else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} can't be read ({error}).",
            hint="It must be a text file in UTF-8 that you may read.",
        ) from None
    found = {}
    for field, (ours, documented) in VARIABLES.items():
        candidates = (os.environ.get(ours), file.get(ours), documented and file.get(documented))
        value = next((text.strip() for text in candidates if text and text.strip()), "")
        if value:
            found[field] = value
    return mask_credentials(found)


def load_settings(values: Mapping[str, str | bool | None], *, environment: str | None) -> Settings:
    """Check the values and fill in the hosts of the environment.

    Args:
        values: By field name; ``None`` and missing are the same.
        environment: ``"local"``, ``"sandbox"`` or ``"production"``; ``None`` is ``"local"``.

    Raises:
        SettingsError: A value is missing or can't be right; the message says which one, what was
            found, and how to mend it.
    """
    name = (environment or "local").strip().lower()
    if name not in ENVIRONMENTS:
        raise SettingsError(
            f"CLOVER_ENVIRONMENT is {environment!r}, which is not known.",
            hint="Use local (practice, no account), sandbox or production.",
            field="environment",
        )
    given = {field.name: values.get(field.name) for field in fields(Settings)}
    hosts = constants.HOSTS.get(name)
    urls = {
        field: _url(field, given[field] or (getattr(hosts, field[:-4]) if hosts else None))
        for field in ("ecommerce_url", "token_url", "platform_url")
    }
    api_key = given["api_key"]
    return Settings(
        **urls,
        access_token=_secret("access_token", given["access_token"]),
        checkout_url=_checkout_url(given["checkout_url"], urls["ecommerce_url"]),
        api_key=_secret("api_key", api_key) if api_key else None,
        merchant_id=_merchant_id(given["merchant_id"]),
        writes=_switch(given["writes"]),
    )


def warn_of_unused_credentials(found: Mapping[str, str]) -> None:
    """Say so when credentials are set and the practice sandbox is used all the same."""
    if "access_token" in found and "environment" not in found:
        warnings.warn(
            "An access token is set, but CLOVER_ENVIRONMENT is not, so this connection is to the "
            "embedded practice sandbox. Set CLOVER_ENVIRONMENT=sandbox or production to use the "
            "token, or CLOVER_ENVIRONMENT=local to silence this.",
            stacklevel=4,
        )


def _variable(field: str) -> str:
    return VARIABLES[field][0]


def _url(field: str, value: object) -> str:
    if not value:
        raise SettingsError(
            f"{_variable(field)} is missing.",
            hint="A connection to a sandbox of your own needs all three addresses; "
            "clover-nb sandbox --json prints them.",
            field=field,
        )
    try:
        parts = urlsplit(str(value).strip().rstrip("/"))
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise SettingsError(
            f"{_variable(field)} is {value!r}, which is not a web address.",
            hint=f"It should look like {constants.HOSTS['sandbox'].ecommerce}.",
            field=field,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{_variable(field)} is {value!r}: http would send the access token in clear.",
            hint="Use https; http is for this machine alone.",
            field=field,
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"{_variable(field)} holds a user name or password.",
            hint="Leave them out; the access token is sent in a header.",
            field=field,
        )
    return parts.geturl()


def _checkout_url(given: object, ecommerce_url: str) -> str | None:
    """Where the card fields come from; the embedded sandbox serves its own."""
    if given:
        return _url("checkout_url", given)
    if is_loopback(urlsplit(ecommerce_url).hostname or ""):
        return ecommerce_url
    known = {hosts.ecommerce: hosts.checkout for hosts in constants.HOSTS.values()}
    return known.get(ecommerce_url)


def _secret(field: str, value: object) -> Secret:
    if value is None or value == "":
        raise SettingsError(
            f"{_variable(field)} is missing.",
            hint="Set it in the environment or in a file .env beside your notebooks "
            "(.env.example explains each setting), or use CLOVER_ENVIRONMENT=local to practise "
            "without an account.",
            field=field,
        )
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value.strip()):
        raise SettingsError(
            f"{_variable(field)} is not a token: it holds something other than plain letters, "
            "digits and signs.",
            hint="Copy it again from Clover's dashboard, without spaces or quotes around it.",
            field=field,
        )
    return Secret(value.strip())


def _merchant_id(value: object) -> str | None:
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


def _switch(value: object) -> bool:
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
