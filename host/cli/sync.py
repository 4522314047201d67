"""``counterfoil sync``"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.context import host as opened_host
from host.cli.base.engine import engine_of, require_refs
from host.cli.base.output import AsJson, complain, examples, moment, new_app, print_json, say
from host.cli.base.progress import status_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import tzinfo

    from host.sync.engine import Engine
    from host.sync.waiting import Held, Remaining

app = new_app()
MOST_NAMED: Final = 3


@app.command(
    epilog=examples(
        "counterfoil sync --wait",
        "counterfoil sync --kind invoices --ref INV-7 --ref INV-8 --wait",
        "counterfoil sync --connection acme --wait --timeout 600 --json",
    )
)
def sync(
    connection: Annotated[str | None, typer.Option(metavar="KEY", help="Only records of this connection.")] = None,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="Only records of this kind, such as invoices.")
    ] = None,
    ref: Annotated[
        list[str] | None, typer.Option(metavar="REF", help="Only these records; may be given again and again.")
    ] = None,
    *,
    remap: Annotated[
        bool, typer.Option("--remap", help="Send also what is agreed: the way records are mapped has changed.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until everything that can go has gone.")] = False,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="With --wait: seconds to stay at most.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at records and send what differs from what was agreed.

    A running server does it, or this command with --wait: it ends when nothing more will go within two minutes, says what remains
    and why, and ends with 1 if anything does.
    """
    if timeout is not None and not wait:
        raise typer.BadParameter("it goes with --wait", param_hint="'--timeout'")
    with opened_host() as host:
        engine = engine_of(host)
        require_refs(host, kind, ref or [])
        batch = engine.request_sync(connection=connection, kind=kind, refs=ref or None, remap=remap)
        if not wait:
            _say_queued(engine, batch, as_json=as_json)
            return
        zone = host.settings.timezone
        remaining = _wait(engine, batch, timeout, zone)
    _report(batch, remaining, zone, as_json=as_json)
    if remaining.unsent:
        raise typer.Exit(1)


def _say_queued(engine: Engine, batch: str, *, as_json: bool) -> None:
    with engine.reading() as session:
        shown: dict[str, Any] = engine.batch(session, batch) or {}
    if as_json:
        print_json(shown)
    else:
        say(
            f"{shown['total']} records queued as batch {batch}: a running server sends what differs, or `counterfoil sync --wait`"
        )


def _wait(engine: Engine, batch: str, timeout: float | None, zone: tzinfo) -> Remaining:
    from host.sync.waiting import wait_for

    with _pauses_said_here(), status_line("looking") as meter:
        told: set[Held] = set()

        def tell(counts: Mapping[str, int], pauses: frozenset[Held]) -> None:
            meter.show(counted(counts))
            for one in pauses - told:
                meter.say(f"{one.connection} is not called until {moment(one.until, zone)}: {one.reason}")
            told.update(pauses)

        return wait_for(engine, batch, timeout=timeout, on_progress=tell)


@contextmanager
def _pauses_said_here() -> Iterator[None]:
    """On the clock of the configuration, and also where another process met them: the log need not say them as well."""
    log = logging.getLogger("host.sync.connections")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def counted(counts: Mapping[str, int]) -> str:
    """``3 synced, 1 waiting``"""
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "nothing to sync"


def _report(batch: str, remaining: Remaining, zone: tzinfo, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "batch": batch,
                "records": remaining.counts,
                "unsent": remaining.unsent,
                "timed_out": remaining.timed_out,
            }
        )
        return
    say(counted(remaining.counts))
    for line in told_together(remaining.unsent, zone):
        complain(line)
    untold = remaining.count - len(remaining.unsent)
    if untold > 0:
        complain(f"and {untold:,} more: counterfoil errors")


def told_together(unsent: Sequence[Mapping[str, Any]], zone: tzinfo) -> Iterator[str]:
    """A line for each cause, not for each record: a connection that does not work would be told ten thousand times."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in unsent:
        alike.setdefault((one["kind"], one["state"], _why(one, zone)), []).append(one["ref"])
    for (kind, state, why), refs in alike.items():
        more = f" and {len(refs) - MOST_NAMED:,} more" if len(refs) > MOST_NAMED else ""
        yield f"{kind} {', '.join(refs[:MOST_NAMED])}{more}: {state}: {why}"


def _why(one: Mapping[str, Any], zone: tzinfo) -> str:
    unsaid = "its call has no known outcome yet" if one["state"] == "sending" else "not looked at yet"
    reason = one["error"] or one["reason"] or unsaid
    return f"{reason} (until {moment(one['until'], zone)})" if one["until"] else str(reason)
