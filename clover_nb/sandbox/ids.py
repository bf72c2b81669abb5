"""Ids, tokens and times: random and real, or the same on every run of a seed."""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from clover_nb import constants

if TYPE_CHECKING:
    from collections.abc import Callable

# I, from 15 samples: ids are 13 characters of Crockford's base 32.
_ID_SIGNS: Final = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ID: Final = bytes(_ID_SIGNS[n % 32] for n in range(256))
# I, from 12 samples: a token is its prefix, a digit, four letters and 19 of base 58.
_TOKEN_SIGNS: Final = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_TOKEN: Final = bytes(_TOKEN_SIGNS[n % 58] for n in range(256))
_TOKEN_START: Final = f"{constants.TOKEN_PREFIX}1TSTS"

# When the invented history ends (2026-01-01 UTC), in ms; a seeded clock starts here.
HISTORY_ENDS: Final = 1_767_225_600_000


class IdGenerator:
    """Ids and tokens, made of a source of random bytes."""

    def __init__(self, draw_bytes: Callable[[int], bytes]) -> None:
        self.take = draw_bytes

    def id(self) -> str:
        """Return a new id."""
        return self.take(13).translate(_ID).decode()

    def ids(self, count: int) -> list[str]:
        """Return some new ids, in a fraction of the time."""
        signs = self.take(13 * count).translate(_ID).decode()
        return [signs[at : at + 13] for at in range(0, 13 * count, 13)]

    def token(self) -> str:
        """Return a new card token."""
        return _TOKEN_START + self.take(19).translate(_TOKEN).decode()


class WriteContext(IdGenerator):
    """One write: its time, and the ids that it gives out, which no other write has."""

    def __init__(self, key: bytes, tick: int, *, fixed: bool, seconds: bool = False) -> None:
        """Begin a write.

        Args:
            key: What ids are made from.
            tick: The number of the write.
            fixed: Whether the clock ticks once a write, by a second, instead of being the real one.
            seconds: Whether the time is in whole seconds.
        """
        self.now = HISTORY_ENDS + tick * 1000 if fixed else time.time_ns() // 1_000_000
        if seconds:
            self.now -= self.now % 1000
        stream = hashlib.blake2b(b"%d" % tick, key=key)

        def draw_bytes(count: int) -> bytes:
            stream.update(b".")
            return stream.digest()[:count]

        super().__init__(draw_bytes)


class Credentials(NamedTuple):
    """What a merchant gets from Clover before the first call."""

    access_token: str
    api_key: str
    merchant_id: str
    app_id: str

    @classmethod
    def make(cls, key: bytes) -> Credentials:
        """Derive them from a secret."""
        context = WriteContext(key, 0, fixed=True)
        return cls(
            format_uuid(context.take(16)), context.take(16).hex(), context.id(), context.id()
        )


def derive_key(seed: int | None) -> bytes:
    """Return the secret that all ids are made from: the seed's, or a random one."""
    return secrets.token_bytes(16) if seed is None else hashlib.blake2b(b"%d" % seed).digest()[:16]


def format_uuid(bits: bytes) -> str:
    """Write 16 bytes as Clover writes access tokens and request ids."""
    text = bits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
