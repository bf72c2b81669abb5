"""The access token of a connection, and the next one when it has expired."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from clover_nb.errors import AuthenticationError, SettingsError
from clover_nb.masking import Secret


class IssuedToken(NamedTuple):
    """A token as a request was sent with it.

    Attributes:
        value: The token.
        asked: How often a new one had been asked for by then.
    """

    value: Secret
    asked: int


class AccessToken:
    """The token in use. Thread-safe: of requests that are refused together, one asks for a new one.

    Args:
        first: The token at the beginning.
        ask_for_token: Returns a new one, or raises; ``None`` where nobody can be asked.
    """

    def __init__(self, first: Secret, ask_for_token: Callable[[], Secret] | None) -> None:
        self._current = IssuedToken(first, 0)
        self._ask_for_token = ask_for_token
        self._has_worked = False
        self.start_anew()

    def start_anew(self) -> None:
        """In a forked child: use a lock of its own, for another thread may have held this one."""
        self._lock = threading.RLock()  # what is asked may use this connection

    def get(self) -> IssuedToken:
        """The token to send a request with."""
        return self._current

    def confirm(self, used: IssuedToken) -> None:
        """Remember that Clover took a token: a later refusal means that it has expired."""
        if used == self._current:
            self._has_worked = True

    def renew(self, used: IssuedToken, refused: AuthenticationError) -> IssuedToken:
        """Get another token than the one that was refused; asks once, and only where it worked.

        Args:
            used: What the request was sent with.
            refused: Clover's refusal of it.

        Raises:
            AuthenticationError: There is no other one.
        """
        with self._lock:
            if used == self._current:  # and not sent while another one was asked for
                if not self._has_worked:
                    raise refused
                self._ask(refused)
            if used.value == self._current.value:
                raise _expired(refused)
            return self._current

    def _ask(self, refused: AuthenticationError) -> None:
        if self._ask_for_token is None:
            return
        self._current = IssuedToken(self._current.value, self._current.asked + 1)
        self._has_worked = False  # so that what is asked can't end up here again
        try:
            value = self._ask_for_token()
        except SettingsError as error:
            raise _expired(refused, f" There is no new one: {error.message}") from error
        finally:
            self._has_worked = True  # the next call may ask again
        if value != self._current.value:
            self._current = IssuedToken(value, self._current.asked)
            self._has_worked = False


def _expired(refused: AuthenticationError, more: str = "") -> AuthenticationError:
    return AuthenticationError(
        "Clover no longer takes the access token: it has expired, or was taken back." + more,
        hint="This call changed nothing. Connect with a new token, and go on.",
        status=refused.status,
        type=refused.type,
        code=refused.code,
        request_id=refused.request_id,
    )
