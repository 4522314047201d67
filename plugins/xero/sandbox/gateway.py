"""What every call to Xero's own addresses goes through, in this order: correlation id, log, faults at the door,
authentication, scope, organisation, rate limits, waiting (latency, delays), idempotency, the resource, faults behind it.

The event loop only waits and sends; everything that touches state runs in one worker thread, in whole transactions. A
call goes on when its client has gone, as Xero's does.
"""

import asyncio
import gzip
import logging
from collections.abc import Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from plugins.xero.sandbox import calls, idempotency, router
from plugins.xero.sandbox.batch import elements_answer
from plugins.xero.sandbox.call import Call, exception_answer
from plugins.xero.sandbox.consent import Access
from plugins.xero.sandbox.errors import ApiException, ElementsRefused, NotFound, Problem, Refused, Unavailable
from plugins.xero.sandbox.faults import Applied, Fault
from plugins.xero.sandbox.messages import HTML, PLAIN, Answer, Incoming, internal_error, json_answer, not_found
from plugins.xero.sandbox.users import READ_ONLY, STANDARD
from plugins.xero.sandbox.world import World

LARGEST_BODY = 10 * 1024 * 1024
CUT = "sandbox.cut"  # in the ASGI scope, put there by serve.py: closes the client's connection
API = ("api.xro", "2.0")
log = logging.getLogger("counterfoil.sandbox")
T = TypeVar("T")


class Dropped(Exception):
    """The connection is cut instead of an answer."""


@dataclass(frozen=True)
class Admission:
    """Past the door: who calls, for which organisation, and what the limits' headers say."""

    access: Access
    org: int
    tenant: str
    role: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Visit:
    """One call on its way through."""

    incoming: Incoming
    call_id: int
    faults: Applied
    admission: Admission | None = None
    answer: Answer | None = None  # the door's own answer: nothing behind it is asked

    @property
    def keeps_bodies(self) -> bool:
        """Token calls carry secrets; their bodies are not logged."""
        return not is_identity(self.incoming)


def is_identity(incoming: Incoming) -> bool:
    return incoming.segments[:1] in (("connect",), ("identity",), (".well-known",))


class Gateway:
    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox")
        self.running: dict[tuple[str, str], asyncio.Event] = {}

    async def work(self, task: Callable[..., T], *arguments: Any) -> T:
        """Runs a task on the state, alone and as one transaction."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, self._in_transaction, task, arguments)

    def _in_transaction(self, task: Callable[..., T], arguments: tuple[Any, ...]) -> T:
        with self.world.store.transaction():
            return task(*arguments)

    # ------------------------------------------------------------------------------------------------- the edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        incoming = await read(scope, receive)
        if incoming is None:
            return
        visit = await self.work(self.enter, incoming)
        base = f"{scope['scheme']}://{incoming.headers.get('host', 'localhost')}"
        try:
            answer = await self.answer(visit, base)
        except Dropped:
            await self.work(self.give_place_back, visit)
            await cut(scope, receive)
            return
        except Exception:  # the state itself failed (a full disk): the client's place must not be lost with the call
            await self.work(self.give_place_back, visit)
            raise
        answer = await self.work(self.leave, visit, answer)
        await deliver(answer, scope, receive, send, truncated=visit.faults.truncated)

    async def answer(self, visit: Visit, base: str) -> Answer:
        if visit.faults.dropped_before:
            raise Dropped
        answer = visit.answer
        if answer is None:
            answer = await self.once(visit, base)
            await self.wait(visit, "after")
        if visit.faults.dropped_after:
            raise Dropped
        if visit.faults.afterwards is not None:
            return _faulty(visit.faults.afterwards)
        return answer

    async def wait(self, visit: Visit, when: str) -> None:
        seconds = visit.faults.delay(when)
        if when == "before" and visit.admission is not None:
            seconds += self.world.latency
        if seconds:
            await asyncio.sleep(seconds)

    async def once(self, visit: Visit, base: str) -> Answer:
        """One call at a time for one idempotency key, slow ones too; the others find its answer when it is done."""
        owner = _key_owner(visit)
        if owner is None:
            await self.wait(visit, "before")
            return await self.work(self.perform, visit, base)
        while owner in self.running:
            if self.world.switches["idempotency_in_flight"] == "conflict":
                return conflict(visit.incoming, self.world.switches["idempotency_conflict"])
            await self.running[owner].wait()
        done = self.running[owner] = asyncio.Event()
        try:
            await self.wait(visit, "before")
            return await self.work(self.perform, visit, base)
        finally:
            del self.running[owner]
            done.set()

    # -------------------------------------------------------------------------------------------- in the worker

    def enter(self, incoming: Incoming) -> Visit:
        """Logs the call and takes it to the door."""
        world = self.world
        time = world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        tenant = incoming.headers.get("xero-tenant-id") or None
        keep_body = not is_identity(incoming)
        call_id = calls.arrived(world.store, incoming, time, tenant, keep_body=keep_body)
        faults = world.faults.take(incoming.method, incoming.path)
        visit = Visit(incoming, call_id, faults)
        if faults.dropped_before:
            return visit
        if faults.at_the_door is not None:
            return replace(visit, answer=_faulty(faults.at_the_door))
        if incoming.too_large:
            return replace(visit, answer=Answer(413, b"Request Entity Too Large", PLAIN))
        if _below_api(incoming) is None:
            return visit
        try:
            return self._admit(visit)
        except Refused as refused:
            return replace(visit, answer=refusal(incoming, refused))

    def _admit(self, visit: Visit) -> Visit:
        world = self.world
        below = _below_api(visit.incoming) or ()
        access = world.identity.bearer(visit.incoming)
        resource = below[0].lower() if below else ""
        router.check_scope(access, resource, visit.incoming.method, world.switches, world.clock.now())
        org = world.connections.organisation(access, visit.incoming.headers.get("xero-tenant-id"))
        role = self._role(access, visit.incoming.method)
        tenant = world.store.organisation(org)["OrganisationID"]
        world.store.sql.execute(
            "UPDATE call SET tenant = ?, client_id = ? WHERE id = ?", (tenant, access.app.client_id, visit.call_id)
        )
        verdict = world.limiter.enter(
            access.app.client_id,
            tenant,
            world.clock.seconds(),
            app_problem=world.switches["app_minute_problem"],
            count_rejected=world.switches["rejected_calls_count"],
            wait_on_concurrent=world.switches["retry_after_on_concurrent"],
        )
        if not verdict.accepted:
            # Xero: 429 has no body and no content type (API facts 2.1).
            return replace(visit, answer=Answer(429, headers=verdict.headers))
        return replace(visit, admission=Admission(access, org, tenant, role, verdict.headers))

    def _role(self, access: Access, method: str) -> str:
        """What the user may do there at all; a custom connection is not held up by anybody's role."""
        user = self.world.users.known(access.user)
        role = STANDARD if user is None else user.role
        if method != "GET" and role == READ_ONLY:
            raise Problem(403, "Forbidden", self.world.switches["role_refusal_detail"])
        return role

    def perform(self, visit: Visit, base: str) -> Answer:
        """The work itself, remembered under its idempotency key if it has one."""
        owner = _key_owner(visit)
        if owner is None:
            return self._done(visit, base)
        if len(owner[1]) > idempotency.LONGEST_KEY:
            refused = ApiException.validation(self.world.switches["idempotency_key_too_long"])
            return exception_answer(visit.incoming, refused)
        now, wanted = self.world.clock.seconds(), idempotency.fingerprint(visit.incoming)
        try:
            known = idempotency.recall(self.world.store, *owner, wanted, now)
        except idempotency.Conflict:
            return conflict(visit.incoming, self.world.switches["idempotency_conflict"])
        if known is not None:
            return known
        answer = self._done(visit, base)
        if answer.status != 400 or self.world.switches["idempotency_caches_400"]:
            idempotency.remember(self.world.store, *owner, wanted, answer, now)
        return answer

    def _done(self, visit: Visit, base: str) -> Answer:
        if visit.faults.inside is not None:
            return _faulty(visit.faults.inside)
        try:
            with self.world.store.savepoint():
                answer = self._routed(visit, base)
        except Refused as refused:
            return refusal(visit.incoming, refused)
        except Exception:  # a mistake of the sandbox is Xero's 500, and shown where the sandbox runs
            log.exception("%s %s failed", visit.incoming.method, visit.incoming.path)
            return internal_error()
        afterwards = visit.faults.afterwards
        return _faulty(afterwards) if afterwards is not None and afterwards.status == 500 else answer

    def _routed(self, visit: Visit, base: str) -> Answer:
        if visit.admission is None:
            return self._outside_the_api(visit.incoming, base)
        world, admission = self.world, visit.admission
        below = _below_api(visit.incoming) or ()
        call = Call(
            incoming=visit.incoming,
            segments=below[1:],
            app=admission.access.app,
            org=admission.org,
            role=admission.role,
            store=world.store,
            clock=world.clock,
            switches=world.switches,
            breaks_after=visit.faults.elements,
        )
        return router.handle(below[0].lower() if below else "", call)

    def _outside_the_api(self, incoming: Incoming, base: str) -> Answer:
        world = self.world
        path = tuple(segment.lower() for segment in incoming.segments)
        now = world.clock.seconds()
        match incoming.method, path:
            case "GET", ("identity", "connect", "authorize") | ("identity", "consent"):
                return world.authorisation.answer(incoming, now)
            case "POST", ("identity", "consent"):
                return world.authorisation.answer(incoming, now)
            case "POST", ("connect", "token"):
                return world.identity.token(incoming)
            case "POST", ("connect", "revocation"):
                return world.identity.revoke(incoming)
            case "GET", (".well-known", "openid-configuration"):
                return world.identity.discovery(base)
            case "GET", (".well-known", "openid-configuration", "jwks"):
                return json_answer(200, world.signer.public_keys())
            case "GET", ("connections",):
                return world.connections.listed(world.identity.bearer(incoming), incoming.query.get("autheventid"))
            case "DELETE", ("connections", connection_id):
                return world.connections.delete(world.identity.bearer(incoming), connection_id)
        raise NotFound

    def give_place_back(self, visit: Visit) -> None:
        if visit.admission is not None:
            self.world.limiter.leave(visit.admission.access.app.client_id, visit.admission.tenant)

    def leave(self, visit: Visit, answer: Answer) -> Answer:
        """Completes the log, gives the place back and counts what goes out."""
        self.give_place_back(visit)
        headers = dict(answer.headers) | (visit.admission.headers if visit.admission else {})
        sent = self._compressed(visit, answer)
        if sent is not answer.body:
            headers["Content-Encoding"] = "gzip"
        body_out = len(sent) // 2 if visit.faults.truncated else len(sent)
        calls.answered(
            self.world.store, visit.call_id, answer.status, answer.body, sent=body_out, keep_body=visit.keeps_bodies
        )
        self._count_egress(visit, body_out)
        self._others_at_work(visit.incoming)
        return replace(answer, body=sent, headers=headers)

    def _compressed(self, visit: Visit, answer: Answer) -> bytes:
        accepted = visit.incoming.headers.get("accept-encoding", "")
        if not self.world.switches["gzip"] or "gzip" not in accepted or not answer.body:
            return answer.body
        return gzip.compress(answer.body, 1)

    def _others_at_work(self, incoming: Incoming) -> None:
        for happening in self.world.meanwhile.take(incoming.method, f"{incoming.path}?{incoming.query_string}"):
            try:
                with self.world.store.savepoint():
                    happening.act()
            except (ValueError, LookupError) as wrong:  # told to whoever looks; the call that it followed is answered
                happening.told.append(str(wrong.args[0] if wrong.args else wrong))

    def _count_egress(self, visit: Visit, sent: int) -> None:
        """Everything pulled from the API but the organisation itself (API facts 2.3)."""
        below = _below_api(visit.incoming)
        if visit.admission is None or not below or below[0].lower() in ("organisation", "organisations"):
            return
        if visit.incoming.is_write and not self.world.switches["egress_counts_writes"]:
            return
        self.world.store.sql.execute(
            "INSERT INTO egress (client_id, bytes) VALUES (?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET bytes = bytes + excluded.bytes",
            (visit.admission.access.app.client_id, sent),
        )


def _below_api(incoming: Incoming) -> tuple[str, ...] | None:
    """What follows /api.xro/2.0, or None for an address elsewhere."""
    segments = incoming.segments
    if tuple(segment.lower() for segment in segments[:2]) != API:
        return None
    return segments[2:]


def _key_owner(visit: Visit) -> tuple[str, str] | None:
    """Keys belong to the app, not to the organisation (API facts 3.6)."""
    key = visit.incoming.headers.get("idempotency-key")
    if not key or visit.admission is None or not visit.incoming.is_write:
        return None
    return visit.admission.access.app.client_id, key


# ----------------------------------------------------------------------------------------------- answers of refusals


def refusal(incoming: Incoming, refused: Refused) -> Answer:
    match refused:
        case ElementsRefused(elements):
            return elements_answer(incoming, elements)
        case ApiException():
            return exception_answer(incoming, refused)
        case Problem(status, title, detail, headers):
            problem = {"Type": None, "Title": title, "Status": status, "Detail": detail}
            return json_answer(status, problem | {"Instance": str(uuid4()), "Extensions": {}}, headers)
        case Unavailable(status, text, headers):
            return Answer(status, text.encode(), PLAIN, headers)
        case _:
            return not_found()


def conflict(incoming: Incoming, shape: str) -> Answer:
    message = f"Idempotency Key: {incoming.headers['idempotency-key']} is used with a different request."
    if shape == "plain":
        return json_answer(400, {"Message": message})
    return exception_answer(incoming, ApiException.validation(message))


MAINTENANCE = b"The Xero API is currently offline for maintenance"


def _faulty(fault: Fault) -> Answer:
    """The answer of a status fault, shaped as Xero shapes that status (API facts 3.4)."""
    body = fault.body.encode() if fault.body is not None else None
    wait = str(int(fault.seconds)) if fault.seconds is not None else None
    if fault.status == 429:
        return Answer(429, headers={"X-Rate-Limit-Problem": "minute", "Retry-After": wait or "1"})
    retry = {"Retry-After": wait} if wait else {}
    if fault.status == 503:
        return Answer(503, MAINTENANCE if body is None else body, PLAIN, retry)
    if fault.status in (401, 403):
        title = "Unauthorized" if fault.status == 401 else "Forbidden"
        return refusal(_NO_CALL, Problem(fault.status, title, fault.body or "AuthenticationUnsuccessful"))
    if fault.status == 404:
        return not_found()
    return Answer(fault.status, internal_error().body if body is None else body, HTML, retry)


_NO_CALL = Incoming("GET", "/", "", {}, b"")


# ---------------------------------------------------------------------------------------------------- ASGI's details


async def read(scope: Scope, receive: Receive) -> Incoming | None:
    """The request, or None when the client went before all of it was here."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    path, query = raw_path.decode("latin-1").split("?")[0], scope["query_string"].decode("latin-1")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        more = message.get("more_body", False)
        size += len(message.get("body", b""))
        if size <= LARGEST_BODY:
            chunks.append(message.get("body", b""))
    return Incoming(scope["method"], path, query, headers, b"".join(chunks), too_large=size > LARGEST_BODY)


async def deliver(answer: Answer, scope: Scope, receive: Receive, send: Send, *, truncated: bool) -> None:
    headers = {"Xero-Correlation-Id": str(uuid4()), "Content-Length": str(len(answer.body))} | answer.headers
    if answer.content_type is not None:
        headers["Content-Type"] = answer.content_type
    if answer.status in (204, 304):
        del headers["Content-Length"]
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    start: MutableMapping[str, Any] = {"type": "http.response.start", "status": answer.status, "headers": raw}
    await send(start)
    if truncated and answer.body:
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        await cut(scope, receive, flush=True)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def cut(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    """Closes the connection and waits until it is closed; without a socket (in-process clients) it raises."""
    close = scope.get(CUT)
    if close is None:
        raise ConnectionResetError("the sandbox cut the connection")
    close(flush)
    while (await receive())["type"] != "http.disconnect":
        pass
