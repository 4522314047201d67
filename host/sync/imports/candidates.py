"""Those of ours that a key of a remote record finds, and which of them it may be. Pure.

Which fit depends on little of a remote record, and is worked out once for all that are alike in it: of ten thousand of one name here and ten thousand there,
each would else be compared with each.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from host.folding import folded
from host.sync.imports.deciding import nothing

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable

    from host.sync.imports.deciding import Ours
    from host.sync.provider import Key, RemoteRecord

OTHER: Final = object()
"""A value that none of ours has."""


class Candidates:
    """Those that one key finds and that nobody is linked with, for all remote records that have this key."""

    def __init__(self, key: Key, found: Iterable[Ours], connection: str) -> None:
        self.key = key
        self._free = {one.record.id: one for one in found if _is_free(one, connection)}
        self._fitting: dict[Hashable, dict[str, Ours]] = {}

    @property
    def ids(self) -> Collection[str]:
        return self._free.keys()

    def fitting(self, remote: RemoteRecord) -> Collection[Ours]:
        """Those that the record may be; where several may, the likeliest of them."""
        alike = (self._as_ours("name", remote.name), *(self._as_ours(*one) for one in self._told_apart_by(remote)))
        if alike not in self._fitting:
            agreeing = [one for one in self._free.values() if _agrees(self.key, remote, one)]
            self._fitting[alike] = {one.record.id: one for one in _likeliest(remote, agreeing)}
        return self._fitting[alike].values()

    def take(self, id: str) -> None:
        """One of them is linked now, and is no other's any more."""
        self._free.pop(id, None)
        for alike, fitting in list(self._fitting.items()):
            if fitting.pop(id, None) and len(fitting) < 2:  # with the likeliest gone, others may be
                del self._fitting[alike]

    def _told_apart_by(self, remote: RemoteRecord) -> Iterable[tuple[str, Any]]:
        return ((name, remote.fields.get(name, "")) for name in self.key.unless_differs)

    def _as_ours(self, name: str, value: Any) -> Hashable:
        """The same for all values that compare alike with every one of ours."""
        if nothing(value):
            return None
        return same if (same := folded(value)) in self._values[name] else OTHER

    @cached_property
    def _values(self) -> dict[str, set[str]]:
        return {
            name: {folded(one.value(name)) for one in self._free.values()}
            for name in ("name", *self.key.unless_differs)
        }


def _is_free(ours: Ours, connection: str) -> bool:
    """Never one that is linked already, nor one of another connection: those are somebody else."""
    return ours.belongs in {"", connection} and not (ours.standing and ours.standing.remote_id)


def _agrees(key: Key, remote: RemoteRecord, ours: Ours) -> bool:
    """A value that was made up here tells nobody apart: by it one is found only where the names agree, and it differs from nothing."""
    if key.field in ours.record.generated and folded(ours.value("name")) != folded(remote.name):
        return False
    return all(
        nothing(ours.value(name))
        or name in ours.record.generated
        or nothing(remote.fields.get(name, ""))
        or folded(ours.value(name)) == folded(remote.fields[name])
        for name in key.unless_differs
    )


def _likeliest(remote: RemoteRecord, found: list[Ours]) -> list[Ours]:
    if len(found) < 2:
        return found
    of_name = [one for one in found if folded(one.value("name")) == folded(remote.name)] or found
    return [one for one in of_name if one.record.active] or of_name
