"""The web application: every address, and what stands around them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from host.logs import fields
from host.roles import Role
from host.web import connections, health, importing, outbox, records, settings, syncing
from host.web.correlating import Correlation
from host.web.metrics import Metrics, method_label
from host.web.problems import Refusal, nothing_at
from host.web.reference import Reference
from host.web.resource import CALLER, Desk, problem_response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send

    from host.measures import Measures
    from host.web.served import Served

API: Final = "/api/v1"
_access: Final = logging.getLogger("host.web.access_log")


def build(host: Served, *, lifespan: Lifespan[Starlette] | None = None) -> Starlette:
    """The application of one host."""
    api, operation = Desk(host), Desk(host)
    app = Starlette(
        routes=[*_operation(operation), *_api(api, Reference(host, (api, operation)))],
        middleware=[Middleware(Correlation), Middleware(AccessLog, measures=host.measures)],
        exception_handlers={HTTPException: _refused_by_starlette},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # an address with a slash too many is wrong, not somewhere else
    return app


def _api(desk: Desk, reference: Reference) -> Sequence[Route]:
    """The fixed addresses stand before the kinds: a kind of such a name would never be reached."""
    record = {
        "GET": records.get_record,
        "PUT": records.put_record,
        "PATCH": records.patch_record,
        "DELETE": records.delete_record,
    }
    at = desk.resource
    return [
        at(f"{API}/openapi.json", {"GET": reference.get_document}, open_as="openapi"),
        at(f"{API}/reference", {"GET": reference.get_page}, anybody=True),
        at(f"{API}/reference/content", {"GET": reference.get_content}, open_as="openapi"),
        at(f"{API}/sync", {"POST": syncing.request_sync}),
        at(f"{API}/batches/{{id}}", {"GET": syncing.show_batch}),
        at(f"{API}/batches/{{id}}/records", {"GET": importing.list_imported}),
        at(f"{API}/errors", {"GET": syncing.list_errors}),
        *_connections(desk),
        at(f"{API}/connections/{{key}}/import", {"POST": importing.import_from}, role=Role.ADMIN),
        at(f"{API}/connections/{{key}}/readiness", {"GET": connections.get_connection_readiness}, role=Role.ADMIN),
        at(f"{API}/connections/{{key}}/remote/{{kind}}", {"GET": importing.search_remote}, role=Role.ADMIN),
        at(
            f"{API}/connections/{{key}}/links/{{kind}}/{{ref}}",
            {"PUT": importing.put_link, "DELETE": importing.delete_link},
            role=Role.ADMIN,
        ),
        at(f"{API}/requests", {"GET": syncing.list_requests}, role=Role.ADMIN),
        at(f"{API}/requests/{{id}}", {"GET": syncing.get_request}, role=Role.ADMIN),
        at(f"{API}/outbox", {"GET": outbox.list_outbox}, role=Role.ADMIN),
        at(f"{API}/outbox/retry", {"POST": outbox.retry}, role=Role.ADMIN),
        at(f"{API}/outbox/park", {"POST": outbox.park}, role=Role.ADMIN),
        at(f"{API}/outbox/unpark", {"POST": outbox.unpark}, role=Role.ADMIN),
        at(f"{API}/settings", {"GET": settings.get_settings}, role=Role.ADMIN),
        at(f"{API}/plugins", {"GET": settings.list_plugins}, role=Role.ADMIN),
        at(f"{API}/{{kind}}", {"GET": records.list_records}),
        at(f"{API}/{{kind}}/bulk", {"POST": records.put_many}, largest_body=records.LARGEST_BULK, also=record),
        at(f"{API}/{{kind}}/{{ref}}/generate-code", {"POST": records.generate_code}),
        at(f"{API}/{{kind}}/{{ref}}", record),
    ]


def _connections(desk: Desk) -> Sequence[Route]:
    one = f"{API}/connections/{{key}}"
    addresses = {
        f"{API}/connections": {"GET": connections.list_connections, "POST": connections.create_connection},
        one: {
            "GET": connections.get_connection,
            "PATCH": connections.rename_connection,
            "DELETE": connections.delete_connection,
        },
        f"{one}/authorise": {"POST": connections.authorise},
        f"{one}/organisation": {"POST": connections.choose_organisation},
        f"{one}/save": {"POST": connections.save_connection},
        f"{one}/disconnect": {"POST": connections.disconnect},
    }
    return [desk.resource(path, handlers, role=Role.ADMIN) for path, handlers in addresses.items()]


def _operation(desk: Desk) -> Sequence[Route]:
    """At a desk of their own: whoever looks after the server does not wait behind those whom it serves."""
    return [
        desk.resource("/healthz", {"GET": health.get_health}, anybody=True, at_once=True),
        desk.resource("/readyz", {"GET": health.get_readiness}, anybody=True),
        desk.resource(connections.CALLBACK, {"GET": connections.answer_consent}, anybody=True),
        desk.resource("/metrics", {"GET": Metrics(desk.host).get_metrics}, open_as="metrics"),
    ]


async def _refused_by_starlette(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem_response(nothing_at(request.url.path))
    return problem_response(Refusal(error.status_code, error.detail, headers=dict(error.headers or {})))


class AccessLog:
    """One line for each request, without its query: people search for names."""

    def __init__(self, app: ASGIApp, measures: Measures) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            caller = scope.get(CALLER, "-")
            seconds = time.monotonic() - started
            self._measures.took("request", seconds, method=method_label(scope["method"]), status=str(status))
            took = seconds * 1000
            said = caller, scope["method"], scope["path"], status
            _access.info("%s %s %s %d %.0f ms", *said, took, extra=_told(*said, took))


def _told(caller: str, method: str, path: str, status: int, took: float) -> Mapping[str, Any]:
    return fields(caller=caller, method=method, path=path, status=status, took_ms=round(took, 1))
