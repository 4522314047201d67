"""/_sandbox: what a person who rehearses, or a test, does to the sandbox itself."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from plugins.xero.sandbox import calls, user
from plugins.xero.sandbox.gateway import Gateway
from plugins.xero.sandbox.identity import ACCESS_SECONDS, SCOPES, SECRET, Consent
from plugins.xero.sandbox.switches import SWITCHES
from plugins.xero.sandbox.wire import dumps
from plugins.xero.sandbox.world import SECOND_APP, USER, OrganisationOption, World

Body = dict[str, Any]
DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope.startswith("accounting.") and not scope.endswith(".read"))


class Unknown(LookupError):
    """What the address names does not exist."""


def control_routes(gateway: Gateway) -> list[BaseRoute]:
    control = Control(gateway.world)

    def route(path: str, methods: dict[str, Callable[[Body, Request], Any]]) -> Route:
        return Route(path, _endpoint(gateway, methods), methods=sorted(methods))

    return [
        route("/calls", {"GET": control.calls}),
        route("/calls/{id:int}", {"GET": control.call}),
        route("/reset", {"POST": control.reset}),
        route("/organisations", {"GET": control.organisations, "POST": control.add_organisation}),
        route("/organisations/{id}", {"GET": control.organisation, "PUT": control.change_organisation}),
        route("/tokens", {"POST": control.tokens}),
        route("/secrets", {"GET": control.secrets}),
        route("/limits", {"GET": control.limits, "PUT": control.set_limits}),
        route("/latency", {"GET": control.latency, "PUT": control.set_latency}),
        route("/clock", {"GET": control.clock, "POST": control.advance}),
        route("/faults", {"GET": control.faults, "POST": control.add_fault, "DELETE": control.clear_faults}),
        route("/switches", {"GET": control.switches, "PUT": control.set_switches}),
        route("/egress", {"GET": control.egress}),
        route("/contacts/merge", {"POST": control.merge}),
        route("/contacts/archive", {"POST": control.archive}),
        route("/contacts/gdpr", {"POST": control.gdpr}),
        route("/disconnect", {"POST": control.disconnect}),
    ]


def _endpoint(
    gateway: Gateway, methods: dict[str, Callable[[Body, Request], Any]]
) -> Callable[[Request], Awaitable[Response]]:
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

    def __init__(self, world: World) -> None:
        self.world = world

    # --------------------------------------------------------------------------------------------------- looking

    def calls(self, _body: Body, request: Request) -> list[Body]:
        return calls.listed(self.world.store, int(request.query_params.get("after", "0")))

    def call(self, _body: Body, request: Request) -> Body:
        shown = calls.one(self.world.store, request.path_params["id"])
        if shown is None:
            raise Unknown(f"no call {request.path_params['id']}")
        return shown

    def secrets(self, _body: Body, _request: Request) -> list[dict[str, str]]:
        return self.world.identity.issued()

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
        self.world.latency = _seconds(body, "seconds")
        return self.latency(body, request)

    def clock(self, _body: Body, _request: Request) -> Body:
        clock = self.world.clock
        return {"now": clock.now().isoformat(), "advanced_seconds": clock.advanced.total_seconds()}

    def advance(self, body: Body, request: Request) -> Body:
        self.world.clock.advance(_seconds(body, "advance_seconds"))
        return self.clock(body, request)

    def faults(self, _body: Body, _request: Request) -> list[Body]:
        return [fault.shown() for fault in self.world.faults.waiting]

    def add_fault(self, body: Body, _request: Request) -> Body:
        return self.world.faults.add(body).shown()

    def clear_faults(self, _body: Body, _request: Request) -> Body:
        self.world.faults.clear()
        return {"faults": []}

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

    # ------------------------------------------------------------------------------------- organisations and tokens

    def organisations(self, _body: Body, _request: Request) -> list[Body]:
        rows = self.world.store.sql.execute(
            "SELECT org, tenant_id, client_id FROM organisation JOIN app USING (org) ORDER BY org"
        ).fetchall()
        return [
            self._organisation(row["org"]) | {"client_id": row["client_id"], "client_secret": SECRET} for row in rows
        ]

    def organisation(self, _body: Body, request: Request) -> Body:
        return self._organisation(self._org(request.path_params["id"]))

    def add_organisation(self, body: Body, _request: Request) -> Body:
        _only(body, {"name", "country", "currency"})
        wanted = OrganisationOption.checked(
            str(body.get("name") or "Another Company"), str(body.get("country", "GB")), str(body.get("currency", "GBP"))
        )
        tenant_id, client_id = self.world.add_organisation(wanted)
        return {"tenant_id": tenant_id, "client_id": client_id, "client_secret": SECRET}

    def change_organisation(self, body: Body, request: Request) -> Body:
        org = self._org(request.path_params["id"])
        user.change_organisation(self.world, org, body)
        return self._organisation(org)

    def tokens(self, body: Body, _request: Request) -> Body:
        """An access token of a second app, connected to these organisations; a refresh token with offline_access."""
        _only(body, {"tenant_ids", "scopes", "client_id"})
        app = self.world.identity.app(body.get("client_id", SECOND_APP))
        if app is None or app.org is not None:
            raise ValueError("client_id must be a registered app that is no custom connection")
        scopes = body.get("scopes") or list(DEFAULT_SCOPES)
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown:
            raise ValueError(f"unknown scopes {', '.join(unknown)} (known: {', '.join(SCOPES)})")
        consent = Consent(app.client_id, USER, " ".join(scopes), str(uuid4()))
        for tenant_id in body.get("tenant_ids") or [shown["tenant_id"] for shown in self.organisations({}, _request)]:
            self.world.connections.connect(app.client_id, USER, self._org(tenant_id), consent.auth_event)
        answer = self.world.identity.access_token(consent)
        if "offline_access" in scopes:
            answer["refresh_token"] = self.world.identity.new_family(consent)
        assert answer["expires_in"] == ACCESS_SECONDS
        return answer

    def _org(self, tenant_id: object) -> int:
        org = self.world.store.organisation_of(str(tenant_id))
        if org is None:
            raise Unknown(f"no organisation {tenant_id}")
        return org

    def _organisation(self, org: int) -> Body:
        return user.shown_organisation(self.world, org)

    # ----------------------------------------------------------------------------------- what only a Xero user can do

    def merge(self, body: Body, _request: Request) -> Body:
        _only(body, {"tenant_id", "contact_id", "into"})
        return user.merge(self.world, self._tenant(body), str(body.get("contact_id")), str(body.get("into")))

    def archive(self, body: Body, _request: Request) -> Body:
        _only(body, {"tenant_id", "contact_id", "restore"})
        status = "ACTIVE" if body.get("restore") else "ARCHIVED"
        return user.set_contact_status(self.world, self._tenant(body), str(body.get("contact_id")), status)

    def gdpr(self, body: Body, _request: Request) -> Body:
        _only(body, {"tenant_id", "contact_id"})
        return user.set_contact_status(self.world, self._tenant(body), str(body.get("contact_id")), "GDPRREQUEST")

    def disconnect(self, body: Body, _request: Request) -> Body:
        _only(body, {"tenant_id", "client_id"})
        return {"disconnected": self.world.connections.disconnect(self._tenant(body), body.get("client_id"))}

    def _tenant(self, body: Body) -> int:
        """The organisation named, or the only one."""
        if "tenant_id" in body:
            return self._org(body["tenant_id"])
        rows = self.world.store.sql.execute("SELECT org FROM organisation").fetchall()
        if len(rows) != 1:
            raise ValueError("tenant_id is needed, there are several organisations")
        return int(rows[0]["org"])


def _only(body: Body, known: set[str]) -> None:
    unknown = sorted(set(body) - known)
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)} (known: {', '.join(sorted(known))})")


def _seconds(body: Body, name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ValueError(f"{name} must be a number of seconds, 0 or more")
    return float(value)
