"""The sync, and the records that it is asked about, for commands that need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hookspecs import Kind
    from host.app import Host
    from host.sync.engine import Engine


def engine_of(host: Host) -> Engine:
    """The host's engine. Raises ``Stop`` where no plugin keeps records."""
    if host.engine is None:
        raise Stop("no plugin that keeps records is running: `counterfoil plugins list` says why")
    return host.engine


def kind_named(host: Host, name: str) -> Kind:
    """The kind of this name. Raises ``Stop`` naming those that there are."""
    from host.known import no_such_kind

    if name not in host.kinds:
        raise Stop(no_such_kind(name, host.kinds))
    return host.kinds[name]


def require_refs(host: Host, kind: str | None, refs: Sequence[str]) -> None:
    """Raises ``Stop``, with a line for each ref that no record (of this kind) has."""
    from host.known import no_such_refs

    if not refs:
        return
    kinds = list(host.kinds.values()) if kind is None else [kind_named(host, kind)]
    with host.database.read() as session:
        missing = no_such_refs(session, kinds, refs)
    if missing:
        raise Stop("\n".join(missing.values()))
