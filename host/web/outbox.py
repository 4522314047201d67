"""The outbox: what waits or is stuck, and what a person says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from host.known import no_such_kind
from host.sync.steering import Chosen, Steered
from host.sync.views import IN_OUTBOX
from host.web import answers
from host.web.connections import known_connection, named_connection
from host.web.exchange import Answer, Asked
from host.web.operations import operation, text_parameter
from host.web.problems import bad_parameter, bad_request
from host.web.records import kind_of
from host.web.syncing import PAGES, page_of, refuse_unknown
from host.web.wire import Choice, ParkWish, read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hookspecs import JSON

_FILTERS: Final = (
    text_parameter("connection", "only those of this connection"),
    text_parameter("kind", "only records of this kind"),
    text_parameter("state", "only those in this state", enum=list(IN_OUTBOX)),
    *PAGES,
)
_PUT_ASIDE: Final = "put aside through the API"


@operation(answers.page(answers.OutboxRow), parameters=_FILTERS)
def list_outbox(asked: Asked) -> Answer:
    """What waits or is stuck, in the order in which the records came in."""
    given = asked.parameters("connection", "kind", "state", "page", "page_size")
    page, page_size = page_of(given)
    connection, kind, state = named_connection(asked, given), given.get("kind"), given.get("state")
    if kind is not None and kind not in asked.host.kinds:
        raise bad_parameter("kind", no_such_kind(kind, asked.host.kinds))
    if state is not None and state not in IN_OUTBOX:
        raise bad_parameter("state", f"{state!r} is not a state of the outbox: there are {', '.join(IN_OUTBOX)}")
    with asked.host.database.read() as session:
        items, total = asked.engine.outbox(
            session, connection=connection, kind=kind, state=state, page=page, page_size=page_size
        )
    return Answer({"items": list(items), "page": page, "page_size": page_size, "total": total})


@operation(answers.Steered, takes=Choice, refuses=(404,))
def retry(asked: Asked) -> Answer:
    """Try records at once that failed, are blocked, or wait for a later time."""
    asked.parameters()
    return _answer(asked.engine.retry(_chosen(asked, read_body(Choice, asked.json()))))


@operation(answers.Steered, takes=ParkWish, refuses=(404,))
def park(asked: Asked) -> Answer:
    """Leave records alone, also when they are saved again, until they are unparked."""
    asked.parameters()
    wish = read_body(ParkWish, asked.json())
    return _answer(asked.engine.park(_chosen(asked, wish), wish.get("reason", "").strip() or _PUT_ASIDE))


@operation(answers.Steered, takes=Choice, refuses=(404,))
def unpark(asked: Asked) -> Answer:
    """Go on with records that were parked, as they are now."""
    asked.parameters()
    return _answer(asked.engine.unpark(_chosen(asked, read_body(Choice, asked.json()))))


def _chosen(asked: Asked, wish: JSON) -> Chosen:
    named: Mapping[str, object] = {name: wish[name] for name in ("connection", "kind", "refs") if name in wish}
    if not named and not wish.get("all"):
        raise bad_request('nothing is named: name a connection, a kind or refs, or say {"all": true}')
    if named and wish.get("all"):
        raise bad_request(f"all goes without {' and '.join(named)}")
    kinds = [kind_of(asked.host, wish["kind"])] if "kind" in wish else list(asked.host.kinds.values())
    connection = known_connection(asked, wish.get("connection"))
    if "refs" in wish:
        refuse_unknown(asked, wish["refs"], kinds)
    return Chosen(connection=connection, kind=wish.get("kind"), refs=wish.get("refs"))


def _answer(steered: Steered) -> Answer:
    return Answer({"count": steered.count, "left": [dict(one) for one in steered.left]})
