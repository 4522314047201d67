"""Which stored line a given line is. Lines keep their identity, so that the ledger's line ids, tracking and history stay with them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hookspecs import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

CONTENT: Final = (
    "product",
    "item_code",
    "description",
    "quantity",
    "unit_price",
    "discount_percent",
    "account",
    "tax_rate",
    "tracking",
)
"""What a line says, beside who it is."""


def identify(old: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """For each given line the id of the stored line that it is, or ``None`` for a new one.

    Where ids are given they decide alone. Without any, equal lines find each other first, the others go by position.
    """
    if not old:
        return [None] * len(given)
    if any(line["id"] for line in given):
        known = {line["id"] for line in old}
        return [line["id"] if line["id"] in known else None for line in given]
    found = _by_content(old, given)
    left = {position: line["id"] for position, line in enumerate(old) if line["id"] not in set(found)}
    return [id or left.get(position) for position, id in enumerate(found)]


def _by_content(old: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """Lines that leave their tracking open are equal to any that is equal in the rest; those that say it come first."""
    found: list[str | None] = [None] * len(given)
    for key, said in ((_key, True), (_key_without_tracking, False)):
        waiting: dict[tuple[Any, ...], list[str]] = {}
        for line in reversed(old):
            if line["id"] not in found:
                waiting.setdefault(key(line), []).append(line["id"])
        for position, line in enumerate(given):
            if (line["tracking"] is not None) == said and (ids := waiting.get(key(line))):
                found[position] = ids.pop()
    return found


def _key(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*_key_without_tracking(line), tuple(sorted(line["tracking"].items())))


def _key_without_tracking(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(line[name] for name in CONTENT[:-1])


def wrong_ids(old: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    known = {line["id"] for line in old}
    seen: set[str] = set()
    for position, line in enumerate(given):
        if not (id := line["id"]):
            continue
        if id not in known:
            yield Problem(f"lines.{position}.id", f"this document has no line {id}: leave the id out for a new line")
        elif id in seen:
            yield Problem(f"lines.{position}.id", f"line {id} stands here a second time")
        seen.add(id)
