"""What is known of Clover, read from `facts.toml`, which says how a fact is written down.

`fact_checker` holds it against an address, and docs/sandbox-facts.md lists it.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from clover_nb import constants

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a fact may ask for that only a write gives it.
_MADE: Final = ("{new}", "{card}", "{record}", "{token}", "{amex_token}")


class FactRequest(NamedTuple):
    """A request: its method, its path with the query, and what is sent as JSON, if anything."""

    method: str
    path: str
    body: str | None = None

    @classmethod
    def from_text(cls, text: str) -> FactRequest:
        """Read a request as it stands in the file, with repetitions and test cards filled in.

        Raises:
            ValueError: It isn't `METHOD /PATH` or `METHOD /PATH JSON`.
        """
        text = re.sub(r"<<(.*?)>>\*([0-9]+)", lambda found: found[1] * int(found[2]), text)
        for name, card in constants.TEST_CARDS.items():
            fields = (f'"{field}": "{value}"' for field, value in card.items() if field != "brand")
            text = text.replace(f"{{{name}}}", f"{{{', '.join(fields)}}}")
        found = re.fullmatch(r"([A-Z]+) (/.*?)(?: (\{.*\}|null))?", text)
        if not found:
            raise ValueError(f"a request is METHOD /PATH JSON, not {text!r}")
        return cls(*found.groups())


class Fact(NamedTuple):
    """One thing that is known of Clover.

    Attributes:
        section: What it is about.
        says: What is so.
        mark: How well it is known.
        source: By whom, a key of `SOURCES`.
        asks: Requests, as they stand in the file; the last one is judged.
        request_headers: Headers of the last request, in place of the right ones.
        status: The status that must come back, as all that follows.
        text: The whole body.
        body: Parts of the body, by their path.
        headers: Headers.
    """

    section: str
    says: str
    mark: str
    source: str
    asks: tuple[str, ...]
    request_headers: Mapping[str, str] = {}
    status: int | str = 200
    text: str = "<any>"
    body: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}

    @property
    def requests(self) -> list[FactRequest]:
        """What is asked."""
        return [FactRequest.from_text(text) for text in self.asks]

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return any(
            not text.startswith("GET ") or any(name in text for name in _MADE) for text in self.asks
        )


class UnaskedFact(NamedTuple):
    """What no request can show, or what must not be asked of somebody else's server; and why."""

    says: str
    mark: str
    source: str
    why: str


_FILE: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Where evidence stands, by its short name.
SOURCES: Final[dict[str, str]] = _FILE.pop("sources")
UNASKED: Final = tuple(UnaskedFact(**each) for each in _FILE.pop("unasked"))
FACTS: Final = tuple(
    Fact(name.replace("_", " ").capitalize(), **each)
    for name, section in _FILE.items()
    for each in section
)
