"""/_sandbox: what a person who rehearses, or a test, does to the sandbox itself."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from plugins.xero.sandbox import calls
from plugins.xero.sandbox.control_body import Body, Unknown, count, only, seconds, text
from plugins.xero.sandbox.control_company import CompanyControl
from plugins.xero.sandbox.control_login import LoginControl
from plugins.xero.sandbox.gateway import Gateway
from plugins.xero.sandbox.meanwhile import Happening
from plugins.xero.sandbox.switches import SWITCHES
from plugins.xero.sandbox.wire import dumps
from plugins.xero.sandbox.world import World

Deed = Callable[[Body, Request], Any]


def control_routes(gateway: Gateway) -> list[BaseRoute]:
    company, login = CompanyControl(gateway.world), LoginControl(gateway.world)
    deeds: dict[str, Deed] = {
        "contacts/merge": company.merge,
        "contacts/archive": company.archive,
        "contacts/gdpr": company.gdpr,
        "touch": company.touch,
        "fill": company.fill,
        "organisations/reset": company.begin_anew,
        "consent": login.consent,
        "connect": login.connect,
        "disconnect": login.disconnect,
        "revoke": login.revoke,
        "expire": login.expire,
    }
    control = Control(gateway.world, deeds)

    def route(path: str, methods: dict[str, Deed]) -> Route:
        return Route(path, _endpoint(gateway, methods), methods=sorted(methods))

    return [
        *(route(f"/{name}", {"POST": deed}) for name, deed in deeds.items()),
        route("/calls", {"GET": control.calls}),
        route("/calls/{id:int}", {"GET": control.call}),
        route("/reset", {"POST": control.reset}),
        route("/organisations", {"GET": company.organisations, "POST": company.add}),
        route("/organisations/{id}", {"GET": company.organisation, "PUT": company.change}),
        route("/apps", {"GET": login.apps, "POST": login.add_app}),
        route("/apps/{id}", {"PUT": login.change_app, "DELETE": login.remove_app}),
        route("/users", {"GET": login.users, "POST": login.add_user}),
        route("/users/{id}", {"PUT": login.change_user}),
        route("/grants", {"GET": login.grants}),
        route("/tokens", {"POST": login.tokens}),
        route("/secrets", {"GET": login.secrets}),
        route("/limits", {"GET": control.limits, "PUT": control.set_limits}),
        route("/latency", {"GET": control.latency, "PUT": control.set_latency}),
        route("/clock", {"GET": control.clock, "POST": control.advance}),
        route("/faults", {"GET": control.faults, "POST": control.add_fault, "DELETE": control.clear_faults}),
        route("/meanwhile", {"GET": control.meanwhile, "POST": control.plan, "DELETE": control.forget_plans}),
        route("/switches", {"GET": control.switches, "PUT": control.set_switches}),
        route("/egress", {"GET": control.egress}),
    ]


def _endpoint(gateway: Gateway, methods: dict[str, Deed]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise ValueError("the body must be a JSON object")
            answer = await gateway.work(methods[request.method], body, request)
        except (ValueError, TypeError) as wrong:
            return _json(400, {"error": str(wrong)})
        except LookupError as unknown:
            return _json(404, {"error": str(unknown.args[0]) if unknown.args else "unknown"})
        return _json(200, answer)

    return endpoint


def _json(status: int, document: object) -> Response:
    return Response(dumps(document), status, media_type="application/json")


class Control:
    """Each method takes the body and the request, runs in the worker, and gives what is shown."""

    def __init__(self, world: World, deeds: dict[str, Deed]) -> None:
        self.world = world
        self.deeds = deeds

    # --------------------------------------------------------------------------------------------------- looking

    def calls(self, _body: Body, request: Request) -> list[Body]:
        return calls.listed(self.world.store, int(request.query_params.get("after", "0")))

    def call(self, _body: Body, request: Request) -> Body:
        shown = calls.one(self.world.store, request.path_params["id"])
        if shown is None:
            raise Unknown(f"no call {request.path_params['id']}")
        return shown

    def egress(self, _body: Body, _request: Request) -> Body:
        rows = self.world.store.sql.execute("SELECT client_id, bytes FROM egress ORDER BY client_id")
        return {row["client_id"]: row["bytes"] for row in rows}

    # -------------------------------------------------------------------------------------------------- settings

    def reset(self, _body: Body, _request: Request) -> Body:
        self.world.reset()
        return {"reset": True}

    def limits(self, _body: Body, _request: Request) -> Body:
        return asdict(self.world.limiter.limits)

    def set_limits(self, body: Body, request: Request) -> Body:
        self.world.limiter.reset(self.world.limiter.limits.changed(body))
        return self.limits(body, request)

    def latency(self, _body: Body, _request: Request) -> Body:
        return {"seconds": self.world.latency}

    def set_latency(self, body: Body, request: Request) -> Body:
        self.world.latency = seconds(body, "seconds")
        return self.latency(body, request)

    def clock(self, _body: Body, _request: Request) -> Body:
        clock = self.world.clock
        return {"now": clock.now().isoformat(), "advanced_seconds": clock.advanced.total_seconds()}

    def advance(self, body: Body, request: Request) -> Body:
        self.world.clock.advance(seconds(body, "advance_seconds"))
        return self.clock(body, request)

    def faults(self, _body: Body, _request: Request) -> list[Body]:
        return [fault.shown() for fault in self.world.faults.waiting]

    def add_fault(self, body: Body, _request: Request) -> Body:
        return self.world.faults.add(body).shown()

    def clear_faults(self, _body: Body, _request: Request) -> Body:
        self.world.faults.clear()
        return {"faults": []}

    # ---------------------------------------------------------------------------------------- while others work

    def meanwhile(self, _body: Body, _request: Request) -> list[Body]:
        return [happening.shown() for happening in self.world.meanwhile.happenings]

    def plan(self, body: Body, request: Request) -> Body:
        only(body, {"method", "address", "do", "with", "times"})
        deed, sent = text(body, "do"), body.get("with", {})
        if deed not in self.deeds:
            raise ValueError(f"do must be one of {', '.join(self.deeds)}")
        if not isinstance(sent, dict):
            raise ValueError("with must be a JSON object: the body that this deed is sent")
        method, address = (_pattern(body, name) for name in ("method", "address"))
        times = count(body, "times", 1_000_000) if "times" in body else 1
        happening = Happening(method, address, deed, sent, partial(self.deeds[deed], sent, request), times)
        self.world.meanwhile.happenings.append(happening)
        return happening.shown()

    def forget_plans(self, _body: Body, _request: Request) -> Body:
        self.world.meanwhile.clear()
        return {"meanwhile": []}

    # -------------------------------------------------------------------------------------------------- switches

    def switches(self, _body: Body, _request: Request) -> Body:
        return {
            name: {
                "value": self.world.switches[name],
                "default": switch.default,
                "paragraph": switch.paragraph,
                "says": switch.says,
                "choices": list(switch.choices),
            }
            for name, switch in SWITCHES.items()
        }

    def set_switches(self, body: Body, _request: Request) -> Body:
        self.world.switches.set(body)
        return dict(self.world.switches.values)


def _pattern(body: Body, name: str) -> re.Pattern[str]:
    try:
        return re.compile(body.get(name) or "", re.IGNORECASE)
    except (re.error, TypeError) as wrong:
        raise ValueError(f"{name} must be a regular expression: {wrong}") from None
