"""The only door to the network: hosts, keys, time-outs, pace, retries and answers.

What is sent again is decided by what is known of the first time:

=====================================  ===============  =====================
what happened                          a read           a write
=====================================  ===============  =====================
429: Clover takes no more for now      wait, again      wait, again
no connection was made                 wait, again      wait, again
the certificate is not accepted        raise            raise
5xx                                    wait, again      raise AmbiguousWriteError
the answer was lost, late, cut short   wait, again      raise AmbiguousWriteError
the answer is not Clover's JSON        wait, again      raise AmbiguousWriteError
any other refusal (4xx)                raise            raise
=====================================  ===============  =====================

A wait is as long as ``retry-after`` says; else a second, then twice as long each time, up to a
bound, and always a random bit longer, so that many clients don't come back together. All of it ends
in time (:class:`~clover_nb.settings.Timeouts`). An unknown write is settled by looking whether it
was done, in :mod:`clover_nb.writes.executor`.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,  # noqa: A004  urllib3's, as its other errors
)
from urllib3.util import Timeout

from clover_nb import constants, errors
from clover_nb.masking import Secret
from clover_nb.settings import Settings, Timeouts
from clover_nb.transport.connections import pool_of
from clover_nb.transport.rate_limit import RateLimiter
from clover_nb.transport.responses import error_from_response, parse_json
from clover_nb.transport.retry import RetryableError, retrying

Api = Literal["ecommerce", "token", "platform"]
Json = dict[str, Any]
Params = Mapping[str, str] | list[tuple[str, str]]

_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


class Response(Json):
    """Clover's JSON object, and the id of the request that it answers."""

    request_id: str | None = None


class AmbiguousWriteError(Exception):
    """A write was sent, and what became of it is not known; `error` says what happened."""

    def __init__(self, error: errors.CloverError) -> None:
        self.error = error
        super().__init__(str(error))


class HTTPTransport:
    """Sends requests of one connection and returns Clover's JSON, or raises from the error tree.

    It shares nothing with other doors but the pace. It may be used from several threads.
    """

    def __init__(self, settings: Settings, rate_limiter: RateLimiter, timeouts: Timeouts) -> None:
        self._settings = settings
        self._rate_limiter = rate_limiter
        self.timeouts = timeouts
        self._clock: tuple[str | None, float] = (None, 0.0)  # a `Date`, and when it came
        self._bases = {
            "ecommerce": settings.ecommerce_url,
            "token": settings.token_url,
            "platform": settings.platform_url,
        }
        # requests knows the machine's proxies and certificates; asked once, for it would look
        # them up on each call, which costs as much as the rest of the call.
        self._adapter = HTTPAdapter(pool_connections=3, pool_maxsize=constants.REQUESTS_AT_ONCE)
        self._pools = {api: pool_of(self._adapter, url) for api, url in self._bases.items()}
        self._timeout = Timeout(connect=timeouts.connect, read=timeouts.read)
        self._retrying = retrying(timeouts)

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

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
        """Send one request, again where that is safe.

        Args:
            method: The HTTP method.
            api: Which of the three hosts.
            path: Below the host's base address, its parts quoted already (see :func:`path_of`).
            params: The query.
            body: Sent as JSON.
            api_key: For the token host, which takes this key in place of the access token.
            idempotent: Doing it twice does no harm, although it is not a GET.

        Returns:
            The JSON object of the answer; an empty one for an answer to DELETE without a body.

        Raises:
            ReadOnlyError: A write to production, without leave.
            AmbiguousWriteError: A write, of which is not known whether it was done.
            APIConnectionError: Clover was not reached, or the answer was lost.
            InvalidResponseError: The answer is not a JSON object.
            APIError: Clover said no.
        """
        if method != "GET":
            self.require_writes()
        request = _Request(
            method, api, _target(path, params), self._headers(api_key), _encoded(method, body)
        )
        answer: Response = self._retried(request, safe=idempotent or method == "GET")
        return answer

    def download(self, api: Api, path: str, params: Params) -> bytes:
        """Read something as :meth:`send` does, and leave it to the caller to parse it."""
        request = _Request("GET", api, _target(path, params), self._headers(None), None)
        content: bytes = self._retried(request, safe=True, parse=False)
        return content

    def require_writes(self) -> None:
        """Refuse to go on where changes are not allowed.

        Raises:
            ReadOnlyError: A connection to production, without leave.
        """
        if not self._settings.may_write:
            raise errors.ReadOnlyError(
                "This connection to production only reads.",
                hint="Connect with writes=True, or set CLOVER_WRITES=1, to allow changes.",
            )

    def server_time(self) -> float:
        """The time at Clover, in seconds since 1970, by the ``Date`` of the last answer.

        The clock of this machine, until there was one. A ``Date`` has whole seconds. This
        machine's clock may be set meanwhile without harm.
        """
        date, at = self._clock
        try:
            known = parsedate_to_datetime(date).timestamp() if date else None
        except ValueError:
            known = None
        return time.time() if known is None else known + time.monotonic() - at

    @property
    def knows_server_time(self) -> bool:
        """Whether an answer has told the time at Clover."""
        return self._clock[0] is not None

    # -- again -----------------------------------------------------------------------------------

    def _retried(self, request: _Request, *, safe: bool, parse: bool = True) -> Any:  # noqa: ANN401  bytes, or an Response if parsed
        try:
            return self._retrying(self._once, request, safe=safe, parse=parse)
        except RetryableError as given_up:
            raise given_up.error from None

    # -- once ------------------------------------------------------------------------------------

    def _once(self, request: _Request, *, safe: bool, parse: bool) -> Any:  # noqa: ANN401  see _retried
        unsure = RetryableError if safe else AmbiguousWriteError
        try:
            with self._rate_limiter.slot():
                status, headers, content = self._exchange(request, whole=not parse)
        except HTTPError as problem:
            error = self._no_answer(problem, request.api)
            if _certificate_refused(problem):
                raise error from None
            if isinstance(problem, _NEVER_CONNECTED):
                raise RetryableError(error, reached=False) from None
            raise unsure(error) from None
        self._clock = headers.get("Date"), time.monotonic()
        if status >= 400:  # noqa: PLR2004  HTTP
            refused = error_from_response(status, content, headers.get("X-Clover-Request-Id"))
            content = b""  # it may quote what was sent, and a traceback may show it
            if status == _TOO_MANY:
                after = _seconds(headers.get("retry-after"))
                self._rate_limiter.slow_down(min(after or 0, self.timeouts.total))
                raise RetryableError(refused, after=after)
            raise unsure(refused) if status >= _SERVER_ERRORS else refused
        if not parse:
            return content
        answer = parse_json(content) if content or request.method != "DELETE" else {}
        if status >= 300 or not isinstance(answer, dict):  # noqa: PLR2004  HTTP
            raise unsure(
                errors.InvalidResponseError(
                    f"{self._host(request.api)} answered with something other than Clover's JSON.",
                    hint="Check the address; a proxy or a sign-in page may stand in between.",
                    status=status,
                    request_id=headers.get("X-Clover-Request-Id"),
                )
            )
        whole = Response(answer)
        whole.request_id = headers.get("X-Clover-Request-Id")
        return whole

    def _exchange(self, request: _Request, *, whole: bool) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + max(self.timeouts.total, self.timeouts.read)
        pool, prefix = self._pools[request.api]
        response = pool.urlopen(
            request.method,
            prefix + request.target,
            body=request.body,
            headers=request.headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=self._timeout,
            preload_content=False,
            decode_content=True,
        )
        try:
            # A page is read at once: in pieces, each would wait for the thread that parses.
            content = response.read() if whole else _until(deadline, response)
        except BaseException:
            response.close()  # half an answer is in it, which the next request must not get
            raise
        response.release_conn()
        return response.status, response.headers, content

    def _no_answer(self, problem: HTTPError, api: Api) -> errors.APIConnectionError:
        host = self._host(api)
        if isinstance(problem, TimeoutError) and not isinstance(problem, NewConnectionError):
            return errors.APIConnectionError(
                f"{host} did not answer in time.",
                hint="Try again; if it stays so, look at Clover's status page.",
            )
        if _certificate_refused(problem):
            return errors.APIConnectionError(
                f"The certificate of {host} was not accepted.",
                hint="Behind a company proxy, set REQUESTS_CA_BUNDLE to its certificates.",
            )
        return errors.APIConnectionError(
            f"{host} could not be reached, or closed the connection.",
            hint="Check the network; for a local sandbox, check that it still runs.",
        )

    def _host(self, api: Api) -> str:
        return urlsplit(self._bases[api]).netloc

    def _headers(self, api_key: str | None) -> dict[str, str]:
        if api_key is None:
            return _HEADERS | {"Authorization": Secret("Bearer " + self._settings.access_token)}
        return _HEADERS | {"apikey": api_key}


class _Request(NamedTuple):
    """What is sent."""

    method: str
    api: Api
    target: str
    headers: dict[str, str]
    body: bytes | None


class _Body(bytes):
    """What is sent, which a traceback through other packages does not show."""

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def _encoded(method: str, body: Mapping[str, Any] | None) -> bytes | None:
    if method == "GET":
        return None
    return b"" if body is None else _Body(json.dumps(body).encode())


def _target(path: str, params: Params | None) -> str:
    return f"{path}?{urlencode(params)}" if params else path


# D: a User-Agent is listed as required on the token host.
_HEADERS: Final = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "clover-nb",
}


def path_of(*parts: str) -> str:
    """An address's path of parts, each quoted."""
    return "".join("/" + quote(part, safe="") for part in parts)


def _until(deadline: float, response: urllib3.BaseHTTPResponse) -> bytes:
    """The body; a server that sends it drop by drop is left at the deadline."""
    parts = []
    while part := response.read1(1 << 20):
        parts.append(part)
        if time.monotonic() > deadline:
            raise TimeoutError("The answer comes too slowly.")
    return b"".join(parts)


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isascii() and header.isdigit() else None


# The request can't have left this machine: there was no connection to send it on.
_NEVER_CONNECTED: Final = (NewConnectionError, ConnectTimeoutError, ProxyError)


def _certificate_refused(problem: HTTPError) -> bool:
    return isinstance(problem, SSLError) and any(
        isinstance(each, ssl.SSLCertVerificationError) for each in problem.args
    )
