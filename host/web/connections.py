"""Connections: made as drafts, let in by a person's consent, saved, and ended."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from hookspecs import JSON, Problem
from host.errors import AskPerson, CounterfoilError
from host.sync.authorising import BY_CONSENT
from host.sync.provider import Standing
from host.web import answers
from host.web.exchange import Answer, Asked
from host.web.operations import Parameter, operation
from host.web.pages import HTML, policy, rendered
from host.web.problems import bad_request, invalid, not_found
from host.web.wire import ConnectionChange, ConnectionWish, OrganisationChoice, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from host.sync.authorising import Answered

CALLBACK: Final = "/connections/callback"
AUTHS: Final = (BY_CONSENT, "custom")


# ---------------------------------------------------------------------------------------------------------- for everybody


def shown_connections(asked: Asked) -> Mapping[str, JSON]:
    """Every connection as it is shown, by its key."""
    with asked.host.database.read() as session:
        return {one["key"]: dict(one) for one in asked.engine.show_connections(session)}


def connection_of(asked: Asked) -> JSON:
    """The connection that the address names. Raises ``Refusal``."""
    connections, key = shown_connections(asked), asked.path["key"]
    if key in connections:
        return connections[key]
    raise not_found(f"there is no connection {key!r}: there are {_listed(connections)}")


def known_connection(asked: Asked, key: str | None) -> str | None:
    """The key, where there is such a connection. Raises ``Refusal``."""
    connections = shown_connections(asked)
    if key is None or key in connections:
        return key
    raise invalid([Problem("connection", f"there is no connection {key!r}: there are {_listed(connections)}")])


def named_connection(asked: Asked, given: Mapping[str, str]) -> str | None:
    """The connection that the query names. Raises ``Refusal``."""
    key, connections = given.get("connection"), shown_connections(asked)
    if key is not None and key not in connections:
        raise bad_request(f"connection: there is no connection {key!r}: there are {_listed(connections)}")
    return key


def _listed(connections: Mapping[str, JSON]) -> str:
    return ", ".join(connections) or "none yet"


# ------------------------------------------------------------------------------------------------------------- for admins


@operation(answers.whole_list(answers.Connection))
def list_connections(asked: Asked) -> Answer:
    """Every connection with how it stands."""
    asked.parameters()
    return Answer({"items": list(shown_connections(asked).values())})


@operation(answers.Connection)
def get_connection(asked: Asked) -> Answer:
    """One connection."""
    asked.parameters()
    return Answer(connection_of(asked))


@operation(
    answers.ConnectionReadiness,
    parameters=(
        Parameter(
            name="ask",
            description="ask the organisation as well; nothing is written there",
            schema={"type": "boolean", "default": False},
        ),
    ),
    refuses=(409,),
)
def get_connection_readiness(asked: Asked) -> Answer:
    """What is still missing before syncing with this organisation can work, each with what to do."""
    given = asked.parameters("ask")
    if given.get("ask", "false") not in {"true", "false"}:
        raise bad_request(f"ask: {given['ask']!r} is neither true nor false")
    key = connection_of(asked)["key"]
    found = asked.engine.readiness(key, ask=given.get("ask") == "true")
    ready = all(point.standing is not Standing.BLOCKING for point in found)
    return Answer({"connection": key, "ready": ready, "points": [asdict(point) for point in found]})


@operation(answers.Connection, status=201, takes=ConnectionWish, refuses=(409,))
def create_connection(asked: Asked) -> Answer:
    """Begin a connection: it has a name, and stays a draft until it is authorised and saved."""
    asked.parameters()
    wish = read_body(ConnectionWish, asked.json())
    auth = wish.get("auth", BY_CONSENT)
    if auth not in AUTHS:
        raise invalid([Problem("auth", f"{auth!r} is not accepted: it takes {' or '.join(AUTHS)}")])
    made = asked.engine.connecting.create(
        wish["key"], provider=_provider(asked, wish.get("provider")), auth=auth, name=wish["name"].strip()
    )
    return Answer(shown_connections(asked)[made.key], 201, {"Location": f"/api/v1/connections/{made.key}"})


def _provider(asked: Asked, named: str | None) -> str:
    there = asked.engine.provider_names
    if named is not None and named in there:
        return named
    if named is None and len(there) == 1:
        return there[0]
    listed = ", ".join(there) or "none"
    said = "is required" if named is None else f"there is no accounting provider {named!r}"
    raise invalid([Problem("provider", f"{said}: there are {listed}")])


@operation(answers.Connection, takes=ConnectionChange, refuses=(409,))
def rename_connection(asked: Asked) -> Answer:
    """Change the shown name: key and organisation are fixed for life."""
    asked.parameters()
    key = connection_of(asked)["key"]
    asked.engine.rename(key, read_body(ConnectionChange, asked.json())["name"].strip())
    return Answer(connection_of(asked))


@operation(answers.ConsentAddress, refuses=(409,))
def authorise(asked: Asked) -> Answer:
    """The address at which a person lets this connection in. The connection as it is goes on until the consent is saved."""
    asked.parameters()
    redirect = f"{asked.host.config.host.public_url}{CALLBACK}"
    return Answer({"address": asked.engine.connecting.authorise(connection_of(asked)["key"], redirect)})


@operation(answers.Connection, takes=OrganisationChoice, refuses=(409,))
def choose_organisation(asked: Asked) -> Answer:
    """Choose one of the organisations that the consent opened."""
    asked.parameters()
    key = connection_of(asked)["key"]
    asked.engine.connecting.choose(key, read_body(OrganisationChoice, asked.json())["organisation"])
    return Answer(connection_of(asked))


@operation(answers.Connection, refuses=(409,))
def save_connection(asked: Asked) -> Answer:
    """Connect it: by the consent that was given, or with the credentials of the configuration."""
    asked.parameters()
    shown = connection_of(asked)
    if shown["auth"] == BY_CONSENT or shown["authorisation"]:
        asked.engine.connecting.save(shown["key"])
    else:
        asked.engine.connect(shown["key"], provider=shown["provider"], auth=shown["auth"])
    asked.host.wake()
    return Answer(connection_of(asked))


@operation(answers.Ended, refuses=(409,))
def disconnect(asked: Asked) -> Answer:
    """End our access to its organisation, and only to that one. Its records wait until it is connected again."""
    asked.parameters()
    key = connection_of(asked)["key"]
    left = asked.engine.connecting.disconnect(key, _because(asked))
    return Answer({"connection": key, "still_to_do": left})


@operation(answers.Ended)
def delete_connection(asked: Asked) -> Answer:
    """Disconnect it and show it to nobody any more. Connected anew under its key, it knows what it is linked with."""
    asked.parameters()
    key = connection_of(asked)["key"]
    return Answer({"connection": key, "still_to_do": asked.engine.connecting.delete(key, _because(asked))})


def _because(asked: Asked) -> str:
    return f"disconnected by {asked.caller.shown}"


# ------------------------------------------------------------------------------------------- for whoever comes back from there


_PAGE: Final = {"content": {HTML: {"schema": {"type": "string"}}}, "description": "a page for the person"}


@operation(_PAGE, otherwise={409: _PAGE, 503: _PAGE})
def answer_consent(asked: Asked) -> Answer:
    """Where the remote sends a person back to, who has allowed access or not.

    It needs no token: the state that only we gave out is one, and works once.
    """
    given = asked.any_parameters()
    state, code, error = given.get("state", ""), given.get("code", ""), given.get("error", "")
    try:
        answered = asked.engine.connecting.answered(state, code=code, error=error)
    except AskPerson as refusal:
        return _page("Not connected", str(refusal), status=409)
    except CounterfoilError as trouble:
        return _page("Not connected yet", f"{trouble}; authorise it again", status=503)
    return _opened(answered)


def _opened(answered: Answered) -> Answer:
    if answered.organisation:
        following = f"You may close this page. Save the connection {answered.connection}: until then nothing is sent."
    else:
        following = (
            f"You may close this page. Choose one of these for the connection {answered.connection}, and save it."
        )
    return _page(
        "Access was allowed",
        "Counterfoil may work with:",
        following=following,
        organisations=answered.organisations,
        organisation=answered.organisation,
    )


def _page(title: str, text: str, *, following: str = "", status: int = 200, **more: object) -> Answer:
    values = {"organisations": (), "organisation": "", **more}
    page = rendered("consent.html", title=title, text=text, next=following, **values)
    headers = {"Content-Security-Policy": policy(page.decode()), "Referrer-Policy": "no-referrer"}
    return Answer(page, status, headers, media_type=HTML)
