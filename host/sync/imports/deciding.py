"""What a record of the remote means for ours. Pure: everything that is known comes in, one decision comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from hookspecs import Record
    from host.sync.imports.candidates import Candidates
    from host.sync.provider import Key, Mirrored, RemoteRecord


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    """One of ours is linked with it; fields of it may change with that."""
    UNCHANGED = "unchanged"
    SKIP = "skip"
    CONFLICT = "conflict"
    FAILED = "failed"
    """It was decided, and could not be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a record of ours stands with the remote: the part of its sync row that an import goes by."""

    row_id: int
    connection: str
    remote_id: str
    pending: bool
    """It was saved since both sides agreed, or nothing was agreed yet."""
    busy: bool
    """A call that carries it has no known end."""
    inputs: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """A record of ours that a remote one may be. ``belongs``: the key of its connection, empty where it has none."""

    record: Record
    belongs: str
    standing: Standing | None = None
    mirrored: Mirrored | None = None
    changed_here: frozenset[str] = frozenset()
    """The inputs that differ from the agreed ones."""
    equal: bool = False
    """Every field is as in the remote record that it is linked with: there is nothing to take over, whatever a repair would make of it."""

    def value(self, name: str) -> Any:
        return plain(getattr(self.record, name, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """``changes`` are fields of ours that the remote's values go into, by name. ``kept`` are those that were changed there too, and here since. ``later``: it
    could not be decided for now."""

    action: Action
    ours: Ours | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    reason: str = ""
    later: bool = False


CREATED: Final = Decision(action=Action.CREATE)
NAMED: Final = 5
"""Of the records that a person has to choose from, how many are named."""


def plain(value: Any) -> Any:
    """A field's value as the API writes it, with empty for none, and numbers without needless zeros."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"
    if isinstance(value, str):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names_of(type(value))}
    return value


@cache
def _names_of(kind: type[Any]) -> tuple[str, ...]:
    """Of a dataclass that holds no other: ``asdict`` copies every value, which shows over ten thousand records."""
    return tuple(one.name for one in fields(kind))


def nothing(value: Any) -> bool:
    """Whether a field has no value: an address of empty parts has none."""
    return not any(value.values()) if isinstance(value, Mapping) else value in ("", None)


def may_be_ours(remote: RemoteRecord, *, chosen: bool) -> bool:
    """Whether it may become one of ours that nothing is linked with."""
    return not (remote.merged_into or remote.unusable or (remote.aside and not chosen))


def decide(
    remote: RemoteRecord,
    *,
    linked: Ours | None,
    successor: Ours | None,
    candidates: Sequence[Candidates],
    chosen: bool,
) -> Decision:
    """``linked`` is the record that is linked with it, ``successor`` the one linked with what it was merged into, ``candidates`` those that a key finds."""
    if remote.merged_into:
        return _merged(linked, successor)
    if remote.unusable:
        told = f"{remote.unusable}; {linked.record.ref} is linked with it" if linked else remote.unusable
        return Decision(action=Action.SKIP, ours=linked, reason=told)
    if linked:
        return _update(remote, linked)
    if not may_be_ours(remote, chosen=chosen):
        return Decision(action=Action.SKIP, reason=remote.aside)
    return _match(remote, candidates)


def _merged(linked: Ours | None, successor: Ours | None) -> Decision:
    if linked is None:
        return Decision(action=Action.SKIP, reason="it was merged into another at the remote")
    if successor is None:
        return Decision(action=Action.LINK, ours=linked, reason="it was merged: linked with what took its place")
    lost, kept = linked.record.ref, successor.record.ref
    merged = f"it was merged at the remote: {lost} and {kept} are one there now"
    if not getattr(linked.record, "active", True):
        return Decision(action=Action.SKIP, ours=linked, reason=f"{merged}; {lost} is inactive here")
    return Decision(
        action=Action.CONFLICT,
        ours=linked,
        reason=f"{merged}; let what names {lost} here name {kept}, and make {lost} inactive",
    )


def _update(remote: RemoteRecord, linked: Ours) -> Decision:
    if linked.standing and linked.standing.busy:
        reason = "a call that carries it is out: import it again later"
        return Decision(action=Action.SKIP, ours=linked, reason=reason, later=True)
    changes, kept = differences(remote, linked)
    reason = f"changed here since, and kept: {', '.join(kept)}" if kept else ""
    action = Action.UPDATE if changes else Action.UNCHANGED
    return Decision(action=action, ours=linked, changes=changes, kept=kept, reason=reason)


def _match(remote: RemoteRecord, candidates: Sequence[Candidates]) -> Decision:
    for found in candidates:
        fitting = found.fitting(remote)
        if len(fitting) > 1:
            refs = ", ".join(one.record.ref for one in islice(fitting, NAMED))
            return Decision(
                action=Action.CONFLICT,
                reason=f"{len(fitting)} records here have this {found.key.field} ({refs}): link it with one of them by hand",
            )
        for only in fitting:
            return _link(remote, only, found.key)
    return CREATED


def _link(remote: RemoteRecord, ours: Ours, key: Key) -> Decision:
    if ours.standing and ours.standing.busy:
        reason = f"{ours.record.ref} is on its way there, and may be it: import it again later"
        return Decision(action=Action.SKIP, ours=ours, reason=reason, later=True)
    changes, _ = differences(remote, ours)
    by = "made from here" if key.field == "id" else f"same {key.field.replace('_', ' ')}"
    return Decision(action=Action.LINK, ours=ours, changes=changes, reason=by)


def differences(remote: RemoteRecord, ours: Ours) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The fields to take over, and those that stay although they were changed there, because they were changed here since both agreed.

    Seen from what was last agreed where that is known, else from how ours reads back from there: a repair made on the way out is no change.
    """
    if ours.equal:
        return {}, ()
    changes, kept = {}, []
    for name, theirs in remote.fields.items():
        if not _was_changed_there(name, theirs, ours):
            continue
        if _was_changed_here(name, ours):
            kept.append(name)
        else:
            changes[name] = theirs
    return changes, tuple(kept)


def _was_changed_there(name: str, theirs: Any, ours: Ours) -> bool:
    here, mirrored = ours.value(name), ours.mirrored
    if theirs == here or (nothing(theirs) and not _agreed(ours)):
        return False
    if mirrored is None:
        return not nothing(theirs)
    if name not in mirrored.fields:
        return nothing(here) and not nothing(theirs)  # what is never sent may differ, and only fills what is empty
    return theirs not in (mirrored.fields[name], mirrored.before.get(name, mirrored.fields[name]))


def _agreed(ours: Ours) -> bool:
    return bool(ours.standing and ours.standing.remote_id and ours.standing.inputs)


def _was_changed_here(name: str, ours: Ours) -> bool:
    """Without knowing which field an input is about, it may be any; where nothing was agreed yet, whatever has a value here is to go there."""
    if not (ours.standing and ours.standing.remote_id and ours.standing.pending):
        return False
    if not ours.standing.inputs:
        return not nothing(ours.value(name))
    known = ours.mirrored.fields if ours.mirrored else {}
    return any(one == name or one not in known for one in ours.changed_here)


def is_equal(remote: RemoteRecord, mirrored: Mirrored | None) -> bool:
    """Whether ours would change nothing there."""
    if mirrored is None:
        return False
    return all(
        value == remote.fields[name] or (nothing(value) and nothing(remote.fields[name]))
        for name, value in mirrored.fields.items()
        if name in remote.fields
    )
