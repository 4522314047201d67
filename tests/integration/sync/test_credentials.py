"""Tokens: renewed once, by one, and never shown."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from host.errors import AskPerson
from host.sync import Limits
from host.sync.client import Client, SentInTransaction
from host.sync.connections import find_connection
from host.sync.grants import grant_of
from host.sync.provider import Request, Token
from host.sync.tables import calls, grants
from host.sync.views import request, requests
from host.testing.tiny_remote import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.integration.sync.conftest import Opener
    from tests.integration.sync.world import World


def test_a_token_that_is_not_accepted_is_renewed_and_the_call_sent_again(world: World) -> None:
    world.remote.tokens.clear()
    world.save("customers", "c1")
    world.drain()
    assert [call.path for call in world.remote.calls] == ["/customers", "/token", "/customers"]
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_token_that_does_not_do_for_todays_settings_is_renewed_before_it_is_used(world: World) -> None:
    world.provider.scope = "everything"
    world.save("customers", "c1")
    world.drain()
    world.save("customers", "c2")
    world.drain()
    assert [call.path for call in world.remote.calls] == ["/token", "/customers", "/customers"]


def test_five_calls_refused_for_one_token_renew_it_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.sync.lanes.most", lambda _lane, _ready: 1)
    world.remote.tokens.clear()
    world.save("customers", *(f"c{number}" for number in range(5)))
    world.drain()
    assert [call.path for call in world.remote.calls].count("/token") == 1
    assert len(world.remote.of("customers")) == 5
    assert world.connection().status == "connected"


def test_a_renewal_is_nobody_elses_for_as_long_as_its_answer_may_take(world_with: Opener) -> None:
    with world_with(limits=Limits(minute=0, day=0, patience=300)) as world:
        claimed: list[float] = []

        def note(request: Any) -> None:
            if request.url.path == "/token":
                with world.database.read() as session:
                    until = session.execute(select(grants.c.claimed_until)).scalar_one()
                claimed.append((until - world.time.now).total_seconds())

        world.remote.before_answer = note
        world.remote.tokens.clear()
        world.save("customers", "c1")
        world.drain()
        assert claimed
        assert min(claimed) > 300


def test_credentials_that_are_never_accepted_need_attention_with_the_reason(world: World) -> None:
    world.remote.never_accept_tokens = True
    world.save("customers", "c1")
    world.drain()
    assert [call.path for call in world.remote.calls] == ["/customers", "/token", "/customers"]
    assert world.connection().status == "needs_attention"
    state = world.state("customers", "c1")
    assert state["state"] == "waiting"
    assert "did not accept the token, even a new one: connect again" in state["reason"]
    world.remote.never_accept_tokens = False
    world.engine.connect("acme", provider="tiny", auth="custom")
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"


def test_a_remote_that_gives_no_token_disconnects_with_what_to_do(world: World) -> None:
    world.remote.tokens.clear()
    world.remote.fails("status", "POST /token", status=400)
    world.save("customers", "c1")
    world.drain()
    assert "gave no token (status 400): connect again" in world.state("customers", "c1")["reason"]


def test_a_token_whose_answer_is_cut_off_is_asked_for_again(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.remote.tokens.clear()
    world.remote.fails("truncate", "POST /token")
    world.save("customers", "c1")
    world.drain()
    assert world.state("customers", "c1")["state"] == "synced"
    assert "secret-t" not in caplog.text


def test_a_forbidden_connection_needs_attention_and_its_records_wait(world: World) -> None:
    world.remote.fails("status", "PUT /customers", status=403)
    world.save("customers", "c1")
    world.drain()
    assert world.connection().status == "needs_attention"
    assert world.state("customers", "c1")["state"] == "waiting"


def test_a_failing_connection_does_not_hold_up_another(world: World) -> None:
    world.connect("other")
    world.remote.fails("status", "PUT /customers", status=403)
    world.save("customers", "c1", connection="acme")
    world.save("customers", "c2", connection="other")
    world.drain("acme")
    world.drain("other")
    assert [len(world.remote.of("customers", key)) for key in ("acme", "other")] == [0, 1]


def test_threads_that_need_a_token_renew_it_once(world: World) -> None:
    """Whoever comes second waits for the first one's token: two renewals would leave one of both dead."""
    grant = grant_of(world.database, "acme")
    connection = world.connection()
    event = threading.Event()
    world.remote.fails("hang", "POST /token", event=event)
    world.engine._grants.expire(grant, world.token())
    given = world.remote.tokens_given
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(world.engine._grants.token, world.provider, connection, grant) for _ in range(4)]
        assert world.remote.arrived.wait(10)
        event.set()
        tokens = {future.result(timeout=20).access for future in asked}
    assert len(tokens) == 1
    assert world.remote.tokens_given == given + 1


def test_a_renewal_that_took_longer_than_its_claim_keeps_the_token_of_whoever_took_over(world: World) -> None:
    grant, connection = grant_of(world.database, "acme"), world.connection()
    world.engine._grants.expire(grant, world.token())
    other: list[Token] = []

    def take_over(_request: Any) -> None:
        world.remote.before_answer = lambda _request: None
        world.time.pass_whole(46)
        other.append(world.engine._grants.token(world.provider, connection, grant))

    world.remote.before_answer = take_over
    slow = world.engine._grants.token(world.provider, connection, grant)
    assert slow == other[0] == world.token()


def test_nothing_is_sent_inside_a_transaction(world: World) -> None:
    client = Client(timedelta(seconds=PATIENCE_SECONDS), world.remote.transport())
    before = len(world.remote.calls)
    with world.database.read(), pytest.raises(SentInTransaction):
        client.send("https://acme.test", Request(method="GET", path="/organisation"), {})
    client.close()
    assert len(world.remote.calls) == before


def test_every_call_is_in_the_request_log_with_what_it_carried_and_no_secret(world: World) -> None:
    world.remote.tokens.clear()
    world.save("customers", "c1")
    world.drain()
    with world.database.read() as session:
        shown, total = requests(session, connection="acme")
        details = [request(session, one["id"]) for one in shown]
        kept = [row.token for row in session.execute(select(grants))]
        raw = [tuple(row) for row in session.execute(select(calls))]
    logged = [(one["method"], one["status"]) for one in reversed(shown)]
    assert logged[-3:] == [("PUT", 401), ("POST", 200), ("PUT", 200)]
    assert total == len(world.remote.calls) + 2, "connecting made two"
    created = details[0]
    assert created
    assert '"ours": "abcdef-c1"' in created["request_body"]
    assert '"id":"r1"' in created["response_body"]
    [carried] = created["records"]
    assert len(carried.pop("correlation_id")) == 32
    assert carried == {
        "kind": "customers", "ref": "c1", "number": "", "action": "create", "outcome": "done", "reason": ""
    }  # fmt: skip
    assert created["idempotency_key"] == world.remote.writes()[-1].key
    for secret in ("secret-token-1", "secret-token-2", "secret=of-the-client"):
        assert secret not in str(details) + str(raw) + str(kept)


def test_an_organisation_is_connected_once_and_a_key_is_bound_to_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world.provider, "base_url", lambda _connection: "https://acme.test")
    monkeypatch.setattr(
        world.provider,
        "token_request",
        lambda _connection, _token: ("https://acme.test", Request(method="POST", path="/token")),
    )
    with pytest.raises(
        AskPerson, match="Acme is connected already, under the key 'acme': an organisation has one connection"
    ):
        world.engine.connect("second", provider="tiny", auth="custom")
    with world.database.read() as session:
        assert find_connection(session, "second") is None
