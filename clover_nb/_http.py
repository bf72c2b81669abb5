"""The only door to the network: hosts, keys, time-outs, pace, retries and answers.

What is sent again is decided by what is known of the first time:

=====================================  ===============  =====================
what happened                          a read           a write
=====================================  ===============  =====================
429: Clover takes no more for now      wait, again      wait, again
no connection was made                 wait, again      wait, again
the certificate is not accepted        raise            raise
5xx                                    wait, again      raise Unknown
the answer was lost, late, cut short   wait, again      raise Unknown
the answer is not Clover's JSON        wait, again      raise Unknown
any other refusal (4xx)                raise            raise
=====================================  ===============  =====================

A wait is as long as ``retry-after`` says; else a second, then twice as long each time, up to a
bound, and always a random bit longer, so that many clients don't come back together. All of it ends
in time (:class:`~clover_nb.settings.Patience`). An unknown write is settled by looking whether it
was done, in :mod:`clover_nb._writes`.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter
from urllib3.exceptions import HTTPError, NewConnectionError

from clover_nb import errors, vendor
from clover_nb._pacing import Pacer
from clover_nb._refusals import parsed, refusal
from clover_nb.settings import Patience, Settings

Api = Literal["ecommerce", "token", "platform"]
Json = dict[str, Any]
Params = Mapping[str, str] | list[tuple[str, str]]

_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500


class Answer(Json):
    """Clover's JSON object, and the id of the request that it answers."""

    request_id: str | None = None


class Unknown(Exception):
    """A write was sent, and what became of it is not known; `error` says what happened."""

    def __init__(self, error: errors.CloverError) -> None:
        self.error = error
        super().__init__(str(error))


class _Again(Exception):
    """It is safe to send this again; `error` is for when time is up."""

    def __init__(
        self, error: errors.CloverError, *, after: float | None = None, reached: bool = True
    ) -> None:
        self.error = error
        self.after = after
        self.reached = reached
        super().__init__(str(error))


class _Waits:
    """How long to wait before a request is sent again, and when to give up."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._backoff = wait_exponential_jitter(
            multiplier=patience.first_wait,
            max=patience.longest_wait,
            jitter=patience.first_wait / 2,
        )

    def wait(self, state: RetryCallState) -> float:
        after = _reason(state).after
        return self._backoff(state) if after is None else after + self._patience.first_wait / 10

    def stop(self, state: RetryCallState) -> bool:
        reached = _reason(state).reached
        longest = self._patience.total if reached else self._patience.unreachable
        return (state.seconds_since_start or 0) + state.upcoming_sleep > longest


def _reason(state: RetryCallState) -> _Again:
    reason = state.outcome.exception() if state.outcome else None
    assert isinstance(reason, _Again)  # noqa: S101  nothing else is retried
    return reason


class Door:
    """Sends requests of one connection and returns Clover's JSON, or raises from the error tree.

    It shares nothing with other doors but the pace. It may be used from several threads.
    """

    def __init__(self, settings: Settings, pacer: Pacer, patience: Patience) -> None:
        self._settings = settings
        self._pacer = pacer
        self.patience = patience
        self._adapter = HTTPAdapter(pool_connections=3, pool_maxsize=vendor.REQUESTS_AT_ONCE)
        self._clock: tuple[str | None, float] = (None, 0.0)
        self._bases = {
            "ecommerce": settings.ecommerce_url,
            "token": settings.token_url,
            "platform": settings.platform_url,
        }
        # Proxies and certificates of the machine are looked up once: requests would do it on each
        # call, which costs as much as the rest of the call.
        with requests.Session() as session:
            self._routes = {
                api: session.merge_environment_settings(url, {}, None, None, None)
                for api, url in self._bases.items()
            }
        waits = _Waits(patience)
        self._retrying = Retrying(
            retry=retry_if_exception_type(_Again), wait=waits.wait, stop=waits.stop, reraise=True
        )

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
        harmless: bool = False,
    ) -> Answer:
        """Send one request, again where that is safe.

        Args:
            method: The HTTP method.
            api: Which of the three hosts.
            path: Below the host's base address, its parts quoted already (see :func:`path_of`).
            params: The query.
            body: Sent as JSON.
            api_key: For the token host, which takes this key in place of the access token.
            harmless: Doing it twice does no harm, although it is not a GET.

        Returns:
            The JSON object of the answer; an empty one for an answer to DELETE without a body.

        Raises:
            ReadOnly: A write to production, without leave.
            Unknown: A write, of which is not known whether it was done.
            NoAnswer: Clover was not reached, or the answer was lost.
            UnreadableAnswer: The answer is not a JSON object.
            APIError: Clover said no.
        """
        if method != "GET":
            self.require_writes()
        request = PreparedRequest()
        request.prepare(
            method=method,
            url=self._bases[api] + path,
            headers=self._headers(api_key),
            params=params,
            data=None if body is None else json.dumps(body).encode(),
        )
        answer: Answer = self._retried(request, api, safe=harmless or method == "GET")
        return answer

    def download(self, api: Api, path: str, params: Params) -> bytes:
        """Read something as :meth:`send` does, and leave it to the caller to parse it."""
        request = PreparedRequest()
        request.prepare("GET", self._bases[api] + path, self._headers(None), params=params)
        content: bytes = self._retried(request, api, safe=True, parse=False)
        return content

    def require_writes(self) -> None:
        """Refuse to go on where changes are not allowed.

        Raises:
            ReadOnly: A connection to production, without leave.
        """
        if not self._settings.may_write:
            raise errors.ReadOnly(
                "This connection to production only reads.",
                hint="Connect with writes=True, or set CLOVER_WRITES=1, to allow changes.",
            )

    def server_time(self) -> float:
        """The time at Clover, in seconds since 1970, by the ``Date`` of the last answer.

        The clock of this machine, until there was one. A ``Date`` has whole seconds.
        """
        date, at = self._clock
        try:
            behind = parsedate_to_datetime(date).timestamp() - at if date else 0.0
        except ValueError:
            behind = 0.0
        return time.time() + behind

    # -- again -----------------------------------------------------------------------------------

    def _retried(
        self, request: PreparedRequest, api: Api, *, safe: bool, parse: bool = True
    ) -> Any:  # noqa: ANN401  bytes, or an Answer if parsed
        try:
            return self._retrying(self._once, request, api, safe=safe, parse=parse)
        except _Again as given_up:
            raise given_up.error from None

    # -- once ------------------------------------------------------------------------------------

    def _once(self, request: PreparedRequest, api: Api, *, safe: bool, parse: bool) -> Any:  # noqa: ANN401  see _retried
        unsure = _Again if safe else Unknown
        try:
            with self._pacer.turn():
                status, headers, content = self._exchange(request, api)
        except (requests.RequestException, HTTPError) as problem:
            error = self._no_answer(problem, api)
            if _certificate_refused(problem):
                raise error from None
            if _never_connected(problem):
                raise _Again(error, reached=False) from None
            raise unsure(error) from None
        self._clock = headers.get("Date"), time.time()
        if status >= 400:  # noqa: PLR2004  HTTP
            refused = refusal(status, content, headers.get("X-Clover-Request-Id"))
            if status == _TOO_MANY:
                after = _seconds(headers.get("retry-after"))
                self._pacer.refused(min(after or 0, self.patience.total))
                raise _Again(refused, after=after)
            raise unsure(refused) if status >= _SERVER_ERRORS else refused
        if not parse:
            return content
        answer = parsed(content) if content or request.method != "DELETE" else {}
        if status >= 300 or not isinstance(answer, dict):  # noqa: PLR2004  HTTP
            raise unsure(
                errors.UnreadableAnswer(
                    f"{self._host(api)} answered with something other than Clover's JSON.",
                    hint="Check the address; a proxy or a sign-in page may stand in between.",
                    status=status,
                    request_id=headers.get("X-Clover-Request-Id"),
                )
            )
        whole = Answer(answer)
        whole.request_id = headers.get("X-Clover-Request-Id")
        return whole

    def _exchange(self, request: PreparedRequest, api: Api) -> tuple[int, Mapping[str, str], bytes]:
        route, patience = self._routes[api], self.patience
        deadline = time.monotonic() + max(patience.total, patience.read)
        response = self._adapter.send(
            request,
            stream=True,
            timeout=(patience.connect, patience.read),
            verify=route["verify"] or False,
            cert=route["cert"],
            proxies=route["proxies"],
        )
        try:
            content = _all_of(response.raw, deadline)
        except BaseException:
            response.raw.close()  # half an answer is in it, which the next request must not get
            raise
        response.raw.release_conn()
        return response.status_code, response.headers, content

    def _no_answer(self, problem: Exception, api: Api) -> errors.NoAnswer:
        host = self._host(api)
        if isinstance(problem, requests.Timeout):
            return errors.NoAnswer(
                f"{host} did not answer in time.",
                hint="Try again; if it stays so, look at Clover's status page.",
            )
        if _certificate_refused(problem):
            return errors.NoAnswer(
                f"The certificate of {host} was not accepted.",
                hint="Behind a company proxy, set REQUESTS_CA_BUNDLE to its certificates.",
            )
        return errors.NoAnswer(
            f"{host} could not be reached, or closed the connection.",
            hint="Check the network; for a local sandbox, check that it still runs.",
        )

    def _host(self, api: Api) -> str:
        return urlsplit(self._bases[api]).netloc

    def _headers(self, api_key: str | None) -> dict[str, str]:
        key = (
            {"apikey": api_key}
            if api_key is not None
            else {"Authorization": "Bearer " + self._settings.access_token}
        )
        return _HEADERS | key


# D: a User-Agent is listed as required on the token host.
_HEADERS: Final = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "User-Agent": "clover-nb",
}


def path_of(*parts: str) -> str:
    """An address's path of parts, each quoted."""
    return "".join("/" + quote(part, safe="") for part in parts)


def _all_of(raw: Any, deadline: float) -> bytes:  # noqa: ANN401  urllib3's, as requests declares it
    """The body; a server that sends it drop by drop is left at the deadline."""
    parts = []
    while part := raw.read1(1 << 20, decode_content=True):
        parts.append(part)
        if time.monotonic() > deadline:
            raise requests.ReadTimeout
    return b"".join(parts)


def _seconds(header: str | None) -> float | None:
    return float(header) if header and header.isascii() and header.isdigit() else None


def _never_connected(problem: Exception) -> bool:
    """Whether the request can't have left this machine, for there was no connection to send it."""
    if isinstance(problem, requests.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    return isinstance(_cause(problem), NewConnectionError)


def _certificate_refused(problem: Exception) -> bool:
    cause = _cause(problem)
    return isinstance(problem, requests.exceptions.SSLError) and any(
        isinstance(each, ssl.SSLCertVerificationError) for each in (cause, *cause.args)
    )


def _cause(problem: Exception) -> BaseException:
    """What urllib3 says went wrong, out of what requests makes of it."""
    inner = problem.args[0] if problem.args else problem
    cause = getattr(inner, "reason", inner)
    return cause if isinstance(cause, BaseException) else problem
