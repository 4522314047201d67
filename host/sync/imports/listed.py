"""What a remote has in one of its lists (tax rates, accounts), for a person who chooses from it."""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from host.folding import folded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hookspecs import Catalogue, Record, ReferenceData

IDENTITY: Final = frozenset(
    {"id", "ref", "code", "name", "connection", "active", "extra", "remote_id", "stands_for", "generated"}
)


def choices(brought: ReferenceData, known: Catalogue, text: str) -> Sequence[dict[str, Any]]:
    """The entries whose code or name contains the text, each with the refs of our records that stand for it."""
    ours = _refs_by_remote_id(known)
    return [
        _shown(entry, ours) for entry in _entries(brought) if folded(text) in folded(f"{_code(entry)} {_name(entry)}")
    ]


def _entries(data: ReferenceData | Catalogue) -> Sequence[Record]:
    lists = [getattr(data, one.name) for one in fields(data) if one.name != "defaults"]
    return [entry for entries in lists for entry in entries or ()]


def _refs_by_remote_id(known: Catalogue) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for entry in _entries(known):
        if entry.connection:  # of the others nobody knows which of its entries they are
            found.setdefault(_remote_id(entry), []).append(entry.ref)
    return found


def _shown(entry: Record, ours: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    values = {one.name: getattr(entry, one.name) for one in fields(entry) if one.name not in IDENTITY}
    return {
        "remote_id": _remote_id(entry),
        "name": _name(entry),
        "number": _code(entry),
        "remote_url": "",
        "values": {name: _text(value) for name, value in values.items()},
        "why_not": "" if entry.active else "it is archived there",
        "linked_with": ", ".join(ours.get(_remote_id(entry), ())),
    }


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(one.name for one in value if one.active)
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _remote_id(entry: Record) -> str:
    return str(getattr(entry, "remote_id", "") or _code(entry))


def _code(entry: Record) -> str:
    return str(getattr(entry, "code", ""))


def _name(entry: Record) -> str:
    return str(getattr(entry, "name", ""))
