"""No secret is found where it does not belong."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.e2e.leaks import assert_no_secret_leaked, database_files, forms_of
from tests.e2e.shop import Shop

if TYPE_CHECKING:
    from tests.e2e.processes import Host

SECRET = "a secret/with+odd=characters"


@pytest.mark.parametrize("before", ["", "x", "xy", "client:", "Basic client-id:"])
@pytest.mark.parametrize("after", ["", "z", "\n"])
def test_every_form_of_a_secret_would_be_found(before: str, after: str) -> None:
    text = f"{before}{SECRET}{after}"
    for written in (
        text.encode(),
        quote(text).encode(),
        quote(text, safe="").encode(),
        base64.b64encode(text.encode()),
        base64.urlsafe_b64encode(text.encode()),
    ):
        assert any(form in written for form in forms_of(SECRET)), written


def test_nothing_that_is_written_holds_a_secret(host: Host) -> None:
    """After connecting, sending, failing, expired tokens, and credentials that are refused; with a log that tells all it can."""
    host.set(log_format="json", log_level="debug")
    server = host.serve()
    shop = Shop(5)
    shop.load(server)
    shop.wait_until_synced(server)
    host.advance(31 * 60)  # the token dies, and a new one is asked for
    server.put("/customers/s-c1", {**shop.customers[1], "email": "new@example.com"})
    server.wait_for_state("/customers/s-c1", "synced")
    host.replace('client_secret = "sandbox-secret"', 'client_secret = "sandbox-secret-that-is-wrong"')
    refused = host.run("xero", "connect", "demo", code=1)
    assert "sandbox-secret" not in refused.stdout + refused.stderr, refused.stderr
    for call in server.get("/requests?page_size=200")["items"]:
        shown = server.api.get(f"/requests/{call['id']}").text
        assert not [secret for secret in host.sandbox.secrets() if secret in shown]
    server.program.stop()

    assert len(host.sandbox.secrets()) > 2
    assert_no_secret_leaked(host, write_ahead_log=True)
    if "postgresql" in host.database_url:
        assert database_files(host.database_url, write_ahead_log=True)
