"""Where to connect and as whom: arguments, the environment and ``.env``, as one checked record."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit

from clover_nb import constants
from clover_nb.env_file import find_env_file, read_env_file
from clover_nb.errors import SettingsError
from clover_nb.masking import Secret, mask_credentials, mask_text
from clover_nb.team import check_team

Environment = Literal["local", "sandbox", "production"]

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
    "team": ("CLOVER_TEAM", None),
}

_URLS: Final = ("ecommerce_url", "token_url", "platform_url")

#: What a person is called in the journal.
PERSON: Final = "CLOVER_PERSON"
#: Where `clover-nb desk` hands its settings to its kernels, which look nothing up, as JSON.
HANDED_SETTINGS: Final = "CLOVER_NB_SETTINGS"


class SettingSource(NamedTuple):
    """Where a setting was found. The source of the token, or a stronger one, says where it goes.

    Attributes:
        strength: A stronger source wins.
        name: As it stands in a sentence.
    """

    strength: int
    name: str


ARGUMENT: Final = SettingSource(3, "an argument")
PRACTICE: Final = SettingSource(3, "the practice sandbox")
ENVIRONMENT: Final = SettingSource(2, "the environment")


class Setting(NamedTuple):
    """A value and its source."""

    value: str | bool
    source: SettingSource


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
        if all(is_loopback(host) for host in hosts):
            return "local"
        if all(is_loopback(host) or host in constants.TEST_HOSTS for host in hosts):
            return "sandbox"
        return "production"

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """The hosts that the access token or customers are sent to, each once."""
        return tuple(dict.fromkeys(_host_of(getattr(self, field)) for field in _URLS))

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


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this very machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def settings_from(
    values: Mapping[str, str | bool | None], source: SettingSource
) -> dict[str, Setting]:
    """Settings by field name, all from one source.

    Args:
        values: By field name; ``None`` is not set. Credentials are masked from here on.
        source: Of all of them.
    """
    given = {name: value for name, value in values.items() if value is not None}
    return {name: Setting(value, source) for name, value in mask_credentials(given).items()}


def read_environment() -> dict[str, Setting]:
    """What the environment and the nearest ``.env`` say, by field name; empty values left out.

    The process's environment wins over ``.env``, and ``CLOVER_...`` over the names of Clover's
    documentation. What ``clover-nb desk`` handed over stands for both.

    Raises:
        SettingsError: The ``.env`` can't be read, or is somebody else's.
    """
    if handed := os.environ.get(HANDED_SETTINGS):
        values = json.loads(handed)
        source = SettingSource(ENVIRONMENT.strength, values.pop("source"))
        return settings_from(values, source)
    path = find_env_file()
    file = read_env_file(path) if path else {}
    found: dict[str, Setting] = {}
    for field, (ours, documented) in VARIABLES.items():
        in_file = file.get(ours), file.get(documented or "")
        given = (
            (os.environ.get(ours), ENVIRONMENT),
            *((text, SettingSource(1, str(path))) for text in in_file),
        )
        for text, source in given:
            if text and text.strip():
                found |= settings_from({field: text.strip()}, source)
                break
    return found


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


def ask_for_token(source: Callable[[], str]) -> Secret:
    """Call what a person gave as ``access_token=``, and check what it returns.

    Raises:
        SettingsError: It raises something, or returns no token.
    """
    try:
        value: object = mask_credentials({"access_token": source()})["access_token"]
    except Exception as error:
        told = _UUID.sub("••••", mask_text(str(error)))
        raise SettingsError(
            f"The callable access_token= raised {type(error).__name__}{told and ': '}{told}.",
            hint="It is called without arguments, and returns an access token.",
            field="access_token",
        ) from error
    if not isinstance(value, str):
        raise SettingsError(
            f"The callable access_token= returned {type(value).__name__}, not a text.",
            hint="It is called without arguments, and returns an access token.",
            field="access_token",
        )
    return _check_secret("access_token", value)


_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


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
        field: _check_url(
            field, given.get(field) or (getattr(hosts, field[:-4]) if hosts else None)
        )
        for field in _URLS
    }
    checkout_url = _checkout_url(given.get("checkout_url"), urls["ecommerce_url"])
    writes = _parse_switch(given.get("writes"))
    token = _check_secret("access_token", given.get("access_token"))
    source = values["access_token"].source
    addresses = {**urls, "checkout_url": checkout_url}
    for field in (*addresses, *(["writes"] if writes else []), "team"):
        if field in values:
            _check_source(field, values[field].source, source, addresses.get(field))
    api_key = given.get("api_key")
    return Settings(
        **urls,
        access_token=token,
        checkout_url=checkout_url,
        api_key=_check_secret("api_key", api_key) if api_key else None,
        merchant_id=_merchant_id(given.get("merchant_id")),
        writes=writes,
        team=_check_team(given.get("team")),
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


def _check_source(field: str, source: SettingSource, token: SettingSource, url: str | None) -> None:
    """A source may say where a token goes only if it gave the token, or is stronger.

    And a file says nothing of hosts that aren't Clover's: it came with a folder.
    """
    variable = _variable_of(field)
    if source.strength < token.strength:
        raise SettingsError(
            f"{variable} stands in {source.name}, but the access token comes from "
            f"{token.name}, and a file must not say what becomes of a token that it didn't give.",
            hint=f"If it is meant so, set {variable} in the environment or as an argument; "
            f"if not, delete it from {source.name}.",
            field=field,
        )
    host = _host_of(url or "")
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


def _is_clovers(host: str) -> bool:
    return host.endswith(".clover.com")


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def warn_of_unused_credentials(found: Mapping[str, Setting]) -> None:
    """Say so when credentials are set and the practice sandbox is used all the same."""
    if "access_token" in found and "environment" not in found:
        warnings.warn(
            "An access token is set, but CLOVER_ENVIRONMENT is not, so this connection is to the "
            "embedded practice sandbox. Set CLOVER_ENVIRONMENT=sandbox or production to use the "
            "token, or CLOVER_ENVIRONMENT=local to silence this.",
            stacklevel=4,
        )


def _variable_of(field: str) -> str:
    return VARIABLES[field][0]


def _check_url(field: str, value: object) -> str:
    if not value:
        raise SettingsError(
            f"{_variable_of(field)} is missing.",
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
            f"{_variable_of(field)} is {value!r}, which is not a web address.",
            hint=f"It should look like {constants.HOSTS['sandbox'].ecommerce}.",
            field=field,
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise SettingsError(
            f"{_variable_of(field)} is {value!r}: http would send the access token in clear.",
            hint="Use https; http is for this machine alone.",
            field=field,
        )
    if parts.username or parts.password:
        raise SettingsError(
            f"{_variable_of(field)} holds a user name or password.",
            hint="Leave them out; the access token is sent in a header.",
            field=field,
        )
    return parts.geturl()


def _checkout_url(given: object, ecommerce_url: str) -> str | None:
    """Where the card fields come from; the embedded sandbox serves its own."""
    if given:
        return _check_url("checkout_url", given)
    if is_loopback(_host_of(ecommerce_url)):
        return ecommerce_url
    known = {hosts.ecommerce: hosts.checkout for hosts in constants.HOSTS.values()}
    return known.get(ecommerce_url)


def _check_secret(field: str, value: object) -> Secret:
    if value is None or value == "":
        raise SettingsError(
            f"{_variable_of(field)} is missing.",
            hint="Set it in the environment or in a file .env beside your notebooks "
            "(.env.example explains each setting), or use CLOVER_ENVIRONMENT=local to practise "
            "without an account.",
            field=field,
        )
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value.strip()):
        raise SettingsError(
            f"{_variable_of(field)} is not a token: it holds something other than plain letters, "
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


def _check_team(value: object) -> Secret | None:
    if not isinstance(value, str) or not value:
        return None
    check_team(team := Secret(value))
    return team


def _parse_switch(value: object) -> bool:
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
