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
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

from clover_nb import constants
from clover_nb.sandbox.facts import FACTS, Fact, FactRequest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

_LOOPBACK: Final = {"127.0.0.1", "localhost", "::1"}
_TIMEOUT: Final = 30.0
_TRIES: Final = 8
# The parts of an answer that Clover writes, and nobody's data is in.
_CLOVERS_OWN: Final = re.compile(r"(^|\.)(message|details|code|type|object|param|brand|tokenType)$")


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
            ValueError: The token would go over a network in the clear.
        """
        host = urlsplit(url).hostname
        for hosts in constants.HOSTS.values():
            if host in {urlsplit(each).hostname for each in hosts}:
                return cls(hosts.ecommerce, hosts.token, hosts.platform, access_token, merchant_id)
        if urlsplit(url).scheme != "https" and host not in _LOOPBACK:
            raise ValueError(f"the access token goes by https, or stays on this machine: {url!r}")
        url = url.rstrip("/")
        return cls(url, url, url, access_token, merchant_id)

    @property
    def may_be_written(self) -> bool:
        """Whether nobody's real customers can be there."""
        hosts = {urlsplit(url).hostname for url in self[:3]}
        return hosts <= (_LOOPBACK | constants.TEST_HOSTS)


class FactResult(NamedTuple):
    """What came of a fact: `holds`, `differs` or `skipped`, and how it differs."""

    fact: Fact
    outcome: str
    differences: tuple[str, ...] = ()


class _FactResponse(NamedTuple):
    status: int
    headers: Message
    text: str

    def find(self, path: str) -> str | None:
        """Return the JSON of a part of the body, by its path; None if it isn't there."""
        if not path:
            return self.text
        try:
            found: Any = json.loads(self.text)
            for step in path.split("."):
                found = len(found) if step == "#" else found[int(step) if step.isdigit() else step]
        except (ValueError, LookupError, TypeError):
            return None
        return json.dumps(found, ensure_ascii=False)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing: the token would go along."""


class FactChecker:
    """Asks for facts."""

    def __init__(self, connection: CloverConnection) -> None:
        self._connection = connection
        local = urlsplit(connection.platform_url).hostname in _LOOPBACK
        proxies = [urllib.request.ProxyHandler({})] if local else []
        self._opener = urllib.request.build_opener(_NoRedirect, *proxies)
        self._api_key = ""
        self._made: list[str] = []

    def check_facts(self, *, writes: bool) -> Iterator[FactResult]:
        """Ask for all facts, and delete the customers that were made for it.

        Raises:
            ValueError: Writes are wanted where real customers may be.
            OSError: The address doesn't answer.
        """
        if writes and not self._connection.may_be_written:
            raise ValueError("facts that write are asked of test environments alone")
        try:
            for fact in FACTS:
                if fact.writes and not writes:
                    yield FactResult(fact, "skipped", ("it writes; --writes asks for it",))
                else:
                    yield self._check_fact(fact)
        finally:
            for customer_id in self._made:
                self._send_ask(
                    FactRequest("DELETE", f"/v3/merchants/{{m}}/customers/{customer_id}"), {}
                )

    def _check_fact(self, fact: Fact) -> FactResult:
        values = {"m": self._connection.merchant_id}
        for name in re.findall(r"\{(new|record|token|amex|customer)\}", json.dumps(fact.asks)):
            if name not in values and not self._fill_in(name, values):
                return FactResult(fact, "skipped", (f"there is no {name} to ask for",))
        for ask in fact.asks:
            answer = self._send_ask(ask, values)
            values["id"] = (answer.find("id") or "").strip('"')
            if ask.method == "POST" and re.search(r"/customers/?(\?|$)", ask.path) and values["id"]:
                self._made.append(values["id"])
        differences = tuple(map(self._mask_secrets, _find_differences(fact, answer)))
        return FactResult(fact, "differs" if differences else "holds", differences)

    def _fill_in(self, name: str, values: dict[str, str]) -> bool:
        """Make or find what a fact needs; tell whether it is there."""
        customers = "/v3/merchants/{m}/customers"
        if name == "customer":
            answer = self._send_ask(FactRequest("GET", f"{customers}?limit=1"), values)
            values[name] = (answer.find("elements.0.id") or "").strip('"')
        elif name == "record":
            answer = self._send_ask(FactRequest("POST", customers, {"firstName": "Ana"}), values)
            values[name] = (answer.find("id") or "").strip('"')
            self._made += [values[name]]
        elif name == "new":
            self._fill_in("token", values)
            body = {"email": "ana.rivera@example.com", "source": values.pop("token")}
            answer = self._send_ask(FactRequest("POST", "/v1/customers", body), values)
            values[name] = (answer.find("id") or "").strip('"')
            values["card"] = (answer.find("sources.data.0") or "").strip('"')
            self._made += [values[name]]
        else:
            card = dict(constants.TEST_CARDS["amex" if name == "amex" else "visa"])
            answer = self._send_ask(FactRequest("POST", "/v1/tokens", {"card": card}), values)
            values[name] = (answer.find("id") or "").strip('"')
        return bool(values[name])

    def _send_ask(self, ask: FactRequest, values: dict[str, str]) -> _FactResponse:
        values = {"m": self._connection.merchant_id, **values}
        path = _replace_names(ask.path, values)
        url = self._find_url(ask.path) + quote(path, safe="/?&=,%{}().'")
        body = _replace_names(json.dumps(ask.body), values) if ask.body is not None else None
        headers = {"Content-Type": "application/json", "User-Agent": "clover-nb sandbox --check"}
        if ask.path == "/v1/tokens":
            headers["apikey"] = self._get_api_key(ask)
        else:
            headers["Authorization"] = f"Bearer {self._connection.access_token}"
        headers |= ask.headers or {}
        request = urllib.request.Request(  # noqa: S310  http or https, see CloverConnection.find
            url, body.encode() if body else None, headers, method=ask.method
        )
        for _ in range(_TRIES):
            try:
                with self._opener.open(request, timeout=_TIMEOUT) as response:
                    return _FactResponse(
                        response.status, response.headers, response.read().decode(errors="replace")
                    )
            except urllib.error.HTTPError as refusal:
                with refusal:
                    answer = _FactResponse(
                        refusal.code, refusal.headers, refusal.read().decode(errors="replace")
                    )
            if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(constants.SECONDS_AFTER_429)
        return answer

    def _find_url(self, path: str) -> str:
        if path.startswith("/v3/"):
            return self._connection.platform_url
        return (
            self._connection.token_url if path == "/v1/tokens" else self._connection.ecommerce_url
        )

    def _get_api_key(self, ask: FactRequest) -> str:
        if not self._api_key and not (ask.headers and "apikey" in ask.headers):
            answer = self._send_ask(FactRequest("GET", "/pakms/apikey"), {})
            self._api_key = (answer.find("apiAccessKey") or "").strip('"')
        return self._api_key

    def _mask_secrets(self, text: str) -> str:
        for secret in (self._connection.access_token, self._api_key, self._connection.merchant_id):
            text = text.replace(secret, "…") if secret else text
        return text


def _replace_names(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), text)


def _find_differences(fact: Fact, answer: _FactResponse) -> Iterator[str]:
    if answer.status != fact.status:
        yield f"status {answer.status}, not {fact.status}"
        message = answer.find("message") or answer.find("error.message")
        if message:
            yield f"message {message}"
    for path, pattern in fact.body.items():
        found = answer.find(path)
        if not _matches_pattern(pattern, found):
            yield f"{path or 'body'} is {_describe_value(path, found)}, not {pattern}"
    for name, pattern in fact.headers.items():
        header = answer.headers.get(name)
        if not _matches_pattern(pattern, header):
            yield f"the header {name} is {header}, not {pattern}"


def _matches_pattern(pattern: str | None, found: str | None) -> bool:
    if pattern is None or found is None:
        return pattern is found
    return re.fullmatch(pattern, found) is not None


def _describe_value(path: str, found: str | None) -> str:
    """Say what was found, without anybody's data."""
    if found is None:
        return "not there"
    if not path:
        return f"of {len(found)} characters"
    value = json.loads(found)
    if isinstance(value, str | list | dict) and not _CLOVERS_OWN.search(path):
        return f"a {type(value).__name__} of {len(value)}"
    return found
