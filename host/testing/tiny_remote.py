"""A remote in memory behind httpx: it keeps elements, keeps marks unique, and breaks where it is told to."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from host import clock

if TYPE_CHECKING:
    from datetime import datetime

JSON = dict[str, Any]
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it arrived. ``status`` is ``None`` where no answer went out."""

    at: datetime
    method: str
    path: str
    query: str
    key: str
    body: bytes
    status: int | None

    @property
    def writes(self) -> bool:
        return self.method in {"PUT", "POST"} and self.path != "/token"

    @property
    def elements(self) -> list[JSON]:
        found: list[JSON] = json.loads(self.body)["elements"] if self.writes else []
        return found


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next ``times`` calls that begin with ``match`` (``"PUT /invoices"``).

    ========== ============================================================================
    lose       it is done; the answer never comes (after the caller's patience)
    late       no answer either; it is done ``seconds`` after it was sent
    cut        the connection breaks before it is done
    refuse     nobody listens
    status     ``status`` with ``headers``; done before that where ``done`` says so
    truncate   it is done; half of the answer comes
    partial    it is done for the first half of the elements; the answer is a 500
    hang       it waits for ``event`` before it is done
    slow       it takes ``seconds``
    ========== ============================================================================
    """

    kind: str
    match: str
    times: int = 1
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    done: bool = False
    event: threading.Event | None = None


class TinyRemote:
    """One organisation for each host name. ``later`` is handed what is to happen at a moment to come; ``took`` says how long the last call took."""

    def __init__(self) -> None:
        self.elements: dict[str, dict[str, JSON]] = {}
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.tokens: dict[str, set[str]] = {}
        self.tokens_given = 0
        self.latency = 0.2
        self.took = 0.0
        self.minute, self.calls_of_others = 0, 0
        self.never_accept_tokens = False
        self.hidden: set[str] = set()
        self.odd_mark = ""
        self.before_answer: Callable[[httpx.Request], None] = lambda _request: None
        self.later: Callable[[float, Callable[[], None]], None] = lambda _seconds, _call: None
        self.arrived = threading.Event()
        self._keys: dict[str, httpx.Response] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # What tests ask ------------------------------------------------------------------------------------------------

    def of(self, kind: str, organisation: str = "acme") -> list[JSON]:
        """What it keeps, in the order of making, deleted ones left out."""
        kept = self.elements.get(f"{organisation}/{kind}", {})
        return [element for element in kept.values() if element["status"] != "deleted"]

    def writes(self, kind: str = "") -> list[Call]:
        return [call for call in self.calls if call.writes and call.path.startswith(f"/{kind}")]

    def reads(self, kind: str = "") -> list[Call]:
        return [call for call in self.calls if call.method == "GET" and call.path.startswith(f"/{kind}")]

    def fails(self, kind: str, match: str, **values: Any) -> Fault:
        self.faults.append(Fault(kind=kind, match=match, **values))
        return self.faults[-1]

    # HTTP ----------------------------------------------------------------------------------------------------------

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        fault = self._fault_of(request)
        if fault and fault.kind == "hang":
            assert fault.event
            self.arrived.set()
            assert fault.event.wait(20), "nobody let the call go on"
        with self._lock:
            self.took = self.latency
            try:
                response = self._with_fault(request, fault)
            except httpx.TransportError:
                self._record(request, None)
                raise
            self._record(request, response.status_code)
            response.headers["Tiny-Correlation-Id"] = f"remote-{next(self._numbers)}"
            self.before_answer(request)
            return response

    def _fault_of(self, request: httpx.Request) -> Fault | None:
        line = f"{request.method} {request.url.path}"
        with self._lock:
            fault = next((one for one in self.faults if one.times and line.startswith(one.match)), None)
            if fault:
                fault.times -= 1
        return fault

    def _record(self, request: httpx.Request, status: int | None) -> None:
        self.calls.append(
            Call(
                at=clock.now(),
                method=request.method,
                path=request.url.path,
                query=request.url.query.decode(),
                key=request.headers.get("Idempotency-Key", ""),
                body=request.content,
                status=status,
            )
        )

    def _with_fault(self, request: httpx.Request, fault: Fault | None) -> httpx.Response:
        if fault is None or fault.kind == "hang":
            return self._answer(request)
        if fault.kind == "slow":
            self.took = fault.seconds
            return self._answer(request)
        return getattr(self, f"_{fault.kind}")(request, fault)  # type: ignore[no-any-return]

    def _lose(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        self._answer(request)
        return self._no_answer(request)

    def _late(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        self.later(fault.seconds, lambda: (self._answer(request), None)[1])
        return self._no_answer(request)

    def _no_answer(self, request: httpx.Request) -> httpx.Response:
        self.took = PATIENCE_SECONDS
        raise httpx.ReadTimeout("no answer", request=request)

    def _cut(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        raise httpx.ReadError("cut off", request=request)

    def _refuse(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    def _status(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        if fault.done:
            self._answer(request)
        return httpx.Response(fault.status, headers=fault.headers, json={"error": f"status {fault.status}"})

    def _truncate(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        whole = self._answer(request)
        return httpx.Response(whole.status_code, content=whole.content[: len(whole.content) // 2])

    def _partial(self, request: httpx.Request, fault: Fault) -> httpx.Response:
        elements = json.loads(request.content)["elements"]
        self._write(request, elements[: len(elements) // 2])
        return httpx.Response(500, json={"error": "status 500"})

    # Its own work --------------------------------------------------------------------------------------------------

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return self._give_token(request)
        if not self._accepts(request):
            return httpx.Response(401, json={"error": "token expired"})
        headers = {"x-minute-left": str(self._left())} if self.minute else {}
        if self.odd_mark and self.odd_mark in request.url.query.decode():
            return httpx.Response(400, json={"error": "a value is odd, and I say not which"})
        if request.method == "GET":
            return httpx.Response(200, headers=headers, json=self._read(request))
        elements = json.loads(request.content)["elements"]
        if any(element.get("text") == "poison" for element in elements):
            return httpx.Response(400, json={"error": "one of them is bad, and I say not which"})
        if any(element.get("text") == "breaks" for element in elements):
            return httpx.Response(500, json={"error": "something broke"})
        return httpx.Response(200, headers=headers, json={"elements": self._write(request, elements)})

    def _left(self) -> int:
        recent = [call for call in self.calls if clock.now() - call.at < timedelta(seconds=60)]
        return max(0, self.minute - self.calls_of_others - len(recent) - 1)

    def _give_token(self, request: httpx.Request) -> httpx.Response:
        self.tokens_given += 1
        token = f"secret-token-{self.tokens_given}"
        self.tokens[_organisation(request)] = {token}
        return httpx.Response(200, json={"access": token})

    def _accepts(self, request: httpx.Request) -> bool:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return not self.never_accept_tokens and token in self.tokens.get(_organisation(request), set())

    def _read(self, request: httpx.Request) -> JSON:
        organisation, path = _organisation(request), request.url.path
        if path == "/organisation":
            return {"id": f"id-of-{organisation}", "name": organisation.title()}
        if path == "/accounts":
            return {"elements": [{"id": "200"}, {"id": "400"}]}
        kept = self.elements.get(organisation + path, {})
        if not request.url.query:
            return {"elements": list(kept.values())}
        lane, _, values = request.url.query.decode().partition("=")
        field = {"ids": "id", "marks": "mark", "documents": "document"}[lane]
        wanted = httpx.QueryParams(request.url.query)[lane].split(",")
        assert values
        shown = [element for element in kept.values() if element["id"] not in self.hidden]
        return {"elements": [element for element in shown if element.get(field) in wanted]}

    def _write(self, request: httpx.Request, elements: Sequence[JSON]) -> list[JSON]:
        kept = self.elements.setdefault(_organisation(request) + request.url.path, {})
        write = self._create if request.method == "PUT" else self._update
        return [write(kept, element) for element in elements]

    def _create(self, kept: dict[str, JSON], element: JSON) -> JSON:
        if element.get("text") == "reject":
            return {"error": "this text is not allowed"}
        mark = element["mark"]
        if mark and any(one["mark"] == mark and one["status"] != "deleted" for one in kept.values()):
            return {"error": f"{mark} is taken", "taken": True}
        made = {**element, "id": f"r{len(kept) + 1}", "status": "draft"}
        kept[made["id"]] = made
        return made

    def _update(self, kept: dict[str, JSON], element: JSON) -> JSON:
        there = kept[element["id"]]
        if element.get("text") == "reject" or (element.get("status") == "deleted" and there.get("text") == "paid"):
            return {"error": "it has a payment" if there.get("text") == "paid" else "this text is not allowed"}
        there.update(element)
        return there


def _organisation(request: httpx.Request) -> str:
    return request.url.host.removesuffix(".test")
