"""Two records of one accounts code that go at the same time: neither would find the other at Xero, which takes a code twice (API facts 4.2).

The one that was made later waits, looks when the first is through, and then finds who bears the code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hookspecs import Party
from host.sync.provider import Blocked, Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from host.sync.provider import Desk, Link, Wish

KINDS: Final = {"customers": "customer", "suppliers": "supplier"}
GOES: Final = frozenset({"waiting", "sending", "unknown"})


def behind_another(desk: Desk, wishes: Sequence[Wish]) -> Mapping[int, Blocked]:
    """Those of these that wait for a record made before them, by row."""
    codes = {wish.row_id: code for wish in wishes if (code := _new_code(wish))}
    if not codes:
        return {}
    waiting: dict[int, Blocked] = {}
    for kind, noun in KINDS.items():
        found = desk.store.find(desk.session, kind, desk.connection.key, "accounts_code", set(codes.values()))
        before = {
            wish.row_id: [id for id in found.get(codes[wish.row_id], ()) if id < wish.record_id]
            for wish in wishes
            if wish.row_id in codes
        }
        links = desk.links(kind, {id for ids in before.values() for id in ids}) if any(before.values()) else {}
        for row_id, ids in before.items():
            first = next(_going(links, ids, desk.connection.key), None)
            if first:
                reason = f"{noun} {first.ref} has the accounts code {codes[row_id]} too, and goes first"
                waiting[row_id] = Blocked(reason=reason, waits_for=(kind, first.record_id))
    return waiting


def _new_code(wish: Wish) -> str:
    """The accounts code by which a record that is not at Xero yet is matched; one that was generated here is nobody's else."""
    party = wish.record
    if wish.remote_id or wish.wanted is not Wanted.SEND or not isinstance(party, Party):
        return ""
    return "" if "accounts_code" in party.generated else party.accounts_code.strip()


def _going(links: Mapping[str, Link], ids: Iterable[str], connection: str) -> Iterator[Link]:
    return (
        link
        for id in ids
        if (link := links.get(id)) and link.connection == connection and not link.remote_id and link.state in GOES
    )
