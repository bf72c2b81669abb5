"""The only door to the network: hosts, keys, time-outs, answers and refusals."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.models import PreparedRequest
from urllib3.exceptions import HTTPError

from clover_nb import errors, rules, vendor
from clover_nb.settings import Settings

Api = Literal["ecommerce", "token", "platform"]
Json = dict[str, Any]

#: Seconds to reach Clover, to wait for the next bytes, and for an answer in all. Clover publishes
#: none; other programs wait 15 to 45 seconds.
CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 30.0
TOTAL_SECONDS: Final = 60.0


class Door:
    """Sends requests of one connection and returns Clover's JSON, or raises from the error tree.

    It shares nothing with other doors. Its pool of connections may be used from several threads.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._adapter = HTTPAdapter(pool_connections=3, pool_maxsize=vendor.REQUESTS_AT_ONCE)
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

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def send(
        self,
        method: str,
        api: Api,
        path: str,
        *,
        params: Mapping[str, str] | list[tuple[str, str]] | None = None,
        body: Mapping[str, Any] | None = None,
        api_key: str | None = None,
    ) -> Json:
        """Send one request.

        Args:
            method: The HTTP method.
            api: Which of the three hosts.
            path: Below the host's base address, its parts quoted already (see :func:`path_of`).
            params: The query.
            body: Sent as JSON.
            api_key: For the token host, which takes this key in place of the access token.

        Returns:
            The JSON object of the answer; an empty one for an answer to DELETE without a body.

        Raises:
            ReadOnly: A write to production, without leave.
            NoAnswer: Clover was not reached, or the answer was lost.
            UnreadableAnswer: The answer is not a JSON object.
            APIError: Clover said no.
        """
        if method != "GET" and not self._settings.may_write:
            raise errors.ReadOnly(
                "This connection to production only reads.",
                hint="Connect with writes=True, or set CLOVER_WRITES=1, to allow changes.",
            )
        request = PreparedRequest()
        request.prepare(
            method=method,
            url=self._bases[api] + path,
            headers=self._headers(api_key),
            params=params,
            data=None if body is None else json.dumps(body).encode(),
        )
        status, headers, content = self._exchange(request, api)
        request_id = headers.get("X-Clover-Request-Id")
        if status >= 400:  # noqa: PLR2004  HTTP
            raise refusal(status, content, request_id)
        if not content and method == "DELETE":
            return {}
        answer = _json(content)
        if status >= 300 or not isinstance(answer, dict):  # noqa: PLR2004  HTTP
            raise errors.UnreadableAnswer(
                f"{self._host(api)} answered with something other than Clover's JSON.",
                hint="Check the address; a proxy or a sign-in page may stand in between.",
                status=status,
                request_id=request_id,
            )
        return answer

    def _exchange(self, request: PreparedRequest, api: Api) -> tuple[int, Mapping[str, str], bytes]:
        route = self._routes[api]
        deadline = time.monotonic() + TOTAL_SECONDS
        try:
            response = self._adapter.send(
                request,
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                verify=route["verify"] or False,
                cert=route["cert"],
                proxies=route["proxies"],
            )
            try:
                parts = []
                while part := response.raw.read1(1 << 20, decode_content=True):
                    parts.append(part)
                    if time.monotonic() > deadline:
                        raise requests.ReadTimeout
            finally:
                response.raw.release_conn()
        except (requests.RequestException, HTTPError) as error:
            raise self._no_answer(error, api) from None
        return response.status_code, response.headers, b"".join(parts)

    def _no_answer(self, error: Exception, api: Api) -> errors.NoAnswer:
        host = self._host(api)
        if isinstance(error, requests.Timeout):
            return errors.NoAnswer(
                f"{host} did not answer in time.",
                hint="Try again; if it stays so, look at Clover's status page.",
            )
        if isinstance(error, requests.exceptions.SSLError):
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


# -- refusals ----------------------------------------------------------------------------------

_KINDS: Final[dict[int, type[errors.APIError]]] = {
    401: errors.AuthenticationFailed,
    402: errors.CardRefused,
    403: errors.AuthenticationFailed,
    404: errors.NotFound,
    409: errors.AlreadyOnFile,
    429: errors.RateLimited,
}

# D and O-fix ("Ecommerce API response codes", "Error codes"): which parameter a code is about.
_FIELD_OF: Final = {
    "email_invalid": "email",
    "token_already_used": "source",
    "invalid_cvc": "source",
    "incorrect_cvc": "card.cvv",
    "invalid_number": "card.number",
    "incorrect_number": "card.number",
    "invalid_expiry_month": "card.exp_month",
    "invalid_expiry_year": "card.exp_year",
    "expired_card": "card.exp_year",
}

# D: a bad token, a wrong merchant id and a missing permission look alike.
FIVE_REASONS: Final = (
    "It is one of five things, and Clover does not say which: the access token is mistyped or "
    "expired; it belongs to the other environment (sandbox or production); the merchant id is "
    "another merchant's; a permission is missing; or a permission was added after the app was "
    "installed (then reinstall the app and make a new token)."
)
_CODE_HINTS: Final = {
    "token_already_used": "A card token works once: ask for the card again and use the new token.",
    "invalid_cvc": "Ask for the card again, with its security code.",
    "email_invalid": "Pass email=: Clover asks for it on every change.",
    "card_declined": "The bank declined this card: ask for another one.",
}
_STATUS_HINTS: Final = {
    401: FIVE_REASONS,
    402: "The card was refused, or the merchant has no multi-pay tokens: ask for another card; "
    "if every card is refused, ask Clover to enable card-on-file for this merchant.",
    403: FIVE_REASONS,
    404: "Check the id, and that it is this merchant's.",
    409: "Nothing needs to be done: the card can be charged as it is.",
    429: "Wait a few seconds and try again.",
}


def refusal(status: int, content: bytes, request_id: str | None) -> errors.APIError:
    """The error for an answer with a status of 400 or more, in any of its known shapes.

    The status counts first, then ``error.code``: bodies have been seen that name another status
    than their own, that lack ``error`` or its ``type``, and that are text, HTML or nothing (O-fix).
    """
    body = _json(content)
    answer: Mapping[str, Any] = body if isinstance(body, dict) else {}
    nested = answer.get("error")
    detail: Mapping[str, Any] = nested if isinstance(nested, dict) else {}
    code = _text(detail.get("code"))
    said = _text(detail.get("message")) or _text(nested) or _text(answer.get("details"))
    said = said or _text(answer.get("message"))
    default = errors.ServerError if status >= 500 else errors.InvalidRequest  # noqa: PLR2004  HTTP
    return _KINDS.get(status, default)(
        _sentence(status, said),
        hint=_CODE_HINTS.get(code or "") or _STATUS_HINTS.get(status) or _default_hint(status),
        field=_text(detail.get("param")) or _FIELD_OF.get(code or ""),
        status=status,
        type=_text(detail.get("type")),
        code=code,
        request_id=request_id,
    )


def _sentence(status: int, said: str | None) -> str:
    if status in (401, 403):
        return "Clover refused the credentials."
    if not said:
        return f"Clover answered with HTTP {status} and no reason."
    return f"Clover says: {redacted(said).rstrip('.')}."


def _default_hint(status: int) -> str:
    if status >= 500:  # noqa: PLR2004  HTTP
        return "Try again in a minute; if it stays so, look at Clover's status page."
    return ""


def redacted(text: str) -> str:
    """A text of Clover's without tokens and card numbers, should it quote one."""
    text = re.sub(rf"{vendor.TOKEN_PREFIX}\w+", f"{vendor.TOKEN_PREFIX}••••", text)
    return "(hidden: it quotes a card number)" if rules.looks_like_card_number(text) else text


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
