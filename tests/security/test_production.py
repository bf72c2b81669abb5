"""Production under its real host names, behind a company's proxy on this machine."""

from __future__ import annotations

import pytest
from https_proxy import running_proxy
from practice_requests import requests_during

from clover_nb import cli
from clover_nb.client import connect
from clover_nb.errors import ReadOnlyError

pytestmark = pytest.mark.usefixtures("empty_folder")


@pytest.fixture
def proxy(practice, tmp_path, monkeypatch):
    """A proxy that the environment names, with what production needs besides."""
    settings = {
        "CLOVER_ENVIRONMENT": "production",
        "CLOVER_ACCESS_TOKEN": practice.access_token,
        "CLOVER_MERCHANT_ID": practice.merchant_id,
    }
    with running_proxy(tmp_path, practice.ecommerce_url) as running:
        for name, value in (settings | running.environment).items():
            monkeypatch.setenv(name, value)
        yield running


def test_production_is_read_only_and_says_so(proxy, practice):
    """A change is refused before anything is sent; reading goes to Clover's host alone."""
    with connect() as clover:
        told = f"PRODUCTION, read-only, merchant {practice.merchant_id}, at scl.clover.com"
        assert repr(clover) == f"<Clover: {told}, token from the environment>"
        with pytest.raises(ReadOnlyError):
            clover.customers.modify("AAAAAAAAAAAAA", name="Somebody")
        with pytest.raises(ReadOnlyError):
            clover.customers.delete("AAAAAAAAAAAAA")
        assert proxy.requests == []
        assert len(clover.customers.list(limit=1)) == 1
    assert {(host, method) for host, method, *_ in proxy.requests} == {("api.clover.com", "GET")}


def test_the_doctor_only_reads_of_production(proxy, practice, capsys):
    """It names the hosts, and changes nothing."""
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    for host in ("scl", "token", "api"):
        assert f"https://{host}.clover.com" in out
    assert "PRODUCTION, read-only" in out
    assert practice.access_token not in out
    assert {method for _, method, *_ in proxy.requests} == {"GET"}


def test_a_file_can_not_send_productions_token_past_clover(proxy, empty_folder, practice):
    """With addresses of its own beside the environment's token, nothing is sent at all."""
    urls = {name: url for name, url in practice.connection().items() if name.endswith("_url")}
    lines = [f"CLOVER_{name.upper()}={url}" for name, url in urls.items()]
    (empty_folder / ".env").write_text("\n".join(lines))
    with requests_during(practice) as sent:
        assert cli.main(["doctor"]) == 1
    assert proxy.requests == []
    assert sent == []
