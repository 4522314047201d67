"""``retry``, ``park`` and ``unpark``: a person steers records, chosen alike."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Final

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of, kind_named, require_refs
from host.cli.base.output import complain, print_json, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from host.app import Host
    from host.sync.engine import Engine
    from host.sync.steering import Chosen, Steered

ConnectionOption = Annotated[
    str | None, typer.Option("--connection", metavar="KEY", help="Only those of this connection.")
]
KindOption = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="Only those of this kind, such as invoices.")
]
RefsOption = Annotated[
    list[str] | None, typer.Option("--ref", metavar="REF", help="Only this record; may be given again and again.")
]
AllOption = Annotated[bool, typer.Option("--all", help="All there are, where nothing else is named.")]

NOTHING_NAMED: Final = "say which: --connection, --kind, --ref, or --all"


@contextmanager
def choosing(
    connection: str | None, kind: str | None, refs: Sequence[str] | None, *, everything: bool
) -> Iterator[tuple[Engine, Chosen]]:
    """The engine and the records that the options name. Raises where they name nothing, or what is not there."""
    named = any(one is not None for one in (connection, kind)) or bool(refs)
    if not named and not everything:
        raise typer.BadParameter(NOTHING_NAMED)
    if named and everything:
        raise typer.BadParameter("it goes with no other choice", param_hint="'--all'")
    with opened_host() as host:
        yield engine_of(host), _chosen(host, connection, kind, refs or None)


def _chosen(host: Host, connection: str | None, kind: str | None, refs: Sequence[str] | None) -> Chosen:
    from host.sync.connections import get_connection
    from host.sync.steering import Chosen

    if connection is not None:
        with host.database.read() as session:
            get_connection(session, connection)
    if kind is not None:
        kind_named(host, kind)
    require_refs(host, kind, refs or ())
    return Chosen(connection=connection, kind=kind, refs=refs)


def report(steered: Steered, done: str, *, as_json: bool) -> None:
    """How many follow, ``done`` saying what becomes of them; each one that was named and does not; ends with 1 where there is any."""
    if as_json:
        print_json({"count": steered.count, "left": [dict(one) for one in steered.left]})
    else:
        say(f"{steered.count} {'record' if steered.count == 1 else 'records'} {done}")
        for one in steered.left:
            complain(f"{one['kind']} {one['ref']}: {one['state']}: {one['why']}".lstrip())
    if steered.left:
        raise typer.Exit(1)
