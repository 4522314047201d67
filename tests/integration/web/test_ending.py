"""Told to end, a server answers what it was asked, finishes the calls that are out, and starts nothing more."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from host.cli.serve import listening, run, url_of
from tests.integration.web.test_syncing import drain

if TYPE_CHECKING:
    from starlette.requests import Request

    from host.testing.tiny_remote import TinyRemote
    from tests.integration.web.conftest import Office

SECONDS = 20


def test_work_is_told_to_end_while_requests_are_still_answered() -> None:
    asked, told, answers = threading.Event(), threading.Event(), list[str]()

    def slow(_request: Request) -> Response:
        asked.set()
        return PlainTextResponse("told" if told.wait(SECONDS) else "not told until I was answered")

    with listening("127.0.0.1", 0) as listener:
        url = url_of(listener)
        client = threading.Thread(target=lambda: answers.append(httpx.get(f"{url}/slow", timeout=2 * SECONDS).text))
        client.start()
        threading.Thread(target=end_when, args=(asked,)).start()
        run(Starlette(routes=[Route("/slow", slow)]), listener, when_told=told.set)
        client.join()
    assert answers == ["told"]


def end_when(asked: threading.Event) -> None:
    asked.wait(SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


def test_a_drain_finishes_the_call_that_is_out_and_starts_no_other(linked_office: Office, remote: TinyRemote) -> None:
    office, going_on = linked_office, threading.Event()
    remote.fails("hang", "PUT /customers", event=going_on)
    office.put("/customers/ada", {"name": "Ada"})
    draining = threading.Thread(target=lambda: drain(office))
    draining.start()
    assert remote.arrived.wait(SECONDS)

    office.host.begin_to_stop()
    office.put("/customers/bea", {"name": "Bea"})  # one that is still answered may save: it goes at the next start
    going_on.set()
    draining.join(SECONDS)

    assert not draining.is_alive()
    assert office.get("/customers/ada")["sync"][0]["state"] == "synced"
    assert office.get("/customers/bea")["sync"][0]["state"] == "waiting"
    assert len(remote.writes("customers")) == 1
