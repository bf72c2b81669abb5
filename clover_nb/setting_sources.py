"""Where settings come from: arguments, the environment and ``.env``."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Final, NamedTuple

from clover_nb.env_file import find_env_file, read_env_file
from clover_nb.masking import mask_credentials

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


def warn_of_unused_credentials(found: Mapping[str, Setting]) -> None:
    """Say so when credentials are set and the practice sandbox is used all the same."""
    if "access_token" in found and "environment" not in found:
        warnings.warn(
            "An access token is set, but CLOVER_ENVIRONMENT is not, so this connection is to the "
            "embedded practice sandbox. Set CLOVER_ENVIRONMENT=sandbox or production to use the "
            "token, or CLOVER_ENVIRONMENT=local to silence this.",
            stacklevel=4,
        )
