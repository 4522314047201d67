"""login.xero.com: an app asks, a user logs in, chooses an organisation, and says yes or no (API facts 1.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode
from uuid import uuid4

from plugins.xero.sandbox import pages
from plugins.xero.sandbox.apps import App, Apps
from plugins.xero.sandbox.codes import Codes
from plugins.xero.sandbox.connections import Connections
from plugins.xero.sandbox.consent import Consent, Consents
from plugins.xero.sandbox.errors import OAuthError
from plugins.xero.sandbox.messages import Answer, Incoming
from plugins.xero.sandbox.scopes import BROAD, BROAD_END, concerns_organisations
from plugins.xero.sandbox.store import Store
from plugins.xero.sandbox.switches import Switches
from plugins.xero.sandbox.users import User, Users

OURS = ("user", "tenant", "decision")  # fields of the pages themselves, beside those of the app's question
NOTHING_CHOSEN = "Choose the organisation to connect."
ONE_ONLY = "Choose one organisation; this app may connect several only one after the other."
NOT_TO_CHOOSE = "One of the organisations chosen cannot be connected."


@dataclass(frozen=True)
class Asked:
    """What an app asks a user for, known to be in order. `several`: more organisations than one may be chosen."""

    app: App
    redirect: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None
    several: bool

    @property
    def needs_organisation(self) -> bool:
        return concerns_organisations(frozenset(self.scopes))


@dataclass(frozen=True)
class Choice:
    """An organisation on the consent page."""

    org: int
    tenant_id: str
    name: str
    connected: bool
    full: bool  # connected to as many uncertified apps as Xero allows

    @property
    def open(self) -> bool:
        return self.connected or not self.full


class Authorisation:
    def __init__(
        self,
        store: Store,
        switches: Switches,
        apps: Apps,
        users: Users,
        consents: Consents,
        codes: Codes,
        connections: Connections,
    ) -> None:
        self.store = store
        self.switches = switches
        self.apps = apps
        self.users = users
        self.consents = consents
        self.codes = codes
        self.connections = connections

    def answer(self, incoming: Incoming, now: float) -> Answer:
        """The page for what is still open; where the consent page's form was sent, the way back to the app."""
        sent = _sent(incoming)
        question = {name: values[-1] for name, values in sent.items() if name not in OURS}
        try:
            asked = self.asked(question, now)
        except OAuthError as wrong:
            return self.refused(question, wrong)
        user = self.users.known(sent.get("user", [""])[-1])
        if user is None:
            return pages.login(asked.app.name, self.users.all(), question)
        if incoming.method == "GET":
            return self._ask(asked, user, question)
        if sent.get("decision", [""])[-1] != "allow":
            return denied(asked)
        try:
            return self.allowed(asked, user, sent.get("tenant", []))
        except ValueError as mistake:
            return self._ask(asked, user, question, str(mistake))

    def _ask(self, asked: Asked, user: User, question: Mapping[str, str], mistake: str = "") -> Answer:
        choices = self.choices(asked, user) if asked.needs_organisation else []
        return pages.consent(asked, user, choices, question, mistake)

    # ---------------------------------------------------------------------------------------------------- deciding

    def asked(self, question: Mapping[str, str], now: float) -> Asked:
        """What the address asks; raises OAuthError when it is not in order."""
        return self._in_order(self._app(question), question, now)

    def refused(self, question: Mapping[str, str], wrong: OAuthError) -> Answer:
        """Nobody is sent to an address that is not registered; with one that is, a switch decides."""
        app = self.apps.known(question.get("client_id", ""))
        redirect = question.get("redirect_uri", "")
        if self.switches["authorise_errors"] == "page" or app is None or redirect not in app.redirects:
            return pages.mistake(wrong)
        return back(redirect, question.get("state"), error=wrong.error)

    def _app(self, question: Mapping[str, str]) -> App:
        app = self.apps.known(question.get("client_id", ""))
        if app is None or app.org is not None:
            raise OAuthError("unauthorized_client", "No app that people can log in to has this client_id.")
        redirect = question.get("redirect_uri")
        if redirect not in app.redirects:
            known = ", ".join(app.redirects) or "none"
            raise OAuthError(
                "invalid_request",
                f"The redirect_uri {redirect!r} is not registered for this app (registered: {known}).",
            )
        return app

    def _in_order(self, app: App, question: Mapping[str, str], now: float) -> Asked:
        if question.get("response_type") != "code":
            raise OAuthError("unsupported_response_type", "The response_type must be code.")
        return Asked(
            app,
            question["redirect_uri"],
            self._scopes(app, question.get("scope", ""), now),
            question.get("state"),
            _challenge(app, question),
            question.get("nonce"),
            several=app.bulk and "bulk_connect:false" not in question.get("acr_values", "").split(),
        )

    def _scopes(self, app: App, given: str, now: float) -> tuple[str, ...]:
        wanted = tuple(dict.fromkeys(given.split()))
        if not wanted:
            raise OAuthError("invalid_scope", "The address asks for no scope.")
        refused = set(wanted) - app.scopes
        if now >= BROAD_END.timestamp():
            refused |= set(wanted) & set(BROAD)
        if refused:
            told = ", ".join(sorted(refused))
            raise OAuthError(self.switches["authorise_scope_error"], f"This app may not ask for {told}.")
        return wanted

    def choices(self, asked: Asked, user: User) -> list[Choice]:
        rows = self.store.sql.execute("SELECT org, tenant_id FROM organisation ORDER BY org").fetchall()
        return [
            Choice(
                row["org"],
                row["tenant_id"],
                self.store.organisation(row["org"])["Name"],
                connected=self.connections.is_live(asked.app.client_id, user.user_id, row["org"]),
                full=not self.connections.has_room_for(asked.app, row["org"]),
            )
            for row in rows
            if user.is_in(row["org"])
        ]

    def allowed(self, asked: Asked, user: User, tenants: Sequence[str]) -> Answer:
        """The user said yes; raises ValueError when the organisations that were chosen cannot be."""
        chosen = self._chosen(asked, user, tenants) if asked.needs_organisation else []
        event = str(uuid4())
        client_id = asked.app.client_id
        for choice in chosen:
            self.connections.connect(client_id, user.user_id, choice.org, event)
        scopes = self.consents.widened(client_id, user.user_id, asked.scopes)
        consent = Consent(client_id, user.user_id, scopes, event)
        code = self.codes.new(consent, asked.redirect, asked.challenge, asked.nonce)
        more = {}
        if self.switches["callback_says_more"]:
            session = {"session_state": uuid4().hex} if "openid" in asked.scopes else {}
            more = {"scope": scopes} | session
        return back(asked.redirect, asked.state, code=code, **more)

    def _chosen(self, asked: Asked, user: User, tenants: Sequence[str]) -> list[Choice]:
        wanted = set(tenants)
        chosen = [choice for choice in self.choices(asked, user) if choice.tenant_id in wanted]
        if not wanted:
            raise ValueError(NOTHING_CHOSEN)
        if len(chosen) != len(wanted) or not all(choice.open for choice in chosen):
            raise ValueError(NOT_TO_CHOOSE)
        if len(chosen) > 1 and not asked.several:
            raise ValueError(ONE_ONLY)
        return chosen


def _sent(incoming: Incoming) -> dict[str, list[str]]:
    text = incoming.query_string if incoming.method == "GET" else incoming.body.decode("utf-8", "replace")
    return parse_qs(text, keep_blank_values=True)


def denied(asked: Asked) -> Answer:
    return back(asked.redirect, asked.state, error="access_denied")


def back(redirect: str, state: str | None, **told: str) -> Answer:
    """To the app, with the state as it was sent."""
    fields = told if state is None else told | {"state": state}
    joint = "&" if "?" in redirect else "?"
    return Answer(302, headers={"Location": redirect + joint + urlencode(fields)})


def _challenge(app: App, question: Mapping[str, str]) -> str | None:
    """PKCE: an app without a secret must, one with a secret may (API facts 1.2)."""
    challenge = question.get("code_challenge")
    if not challenge:
        if app.public:
            raise OAuthError("invalid_request", "An app without a secret must send a code_challenge (PKCE).")
        return None
    if question.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "The code_challenge_method must be S256.")
    return challenge
