"""The connections to an address, by the proxies and certificates that requests knows of."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter


def pool_of(adapter: HTTPAdapter, base: str) -> tuple[Any, str]:
    """The connections to an address, and what its paths begin with."""
    with requests.Session() as session:
        route = session.merge_environment_settings(base, {}, None, None, None)
    request = requests.Request("GET", base).prepare()
    verify, proxies, cert = route["verify"] or False, route["proxies"], route["cert"]
    pool: Any = adapter.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
    adapter.cert_verify(pool, base, verify, cert)  # type: ignore[no-untyped-call]  # requests'
    pool.ConnectionCls = _in_one_piece(type(pool).ConnectionCls)  # of several bases at one address
    return pool, adapter.request_url(request, proxies).rstrip("/")


def _in_one_piece(kind: Any) -> Any:  # noqa: ANN401  urllib3's class of this address, or a proxy's
    """Connections that send the head and the body of a request together.

    urllib3 sends them one after the other, and the second packet takes about as long as our checks.
    """

    class Connection(kind):  # type: ignore[misc]  # a base that is known at run time
        _parts: list[bytes] | None = None

        def request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  urllib3's
            self._parts = []
            try:
                super().request(*args, **kwargs)
                whole = b"".join(self._parts)
            finally:
                self._parts = None
            super().send(whole)

        def send(self, data: bytes) -> None:
            if self._parts is None:
                super().send(data)
            else:
                self._parts.append(data)

    return Connection
