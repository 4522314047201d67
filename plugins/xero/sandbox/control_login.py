"""The control interface of the identity server: apps, users, and what becomes of their consents and tokens."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

from starlette.requests import Request

from plugins.xero.sandbox.apps import App, changed, new_app
from plugins.xero.sandbox.authorise import denied
from plugins.xero.sandbox.consent import Consent, Owner
from plugins.xero.sandbox.control_body import Body, Unknown, flag, only, text, texts
from plugins.xero.sandbox.errors import OAuthError
from plugins.xero.sandbox.scopes import SCOPES
from plugins.xero.sandbox.tokens import EXPIRING
from plugins.xero.sandbox.users import ADA, ROLES, User
from plugins.xero.sandbox.world import SECOND_APP, World

DEFAULT_SCOPES = tuple(scope for scope in SCOPES if scope.startswith("accounting.") and not scope.endswith(".read"))
PLACE = {"tenant_ids", "role"}


class LoginControl:
    """Each method takes the body and the request, runs in the worker, and gives what is shown."""

    def __init__(self, world: World) -> None:
        self.world = world

    # ------------------------------------------------------------------------------------------------------ apps

    def apps(self, _body: Body, _request: Request) -> list[Body]:
        return [app.shown() for app in self.world.apps.all()]

    def add_app(self, body: Body, _request: Request) -> Body:
        client_id = text(body, "client_id")
        if self.world.apps.known(client_id) is not None:
            raise ValueError(f"there is an app {client_id} already; PUT /_sandbox/apps/{client_id} changes it")
        return self._saved(changed(new_app(client_id), body))

    def change_app(self, body: Body, request: Request) -> Body:
        app = self._app(request.path_params["id"])
        if app.org is not None:
            raise ValueError(f"{app.client_id} is a custom connection and belongs to its organisation")
        if body.get("client_id", app.client_id) != app.client_id:
            raise ValueError("client_id cannot be changed")
        return self._saved(changed(app, body))

    def remove_app(self, _body: Body, request: Request) -> Body:
        app = self._app(request.path_params["id"])
        self.world.identity.withdraw(Owner(app.client_id))
        self.world.apps.remove(app.client_id)
        return {"removed": app.client_id}

    def _saved(self, app: App) -> Body:
        self.world.apps.save(app)
        return app.shown()

    def _app(self, client_id: str) -> App:
        app = self.world.apps.known(client_id)
        if app is None:
            raise Unknown(f"no app {client_id}")
        return app

    # ----------------------------------------------------------------------------------------------------- users

    def users(self, _body: Body, _request: Request) -> list[Body]:
        return [self._shown(user) for user in self.world.users.all()]

    def add_user(self, body: Body, _request: Request) -> Body:
        only(body, {"email", "given_name", "family_name", *PLACE})
        names = (text(body, "given_name", "Some"), text(body, "family_name", "Body"))
        return self._placed(self.world.users.new(text(body, "email"), *names), body)

    def change_user(self, body: Body, request: Request) -> Body:
        only(body, PLACE)
        return self._placed(self._user(request.path_params["id"]), body)

    def _placed(self, user: User, body: Body) -> Body:
        """Where the user is, and as what. Who leaves an organisation takes the connections along."""
        if "tenant_ids" in body:
            orgs = None if body["tenant_ids"] is None else tuple(map(self.world.org, texts(body, "tenant_ids")))
            user = replace(user, organisations=orgs)
        if text(body, "role", user.role) not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}")
        user = replace(user, role=body.get("role", user.role))
        self.world.users.save(user)
        for org in self.world.orgs():
            if not user.is_in(org):
                self.world.connections.remove(Owner(user=user.user_id), org)
        return self._shown(user)

    def _shown(self, user: User) -> Body:
        orgs = user.organisations
        tenants = None if orgs is None else [self.world.store.organisation(org)["OrganisationID"] for org in orgs]
        named = {"id": user.user_id, "email": user.email, "name": user.name}
        return named | {"tenant_ids": tenants, "role": user.role}

    def _user(self, given: str) -> User:
        user = self.world.users.named(given)
        if user is None:
            raise Unknown(f"no user {given}")
        return user

    # -------------------------------------------------------------------------------------------------- consents

    def consent(self, body: Body, _request: Request) -> Body:
        """What a person does on the pages, in one call: where the browser would go from there."""
        only(body, {"url", "user", "tenant_ids", "allow"})
        user = self._user(text(body, "user", ADA.email))
        question = dict(parse_qsl(urlsplit(text(body, "url")).query, keep_blank_values=True))
        try:
            asked = self.world.authorisation.asked(question, self.world.clock.seconds())
        except OAuthError as wrong:
            location = self.world.authorisation.refused(question, wrong).headers.get("Location")
            if location is None:
                raise ValueError(f"{wrong.why} ({wrong.error})") from None
            return {"location": location}
        if "allow" in body and not flag(body, "allow"):
            return {"location": denied(asked).headers["Location"]}
        tenants = texts(body, "tenant_ids") or self._only_choice(user)
        return {"location": self.world.authorisation.allowed(asked, user, tenants).headers["Location"]}

    def _only_choice(self, user: User) -> list[str]:
        mine = [org for org in self.world.orgs() if user.is_in(org)]
        return [self.world.store.organisation(org)["OrganisationID"] for org in mine] if len(mine) == 1 else []

    def grants(self, _body: Body, _request: Request) -> list[Body]:
        return self.world.tokens.grants()

    def revoke(self, body: Body, _request: Request) -> Body:
        """From Xero's side: the refresh tokens are dead, the connections gone, the consents forgotten."""
        return {"revoked": self.world.identity.withdraw(self._owner(body, {"client_id", "user"}))}

    def expire(self, body: Body, _request: Request) -> Body:
        kind = text(body, "kind")
        if kind not in EXPIRING:
            raise ValueError(f"kind must be one of {', '.join(EXPIRING)}")
        return {"expired": self.world.tokens.expire(kind, self._owner(body, {"kind", "client_id", "user"}))}

    def _owner(self, body: Body, known: set[str]) -> Owner:
        only(body, known)
        client_id = self._app(text(body, "client_id")).client_id if "client_id" in body else None
        user = self._user(text(body, "user")).user_id if "user" in body else None
        return Owner(client_id, user)

    def connect(self, body: Body, _request: Request) -> Body:
        """A custom connection consented to again, as by the link in the e-mail that Xero sends for it."""
        only(body, {"client_id"})
        app = self._app(text(body, "client_id"))
        if app.org is None:
            raise ValueError(f"{app.client_id} is no custom connection; people connect its organisations by consent")
        self.world.connections.connect(app.client_id, app.client_id, app.org, str(uuid4()))
        return {"connected": self.world.store.organisation(app.org)["OrganisationID"]}

    def disconnect(self, body: Body, _request: Request) -> Body:
        only(body, {"tenant_id", "client_id"})
        return {
            "disconnected": self.world.connections.disconnect(
                self.world.org_meant(body.get("tenant_id")), body.get("client_id")
            )
        }

    # ---------------------------------------------------------------------------------------------------- tokens

    def tokens(self, body: Body, _request: Request) -> Body:
        """An access token of a second app, connected to these organisations; a refresh token with offline_access."""
        only(body, {"tenant_ids", "scopes", "client_id", "user"})
        app = self._app(text(body, "client_id", SECOND_APP))
        if app.org is not None:
            raise ValueError("client_id must be an app that is no custom connection")
        user = self._user(text(body, "user", ADA.email))
        scopes = texts(body, "scopes") or list(DEFAULT_SCOPES)
        unknown = sorted(set(scopes) - app.scopes)
        if unknown:
            raise ValueError(f"unknown scopes {', '.join(unknown)} (known: {', '.join(sorted(app.scopes))})")
        consent = Consent(app.client_id, user.user_id, " ".join(scopes), str(uuid4()))
        for org in [self.world.org(tenant) for tenant in texts(body, "tenant_ids")] or self.world.orgs():
            self.world.connections.connect(app.client_id, user.user_id, org, consent.auth_event)
        return self.world.tokens.issue(consent)

    def secrets(self, _body: Body, _request: Request) -> list[dict[str, str]]:
        return self.world.tokens.issued()
