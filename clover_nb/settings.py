"""Where to connect and as whom, as one record, which is checked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Final, Literal

from clover_nb import constants
from clover_nb import setting_checks as checks
from clover_nb.errors import SettingsError
from clover_nb.masking import Secret
from clover_nb.setting_sources import ARGUMENT, HANDED_SETTINGS, PERSON, PRACTICE, Setting

Environment = Literal["local", "sandbox", "production"]

_URLS: Final = ("ecommerce_url", "token_url", "platform_url")


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
        team: The folder or the database that holds the team's journal; ``None`` without a team.
        source: Where the access token was found: ``"an argument"``, ``"the environment"``, the path
            of a ``.env``, or ``"the practice sandbox"``.
    """

    ecommerce_url: str
    token_url: str
    platform_url: str
    access_token: Secret
    checkout_url: str | None = None
    api_key: Secret | None = None
    merchant_id: str | None = None
    writes: bool = False
    team: Secret | None = None
    source: str = ARGUMENT.name

    @cached_property
    def environment(self) -> Environment:
        """What the addresses lead to, whatever the environment was called.

        Only loopback is local and only Clover's known test hosts are its sandbox, so that an
        unknown address is treated with the care that production needs.
        """
        hosts = self.hosts
        if all(checks.is_loopback(host) for host in hosts):
            return "local"
        if all(checks.is_loopback(host) or host in constants.TEST_HOSTS for host in hosts):
            return "sandbox"
        return "production"

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the access token or customers are sent to, each once."""
        return tuple(dict.fromkeys(checks.host_of(getattr(self, field)) for field in _URLS))

    @property
    def account(self) -> tuple[str, str, Secret]:
        """What tells accounts apart: the rate and a journal in memory are shared by account."""
        return self.ecommerce_url, self.platform_url, self.access_token

    @property
    def provenance(self) -> str:
        """Where requests go and where the token is from, in words; empty for a practice sandbox."""
        if self.source == PRACTICE.name:
            return ""
        known = any(
            all(getattr(self, field) == getattr(hosts, field[:-4]) for field in _URLS)
            for hosts in constants.HOSTS.values()
        )
        return f"at {', '.join(self.hosts[:1] if known else self.hosts)}, token from {self.source}"

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

    Example:
        >>> hasty = connect("local", timeouts=Timeouts(total=15))
    """

    connect: float = 5.0
    read: float = 30.0
    retry_delay: float = constants.SECONDS_AFTER_429
    max_retry_delay: float = 15.0
    unreachable: float = 4.0
    total: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what is no time.

        Raises:
            SettingsError: A value is no number, or less than 0.
        """
        for field in fields(self):
            checks.check_number(field.name, getattr(self, field.name))
        if not self.connect or not self.read:
            raise SettingsError("connect and read must be more than 0.", field="connect")


def dump_settings(settings: Settings, **more: str) -> str:
    """Settings as JSON, secrets in clear, for a process that is to look nothing up.

    Args:
        settings: To be found by :func:`read_environment` in ``HANDED_SETTINGS``.
        more: What belongs to the connection, but isn't a setting.
    """
    return json.dumps(asdict(settings) | {"environment": settings.environment} | more)


def hand_over_settings(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process that is to have these settings, and to look nothing up.

    Args:
        settings: They stand in place of all that leads to settings in this process's environment.
        more: As of :func:`dump_settings`.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("CLOVER_") or name == PERSON
    }
    return kept | {HANDED_SETTINGS: dump_settings(settings, **more)}


def load_settings(values: Mapping[str, Setting], *, environment: str | None) -> Settings:
    """Check the values and fill in the hosts of the environment.

    Args:
        values: By field name.
        environment: ``"local"``, ``"sandbox"`` or ``"production"``; ``None`` is ``"local"``.

    Raises:
        SettingsError: A value is missing or can't be right, or its source may not say where the
            access token goes; the message says which one, what was found, and how to mend it.
    """
    name = parse_environment(environment)
    given = {
        field.name: values[field.name].value for field in fields(Settings) if field.name in values
    }
    hosts = constants.HOSTS.get(name)
    urls = {
        field: checks.check_url(
            field, given.get(field) or (getattr(hosts, field[:-4]) if hosts else None)
        )
        for field in _URLS
    }
    checkout_url = checks.find_checkout_url(given.get("checkout_url"), urls["ecommerce_url"])
    writes = checks.parse_switch(given.get("writes"))
    token = checks.check_secret("access_token", given.get("access_token"))
    source = values["access_token"].source
    addresses = {**urls, "checkout_url": checkout_url}
    for field in (*addresses, *(["writes"] if writes else []), "team"):
        if field in values:
            checks.check_source(field, values[field].source, source, addresses.get(field))
    api_key = given.get("api_key")
    return Settings(
        **urls,
        access_token=token,
        checkout_url=checkout_url,
        api_key=checks.check_secret("api_key", api_key) if api_key else None,
        merchant_id=checks.check_merchant_id(given.get("merchant_id")),
        writes=writes,
        team=checks.check_team(given.get("team")),
        source=source.name,
    )


def parse_environment(value: object) -> Environment:
    """The environment's name.

    Args:
        value: ``None`` is ``"local"``.

    Raises:
        SettingsError: It is none of the three.
    """
    name = value.strip().lower() if isinstance(value, str) else value
    match name:
        case None:
            return "local"
        case "local" | "sandbox" | "production":
            return name
    raise SettingsError(
        f"CLOVER_ENVIRONMENT is {value!r}, which is not known.",
        hint="Use local (practice, no account), sandbox or production.",
        field="environment",
    )
