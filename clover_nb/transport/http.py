"""Sends requests: hosts, keys, time-outs, the rate limit, retries and responses.

What is sent again is decided by what is known of the first attempt:

=======================================  ===============  =====================
what happened                            a read           a write
=======================================  ===============  =====================
429: over the rate limit                 retry            retry
401: the token worked before             new token, once  new token, once
no connection was made                   retry            retry
the certificate is not accepted          raise            raise
5xx                                      retry            raise AmbiguousWriteError
connection lost, time-out, cut short     retry            raise AmbiguousWriteError
no JSON of Clover's, such as a sign-in   retry once       raise AmbiguousWriteError
any other error (4xx)                    raise            raise
=======================================  ===============  =====================

The delay before a retry is a little longer than ``retry-after`` says; without one it is a second,
then twice as long each time, up to a bound, with a random part below the bound.
No retry begins after :class:`~clover_nb.settings.Timeouts`' ``total``. One exchange ends after the
greater of ``total`` and ``read``, however slowly bytes arrive, and with at most 64 MB of body.
Whether an ambiguous write was applied is looked up in :mod:`clover_nb.writes.resolver`.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakSet

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,  # noqa: A004  urllib3's, as its other errors
)
from urllib3.util import Retry, Timeout

from clover_nb import constants, errors
from clover_nb.masking import Secret, mask_text
from clover_nb.settings import Settings, Timeouts
from clover_nb.transport.access_token import AccessToken, IssuedToken
from clover_nb.transport.connections import RequestExchange, connection_pool
from clover_nb.transport.rate_limit import RateLimiter
from clover_nb.transport.responses import clean_text, error_from_response, parse_json, retry_after
from clover_nb.transport.retry import RetryableError, send_with_retries

Api = Literal["ecommerce", "token", "platform"]
Json = dict[str, Any]
Params = Mapping[str, str] | list[tuple[str, str]]

_MAX_BODY: Final = 64 << 20  # a page of a thousand customers has about 1 MB
_READ_SIZE: Final = 4 << 20
_SUCCESS: Final = range(200, 300)
_NO_RETRIES: Final = Retry(total=False, redirect=False)  # urllib3 can't know what is safe


class Response(Json):
    """Clover's JSON object, and the id of the request that it answers."""

    request_id: str | None = None


class AmbiguousWriteError(Exception):
    """A write was sent, and whether it was applied is not known; ``error`` says what happened."""

    def __init__(self, error: errors.CloverError) -> None:
        self.error = error
        super().__init__(str(error))


class HTTPTransport:
    """Sends the requests of one connection. Thread-safe; the rate limit is shared by account.

    An interrupted call leaves nothing behind: see
    :class:`~clover_nb.transport.connections.RequestExchange`. A forked child opens connections of
    its own.
    """

    def __init__(
        self,
        settings: Settings,
        rate_limiter: RateLimiter,
        timeouts: Timeouts,
        ask_for_token: Callable[[], Secret] | None = None,
    ) -> None:
        self._settings = settings
        self._token = AccessToken(settings.access_token, ask_for_token)
        self._rate_limiter = rate_limiter
        self.timeouts = timeouts
        self._clock: tuple[str | None, float] = (None, 0.0)  # a `Date`, and when it came
        self._bases = {
            "ecommerce": settings.ecommerce_url,
            "token": settings.token_url,
            "platform": settings.platform_url,
        }
        self._timeout = Timeout(connect=timeouts.connect, read=timeouts.read)
        self._closed = False
        self._open_pools()
        _transports.add(self)

    def _open_pools(self) -> None:
        adapter = HTTPAdapter(pool_connections=3, pool_maxsize=constants.REQUESTS_AT_ONCE)
        self._pools = {api: connection_pool(adapter, url) for api, url in self._bases.items()}

    def close(self) -> None:
        """Close the connections; those of requests under way when they end. Calls then raise."""
        self._closed = True
        for pool, _ in self._pools.values():
            pool.close()

    def send(
        self,
        method: str,
        api: Api,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        api_key: str | None = None,
        idempotent: bool = False,
    ) -> Response:
        """Send a request, with retries where that is safe.

        Args:
            method: The HTTP method.
            api: Which of the three hosts.
            path: Below the host's base address, its parts quoted already (see :func:`path_of`).
            params: The query.
            body: Sent as JSON.
            api_key: For the token host, which gets this key and never the access token.
            idempotent: Sending it twice does no harm, although it is not a GET.

        Returns:
            The JSON object of the response; an empty one for a response to DELETE without a body.

        Raises:
            ReadOnlyError: A write to production that was not allowed.
            AmbiguousWriteError: The write may or may not have been applied.
            APIConnectionError: Clover was not reached, the response was lost, or this connection is
                closed.
            InvalidResponseError: The response is not a JSON object.
            APIError: Clover refused the request.
        """
        if method != "GET":
            self.require_writes()
        request = _HTTPRequest(
            method,
            api,
            _target_of(path, params),
            _encode_body(method, body),
            api_key,
            idempotent=idempotent or method == "GET",
        )
        received = self._send_with_retries(request)
        response = Response(received.answer)
        response.request_id = received.request_id
        return response

    def require_writes(self) -> None:
        """Refuse to go on where changes are not allowed.

        Raises:
            ReadOnlyError: A connection to production that was not allowed to write.
        """
        if not self._settings.may_write:
            raise errors.ReadOnlyError(
                "This connection to production only reads.",
                hint="Connect with writes=True, or set CLOVER_WRITES=1, to allow changes.",
            )

    def server_time(self) -> float:
        """The time at Clover, in seconds since 1970, by the ``Date`` of the last response.

        The clock of this machine, until there was one. A ``Date`` has whole seconds. This
        machine's clock may be set meanwhile without harm.
        """
        date, at = self._clock
        try:
            known = _parse_date(date).timestamp() if date else None
        except (ValueError, TypeError, IndexError, OverflowError):  # what it raises for garbage
            known = None
        return time.time() if known is None else known + time.monotonic() - at

    @property
    def knows_server_time(self) -> bool:
        """Whether a response has told the time at Clover."""
        return self._clock[0] is not None

    def _send_with_retries(self, request: _HTTPRequest) -> _RawResponse:
        def send(token: IssuedToken) -> _RawResponse:
            received = send_with_retries(
                partial(self._send_once, request, token),
                partial(self._describe, request),
                self.timeouts,
            )
            if request.api != "token":
                self._token.confirm(token)
            return received

        token = self._token.get()
        try:
            return send(token)
        except errors.AuthenticationError as refused:
            if request.api == "token" or refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            token = self._token.renew(token, refused)
        return send(token)  # nothing was done by what was refused

    def _describe(self, request: _HTTPRequest) -> str:
        """A request in the log's words, without anything secret."""
        path = request.target.partition("?")[0]  # the query names people
        return f"{request.method} {self._host_of(request.api)}{mask_text(path)}"

    def _send_once(self, request: _HTTPRequest, token: IssuedToken) -> _RawResponse:
        """Send a request, without retries.

        Raises:
            RetryableError: It is safe to send the request again.
            AmbiguousWriteError: The write may or may not have been applied.
            CloverError: Anything else; the request was not sent, or Clover refused it.
        """
        if self._closed:
            raise errors.APIConnectionError(
                "This connection is closed.", hint="Make another one with connect()."
            )
        ambiguous = RetryableError if request.idempotent else AmbiguousWriteError
        seconds = max(self.timeouts.total, self.timeouts.read)
        send = partial(self._exchange_once, request, _headers_for(request, token))
        try:
            received = RequestExchange[_RawResponse]().run(send, self._rate_limiter.slot(), seconds)
        except Exception as problem:  # noqa: BLE001  whatever a server makes the libraries raise
            lost = self._connection_error(problem, request.api)
            if _is_certificate_error(problem):
                raise lost from None
            if isinstance(problem, _NEVER_CONNECTED):
                raise RetryableError(lost, connected=False) from None
            raise ambiguous(lost) from None
        self._clock = received.headers.get("Date"), time.monotonic()
        if received.status >= HTTPStatus.BAD_REQUEST:
            refused = error_from_response(received.status, received.content, received.request_id)
            received = received._replace(content=b"")  # it may quote what was sent
            if isinstance(refused, errors.RateLimitError):
                raise RetryableError(refused, delay=retry_after(received.headers))
            raise ambiguous(refused) if isinstance(refused, errors.ServerError) else refused
        if received.content or request.method != "DELETE":
            received = received._replace(answer=parse_json(received.content))
        if received.status not in _SUCCESS or not isinstance(received.answer, dict):
            host = self._host_of(request.api)
            raise ambiguous(
                errors.InvalidResponseError(
                    f"{host} answered with something other than Clover's JSON.",
                    hint="Check the address; a proxy or a sign-in page may stand in between.",
                    status=received.status,
                    request_id=received.request_id,
                )
            )
        return received

    def _exchange_once(self, request: _HTTPRequest, headers: dict[str, str]) -> _RawResponse:
        """Send a request and read the response, in a worker thread."""
        pool, prefix = self._pools[request.api]
        response = pool.urlopen(
            request.method,
            prefix + request.target,
            body=request.body,
            headers=headers,
            retries=_NO_RETRIES,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=False,
            decode_content=False,
        )
        try:
            content = _read_content(response)
        except BaseException:
            response.close()  # half a response is in it, which the next request must not get
            raise
        response.release_conn()
        if response.status == HTTPStatus.TOO_MANY_REQUESTS:
            delay = retry_after(response.headers) or 0.0
            self._rate_limiter.slow_down(min(delay, self.timeouts.total))
        return _RawResponse(response.status, response.headers, content)

    def _connection_error(self, problem: Exception, api: Api) -> errors.CloverError:
        host = self._host_of(api)
        if isinstance(problem, _TooLongError):
            return errors.InvalidResponseError(
                f"{host} answered with more than {_MAX_BODY >> 20} MB.", hint="Check the address."
            )
        if isinstance(problem, TimeoutError) and not isinstance(problem, NewConnectionError):
            return errors.APIConnectionError(
                f"{host} did not answer in time.",
                hint="Try again; if it stays so, look at Clover's status page.",
            )
        if _is_certificate_error(problem):
            return errors.APIConnectionError(
                f"The certificate of {host} was not accepted.",
                hint="Behind a company proxy, set REQUESTS_CA_BUNDLE to its certificates.",
            )
        return errors.APIConnectionError(
            f"{host} could not be reached, or closed the connection.",
            hint="Check the network; for a local sandbox, check that it still runs.",
        )

    def _host_of(self, api: Api) -> str:
        return urlsplit(self._bases[api]).netloc


class _HTTPRequest(NamedTuple):
    """What is sent, and whether it may be sent twice."""

    method: str
    api: Api
    target: str
    body: bytes | None
    api_key: str | None
    idempotent: bool


class _RawResponse(NamedTuple):
    """A response as it came; ``answer`` is its JSON."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    answer: Any = {}  # noqa: RUF012  never changed

    @property
    def request_id(self) -> str | None:
        """Clover's id of the request, without what could change how a terminal shows it."""
        return clean_text(self.headers.get("X-Clover-Request-Id"))


class _TooLongError(Exception):
    """A response that goes on beyond what any of Clover's has."""


def _read_content(response: urllib3.BaseHTTPResponse) -> bytes:
    parts: list[bytes] = []
    while response.length_remaining != 0 and (part := response.read(_READ_SIZE)):
        parts.append(part)
        if sum(map(len, parts)) > _MAX_BODY:
            raise _TooLongError
    return b"".join(parts)


class _RequestBody(bytes):
    """What is sent, which a traceback through other packages does not show."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def _encode_body(method: str, body: Mapping[str, Any] | None) -> bytes | None:
    if method == "GET":
        return None
    return b"" if body is None else _RequestBody(json.dumps(body).encode())


def _target_of(path: str, params: Params | None) -> str:
    return f"{path}?{urlencode(params, errors='surrogatepass')}" if params else path


# D: a User-Agent is listed as required on the token host.
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
    "User-Agent": "clover-nb",
}


def _headers_for(request: _HTTPRequest, token: IssuedToken) -> dict[str, str]:
    if request.api == "token":
        return _HEADERS | ({"apikey": request.api_key} if request.api_key else {})
    return _HEADERS | {"Authorization": Secret("Bearer " + token.value)}


def path_of(*parts: str) -> str:
    """An address's path of parts, each quoted."""
    return "".join("/" + quote(part, safe="", errors="surrogatepass") for part in parts)


# The request can't have left this machine: there was no connection to send it on.
_NEVER_CONNECTED: Final = (NewConnectionError, ConnectTimeoutError, ProxyError, ClosedPoolError)


def _is_certificate_error(problem: Exception) -> bool:
    return isinstance(problem, SSLError) and any(
        isinstance(each, ssl.SSLCertVerificationError) for each in problem.args
    )


_parse_date: Final = lru_cache(parsedate_to_datetime)  # it has whole seconds: most are alike

_transports: WeakSet[HTTPTransport] = WeakSet()


def _start_anew() -> None:
    """A forked child must not share sockets with its parent: it would get its responses."""
    for transport in list(_transports):
        transport._open_pools()
        transport._token.start_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
