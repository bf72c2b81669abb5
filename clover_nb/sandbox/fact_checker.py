"""Holds what is known of Clover against an address: the sandbox, or Clover's own.

Reads alone unless writes are allowed, and no writes in production. What it tells has no secrets and
nobody's data: texts that aren't Clover's own are told by their length.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from email.message import Message
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from clover_nb import constants
from clover_nb.sandbox.facts import FACTS, Fact, FactRequest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_TIMEOUT: Final = 30.0
_TRIES: Final = 8
_CUSTOMERS: Final = "/v3/merchants/{m}/customers"
_EMAIL: Final = "ana.rivera@example.com"
_ABSENT: Final = object()
# What must come back, in the words of the file of facts, as an expression for its JSON.
_KINDS: Final = {
    "<id>": '"[0-9A-Z]{13}"',
    "<ms>": "[0-9]{13}",
    "<bool>": "true|false",
    "<any>": r"[\s\S]*",
}
# The parts of an answer that Clover writes, and nobody's data is in.
_CLOVERS_OWN: Final = re.compile(r"(^|\.)(message|details|code|type|object|param|brand|tokenType)$")
NO_KEY: Final = (
    "the access token opens no public key (GET /pakms/apikey); give the public key by --api-key"
)


class CloverConnection(NamedTuple):
    """Where Clover's three APIs are, and what opens them."""

    ecommerce_url: str
    token_url: str
    platform_url: str
    access_token: str
    merchant_id: str

    @classmethod
    def find(cls, url: str, access_token: str, merchant_id: str) -> CloverConnection:
        """Return the connection to an address: one of Clover's hosts stands for all of them.

        Raises:
            ValueError: There is no merchant or no host, or the token would go over a network in
                the clear.
        """
        parts = urlsplit(url)
        host = parts.hostname
        if not merchant_id:
            raise ValueError("whose customers? Name the merchant's id by --merchant")
        if parts.scheme not in {"http", "https"} or not host:
            raise ValueError(f"{url!r} is no address; one begins with https://")
        for name, hosts in constants.HOSTS.items():
            known = {urlsplit(each).hostname for each in hosts}
            if host in known or (name == "sandbox" and host in constants.TEST_HOSTS):
                return cls(hosts.ecommerce, hosts.token, hosts.platform, access_token, merchant_id)
        if parts.scheme != "https" and host not in _LOOPBACK:
            raise ValueError(f"the access token goes by https, or stays on this machine: {url!r}")
        url = url.rstrip("/")
        return cls(url, url, url, access_token, merchant_id)

    @property
    def may_be_written(self) -> bool:
        """Whether nobody's real customers can be there."""
        hosts = {urlsplit(url).hostname for url in self[:3]}
        return hosts <= (_LOOPBACK | constants.TEST_HOSTS)


class FactResult(NamedTuple):
    """What came of a fact: `holds`, `differs` or `skipped`; and how it differs, or why."""

    fact: Fact
    outcome: str
    differences: tuple[str, ...] = ()


class _FactResponse(NamedTuple):
    status: int
    headers: Message
    text: str

    def find(self, path: str) -> Any:  # noqa: ANN401  any JSON, or _ABSENT
        """Return a part of the body by its path, or `_ABSENT`."""
        try:
            found: Any = json.loads(self.text)
            for step in path.split("."):
                found = len(found) if step == "#" else found[int(step) if step.isdigit() else step]
        except (ValueError, LookupError, TypeError):
            return _ABSENT
        return found

    def find_text(self, path: str) -> str:
        """Return a part of the body that is a text, or nothing."""
        found = self.find(path)
        return found if isinstance(found, str) else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing: the token would go along."""


class FactChecker:
    """Asks for facts.

    Attributes:
        left: The ids of customers that were made, and could not be deleted again.
    """

    def __init__(self, connection: CloverConnection, api_key: str = "") -> None:
        """Set it up.

        Args:
            connection: Where to ask.
            api_key: The public key; left out, it is read with the access token.
        """
        self._connection = connection
        local = urlsplit(connection.platform_url).hostname in _LOOPBACK
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)
        self._api_key = api_key
        self.left: list[str] = []

    def check_facts(self, *, writes: bool) -> Generator[FactResult]:
        """Ask for all facts, and delete the customers that were made for it.

        Raises:
            ValueError: Writes are wanted where real customers may be, or what answers lets nobody
                in with this token, or is not Clover.
            OSError: The address doesn't answer.
        """
        # It goes into a header, and an error about that would show it.
        if not re.fullmatch("[!-~]+", self._connection.access_token):
            raise ValueError("the access token has characters that no token has")
        if writes and not self._connection.may_be_written:
            raise ValueError("facts that write are asked of test environments alone")
        self._check_access()
        if not self._api_key:
            self._api_key = self._send_ask(FactRequest("GET", "/pakms/apikey")).find_text(
                "apiAccessKey"
            )
        try:
            for fact in FACTS:
                if fact.writes and not writes:
                    yield FactResult(fact, "skipped", ("it writes; --writes asks for it",))
                else:
                    yield self._check_fact(fact)
        finally:
            self.left = [each for each in self.left if not self._delete_customer(each)]

    def _check_access(self) -> None:
        answer = self._send_ask(FactRequest("GET", f"{_CUSTOMERS}?limit=1"))
        url = self._connection.platform_url
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ValueError(
                f"{url} lets nobody in with this access token for this merchant (401). So it does "
                "with a token of another merchant or environment, and with one that may not read "
                "customers."
            )
        if answer.find("elements") is _ABSENT:
            raise ValueError(
                f"{url} doesn't answer as Clover does: a list of customers has the status "
                f"{answer.status}, and no `elements`"
            )

    def _delete_customer(self, customer_id: str) -> bool:
        try:
            answer = self._send_ask(FactRequest("DELETE", f"{_CUSTOMERS}/{customer_id}"))
        except OSError:
            return False
        return answer.status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}

    def _check_fact(self, fact: Fact) -> FactResult:
        values = {"m": self._connection.merchant_id}
        requests = fact.requests
        needs_key = any(ask.path.startswith("/v1/tokens") for ask in requests)
        if needs_key and not self._api_key and "apikey" not in fact.request_headers:
            return FactResult(fact, "skipped", (NO_KEY,))
        for name in re.findall(r"\{(new|record|token|amex_token|customer)\}", str(requests)):
            if name not in values and (missing := self._fill_in(name, values)):
                return FactResult(fact, "skipped", (missing,))
        for number, ask in enumerate(requests, 1):
            headers = fact.request_headers if number == len(requests) else {}
            answer = self._send_ask(ask, values, headers)
            if number < len(requests):
                values["before"] = answer.text
                if answer.status >= HTTPStatus.BAD_REQUEST:
                    said = f"request {number} of {len(requests)}: status {answer.status}"
                    return FactResult(fact, "differs", (said,))
        wanted = _find_differences(fact, values, answer)
        differences = tuple(self._mask_secrets(each, values) for each in wanted)
        return FactResult(fact, "differs" if differences else "holds", differences)

    def _fill_in(self, name: str, values: dict[str, str]) -> str:
        """Make or find what a fact needs; say why it isn't there, or nothing."""
        if name == "customer":
            answer = self._send_ask(FactRequest("GET", f"{_CUSTOMERS}?limit=1"))
            values[name] = answer.find_text("elements.0.id")
            return "" if values[name] else "the merchant has no customers"
        if name == "record":
            answer = self._send_ask(FactRequest("POST", _CUSTOMERS, '{"firstName": "Ana"}'))
        elif not self._api_key:
            return NO_KEY
        elif name == "new":
            self._fill_in("token", values)
            body = json.dumps({"email": _EMAIL, "source": values.pop("token")})
            answer = self._send_ask(FactRequest("POST", "/v1/customers", body))
            values["card"] = answer.find_text("sources.data.0")
        else:
            card = "{amex}" if name == "amex_token" else "{visa}"
            ask = FactRequest.from_text(f'POST /v1/tokens {{"card": {card}}}')
            answer = self._send_ask(ask)
        values[name] = answer.find_text("id")
        return "" if values[name] else f"{{{name}}} can't be made: status {answer.status}"

    def _send_ask(
        self,
        ask: FactRequest,
        values: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> _FactResponse:
        values = {"m": self._connection.merchant_id} | dict(values or {})
        url = self._find_url(ask.path) + quote(_fill_names(ask.path, values), safe="/?&=,%().'")
        body = None if ask.body is None else _fill_names(ask.body, values).encode()
        sent = {"Content-Type": "application/json", "User-Agent": "clover-nb sandbox --check"}
        if ask.path.startswith("/v1/tokens"):
            sent["apikey"] = self._api_key
        else:
            sent["Authorization"] = f"Bearer {self._connection.access_token}"
        sent |= dict(headers or {})
        request = urllib.request.Request(  # noqa: S310  http or https, see CloverConnection.find
            url,
            body,
            {name: value for name, value in sent.items() if value != "<absent>"},
            method=ask.method,
        )
        for _ in range(_TRIES):
            answer = self._send_request(request)
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(constants.SECONDS_AFTER_429)
        if ask.method == "POST" and re.search(r"/customers/?(\?|$)", ask.path):
            self.left += [made] if (made := answer.find_text("id")) else []
        return answer

    def _send_request(self, request: urllib.request.Request) -> _FactResponse:
        try:
            response = self._opener.open(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as refusal:
            response = refusal
        except urllib.error.URLError as problem:
            raise OSError(f"{request.host} can't be reached: {problem.reason}") from None
        with response:
            text = response.read().decode(errors="replace")
            return _FactResponse(response.status, response.headers, text)

    def _find_url(self, path: str) -> str:
        if path.startswith("/v3/"):
            return self._connection.platform_url
        if path.startswith("/v1/tokens"):
            return self._connection.token_url
        return self._connection.ecommerce_url

    def _mask_secrets(self, text: str, values: Mapping[str, str]) -> str:
        for secret in (self._connection.access_token, self._api_key, *values.values()):
            text = text.replace(secret, "…") if secret else text
        return text


def _fill_names(text: str, values: Mapping[str, str]) -> str:
    """Fill in what stands in braces; `{before.PART}` is a part of the answer before."""

    def replace(found: re.Match[str]) -> str:
        name, _, part = found[1].partition(".")
        if part and name in values:
            return _FactResponse(0, Message(), values[name]).find_text(part)
        return values.get(found[1], found[0])

    return re.sub(r"\{([\w.]+)\}", replace, text)


def _find_differences(
    fact: Fact, values: Mapping[str, str], answer: _FactResponse
) -> Iterator[str]:
    if not _matches(fact.status, answer.status):
        yield f"status {answer.status}, not {fact.status}"
        message = answer.find_text("message") or answer.find_text("error.message")
        if message:
            yield f"message {message!r}"
    parts = {path: answer.find(path) for path in fact.body}
    for path, wanted in [("", fact.text), *fact.body.items()]:
        found = parts[path] if path else answer.text
        filled = _fill_names(wanted, values) if isinstance(wanted, str) else wanted
        if not _matches(filled, found):
            yield f"{path or 'the body'} is {_describe_value(path, found)}, not {wanted}"
    for name, wanted in fact.headers.items():
        header = answer.headers.get(name, _ABSENT)
        if not _matches(wanted, header):
            shown = "not there" if header is _ABSENT else header
            yield f"the header {name} is {shown}, not {wanted}"


def _matches(wanted: object, found: object) -> bool:
    """Tell whether a value is what the file of facts asks for."""
    if wanted == "<absent>" or found is _ABSENT:
        return wanted == "<absent>" and found is _ABSENT
    as_json = json.dumps(found, sort_keys=True)
    if isinstance(wanted, str) and wanted in _KINDS:
        return re.fullmatch(_KINDS[wanted], as_json) is not None
    if isinstance(wanted, str) and re.fullmatch("/.*/", wanted):
        text = found if isinstance(found, str) else as_json
        return re.fullmatch(wanted[1:-1], text) is not None
    return json.dumps(wanted, sort_keys=True) == as_json


def _describe_value(path: str, found: object) -> str:
    """Say what was found, without anybody's data."""
    if found is _ABSENT:
        return "not there"
    if isinstance(found, str | list | dict) and not _CLOVERS_OWN.search(path):
        return f"a {type(found).__name__} of {len(found)}"
    return json.dumps(found)
