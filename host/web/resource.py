"""One address: lets the caller in, reads the body, runs the handler in a worker thread, and turns what it raises into a problem document."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from host import clock
from host.correlation import asked_by
from host.correlation import correlation_id as current_correlation_id
from host.db.trouble import is_unusable
from host.errors import AskPerson, CounterfoilError, Retry, Wait
from host.roles import Role
from host.waking import answering_first
from host.web.access import ANYBODY, Caller, authenticate
from host.web.exchange import Answer, Asked, json_bytes
from host.web.problems import MEDIA_TYPE, Refusal, conflict, nothing_at
from host.words import database_says

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from host.web.served import Served

    Handler = Callable[[Asked], Answer]

T = TypeVar("T")

AT_ONCE: Final = 8
"""Requests worked on at a time: fewer than the database has connections, so that a drain never waits for one."""
LARGEST_BODY: Final = 4 * 1024 * 1024
CALLER: Final = "counterfoil.caller"
"""Where the access log finds how the caller's token begins."""
_RETRY_SECONDS: Final = "5"
NOTHING_ELSE: Final[Mapping[str, Handler]] = {}

_log = logging.getLogger(__name__)


class Desk:
    """What all resources of one application share."""

    def __init__(self, host: Served) -> None:
        self.host = host
        self.resources: list[Resource] = []
        self._threads = CapacityLimiter(AT_ONCE)

    async def in_thread(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(work, limiter=self._threads)

    def resource(
        self,
        path: str,
        handlers: Mapping[str, Handler],
        *,
        role: Role = Role.USER,
        largest_body: int = LARGEST_BODY,
        open_as: str = "",
        anybody: bool = False,
        at_once: bool = False,
        also: Mapping[str, Handler] = NOTHING_ELSE,
    ) -> Route:
        """A route for an address, with a handler for each method. Where ``[host] without_token`` names ``open_as``, nobody needs a token for it.

        ``also`` are methods that are described with another address, of which this one is a case. ``at_once``: its handlers wait for nothing, and are not
        kept waiting themselves where every worker thread is busy.
        """
        is_open = anybody or open_as in self.host.config.host.without_token
        resource = Resource(
            self, path, role, handlers, largest_body=largest_body, is_open=is_open, at_once=at_once, also=also
        )
        self.resources.append(resource)
        return Route(path, resource)


class Resource:
    """An ASGI application, so that it sees every method and can say which there are."""

    def __init__(
        self,
        desk: Desk,
        path: str,
        role: Role,
        handlers: Mapping[str, Handler],
        *,
        largest_body: int,
        is_open: bool,
        at_once: bool,
        also: Mapping[str, Handler],
    ) -> None:
        self._desk = desk
        self.path = path
        self.role = role
        self.is_open = is_open
        self.described = dict(handlers)
        """Its methods, for the description of the API."""
        self._at_once = at_once
        self._largest_body = largest_body
        self._handlers = {**handlers, **also}
        if "GET" in self._handlers:
            self._handlers["HEAD"] = self._handlers["GET"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with answering_first():
            await self._respond(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, correlation_id = Request(scope, receive), current_correlation_id()
        try:
            answer = await self._answer(request, correlation_id)
        except Refusal as refusal:
            answer = refused(refusal)
        except ClientDisconnect:
            return
        response = response_of(answer)
        response.headers["Cache-Control"] = "no-store"
        await response(scope, receive, send)

    async def _answer(self, request: Request, correlation_id: str) -> Answer:
        caller = await self._done(lambda: self._let_in(request, correlation_id))
        request.scope[CALLER] = caller.shown
        asked_by(caller.shown)
        if any("\x00" in part for part in request.path_params.values()):
            raise nothing_at(request.url.path)  # no name holds it, and PostgreSQL does not even look for it
        handler = self._handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(sorted(self._handlers))
            raise Refusal(
                405, f"{request.method} is not possible here: there are {allowed}", headers={"Allow": allowed}
            )
        asked = Asked(
            host=self._desk.host,
            caller=caller,
            correlation_id=correlation_id,
            path=request.path_params,
            query=request.query_params.multi_items(),
            content_type=request.headers.get("content-type", ""),
            if_match=_header(request, "if-match"),
            if_none_match=_header(request, "if-none-match"),
            body=await self._body(request),
        )
        return await self._done(lambda: guarded(lambda: handler(asked), correlation_id))

    async def _done(self, work: Callable[[], T]) -> T:
        return work() if self._at_once else await self._desk.in_thread(work)

    def _let_in(self, request: Request, correlation_id: str) -> Caller:
        if self.is_open:
            return ANYBODY
        shown = request.headers.get("authorization")
        caller = guarded(lambda: authenticate(self._desk.host.database, shown), correlation_id)
        caller.require(self.role)
        return caller

    async def _body(self, request: Request) -> bytes:
        # Not Starlette's max_body_size: its 413 is a plain text, and cannot be given another face.
        announced = request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > self._largest_body:
            raise self._too_large()
        parts, size = [], 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > self._largest_body:
                raise self._too_large()
        return b"".join(parts)

    def _too_large(self) -> Refusal:
        largest = self._largest_body // 1024 // 1024
        # Closed, because what the client still sends is not read any more.
        return Refusal(413, f"the body is too large: accepted are up to {largest} MB", headers={"Connection": "close"})


def _header(request: Request, name: str) -> str | None:
    """A header that may come in several lines, which mean the same as one."""
    found = request.headers.getlist(name)
    return ", ".join(found) if found else None


def guarded(work: Callable[[], T], correlation_id: str) -> T:
    """Whatever ``work`` raises, as a ``Refusal``."""
    try:
        return work()
    except Refusal:
        raise
    except AskPerson as error:
        raise conflict(str(error)) from error
    except Wait as error:
        raise _later(str(error), str(max(1, round((error.until - clock.now()).total_seconds())))) from error
    except Retry as error:
        raise _later(str(error), _RETRY_SECONDS) from error
    except CounterfoilError as error:
        _log.error("%s", error)
        raise Refusal(500, str(error)) from error
    except Exception as error:  # told in the log, and to the caller as ours
        if is_unusable(error):
            _log.error("the database cannot be used: %s", database_says(error))
            raise _later("the database cannot be used just now: send the same again", _RETRY_SECONDS) from error
        _log.exception("unexpected")
        detail = f"an error of ours, not of the request; the log tells more under {correlation_id}"
        raise Refusal(500, detail) from error


def _later(detail: str, seconds: str) -> Refusal:
    return Refusal(503, detail, headers={"Retry-After": seconds})


def refused(refusal: Refusal) -> Answer:
    return Answer(json_bytes(refusal.document()), refusal.status, refusal.headers, MEDIA_TYPE)


def problem_response(refusal: Refusal) -> Response:
    """For what Starlette refuses itself, before a resource is found."""
    return response_of(refused(refusal))


def response_of(answer: Answer) -> Response:
    media_type = None if answer.body is None else answer.media_type
    return Response(answer.rendered(), answer.status, dict(answer.headers), media_type)
