"""The tables of imports: what was asked for, what was read, what became of each record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, bindparam, cast, delete, func, insert, or_, select, update

from host import clock
from host.correlation import correlation_id
from host.db.upsert import insert_or
from host.sync.imports.deciding import Action, Decision
from host.sync.imports.tables import import_records, imports
from host.sync.outbox import chunks
from host.sync.provider import Key, RemoteRecord

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

UNFINISHED: Final = ("reading", "deciding")
KEPT: Final = timedelta(days=30)
"""How long it can be seen what an import did."""
_ROWS: Final = import_records.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an import was asked for. ``chosen`` are remote ids, none for all; ``fields`` what new records get besides, by kind; ``whole``: not only what
    changed. ``since``, ``read_at`` and ``basis`` are known when it is read."""

    batch: str
    connection: str
    kinds: Sequence[str]
    chosen: Sequence[str] = ()
    fields: Mapping[str, Mapping[str, Any]]
    preview: bool = False
    whole: bool = False
    stage: str = "reading"
    correlation_id: str = ""
    since: datetime | None = None
    read_at: datetime | None = None
    basis: str = ""

    @property
    def of_all(self) -> bool:
        """Whether its end tells how far the kinds have come: one of chosen records says nothing of the others."""
        return not self.preview and not self.chosen


_WISH_FIELDS: Final = tuple(one.name for one in fields(Wish))


@dataclass(frozen=True, slots=True)
class Staged:
    """A record that was read and is to be decided."""

    id: int
    remote: RemoteRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one. ``later``: it could not be decided for now."""

    staged: Staged
    action: Action
    record_id: str = ""
    ref: str = ""
    changes: Mapping[str, Any]
    reason: str = ""
    later: bool = False

    @property
    def open(self) -> bool:
        """Whether the next import has to look at it again, though it changed nothing there."""
        return self.later or self.action in {Action.CONFLICT, Action.FAILED}

    @classmethod
    def of(cls, staged: Staged, decision: Decision) -> Outcome:
        record = decision.ours.record if decision.ours else None
        return cls(
            staged=staged,
            action=decision.action,
            record_id=record.id if record else "",
            ref=record.ref if record else "",
            changes=decision.changes,
            reason=decision.reason,
            later=decision.later,
        )


def begin(session: Session, wish: Wish) -> None:
    _forget_old(session)
    values = {**asdict(wish), "correlation_id": correlation_id(), "asked_at": clock.now()}
    session.execute(insert(imports).values(**values))


def take_up(session: Session, wish: Wish) -> str:
    """The batch of an import that was asked for in the same words and waits for the limits, which may go on now; empty where there is none."""
    waits = (imports.c.stage == "reading", imports.c.due_at.is_not(None), imports.c.connection == wish.connection)
    same = (imports.c.preview == wish.preview, imports.c.whole == wish.whole)
    for row in session.execute(select(imports).where(*waits, *same)):
        if (row.kinds, row.chosen, row.fields) == (list(wish.kinds), list(wish.chosen), dict(wish.fields)):
            session.execute(update(imports).where(imports.c.batch == row.batch).values(due_at=None, reason=""))
            return str(row.batch)
    return ""


def _forget_old(session: Session) -> None:
    old = select(imports.c.batch).where(imports.c.asked_at < clock.now() - KEPT)
    session.execute(delete(import_records).where(_ROWS.batch.in_(old)))
    session.execute(delete(imports).where(imports.c.asked_at < clock.now() - KEPT))


def unfinished(session: Session, connection: str | None = None, *, due: datetime | None = None) -> Sequence[Wish]:
    """Those that are not at their end, in the order in which they were asked for; with ``due`` those that may go on by then."""
    query = select(imports).where(imports.c.stage.in_(UNFINISHED)).order_by(imports.c.asked_at, imports.c.batch)
    if connection is not None:
        query = query.where(imports.c.connection == connection)
    if due is not None:
        query = query.where(or_(imports.c.due_at.is_(None), imports.c.due_at <= due))
    return [Wish(**{name: getattr(row, name) for name in _WISH_FIELDS}) for row in session.execute(query)]


def not_well(session: Session) -> Sequence[dict[str, Any]]:
    """The imports that go on, wait or failed, the newest first; of those that failed only what no later import brought. Previews bring nothing."""
    columns = ("batch", "connection", "kinds", "chosen", "stage", "reason", "due_at", "asked_at")
    query = select(*(imports.c[name] for name in columns)).where(imports.c.preview.is_(False))
    seen, found = set[tuple[str, str]](), list[dict[str, Any]]()
    for row in session.execute(query.order_by(imports.c.asked_at.desc(), imports.c.batch.desc())):
        of_it = {(row.connection, kind) for kind in row.kinds}
        if row.stage in UNFINISHED or (row.stage == "failed" and not of_it <= seen):
            found.append(_not_well(row))
        if not row.chosen and row.stage not in UNFINISHED:
            seen |= of_it
    return found


def _not_well(row: Row[Any]) -> dict[str, Any]:
    return {
        "batch": row.batch,
        "connection": row.connection,
        "kinds": list(row.kinds),
        "stage": row.stage,
        "reason": row.reason,
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "asked_at": row.asked_at.isoformat(),
    }


def begin_reading(session: Session, wish: Wish) -> None:
    """It is read (again) from this moment on: what kept it waiting is over."""
    values = {"since": wish.since, "basis": wish.basis, "due_at": None, "reason": ""}
    session.execute(update(imports).where(imports.c.batch == wish.batch).values(**values))


def end_reading(session: Session, batch: str, read_at: datetime | None) -> None:
    session.execute(update(imports).where(imports.c.batch == batch).values(stage="deciding", read_at=read_at))


def wait(session: Session, batch: str, reason: str, until: datetime) -> None:
    """It cannot go on before this moment."""
    session.execute(update(imports).where(imports.c.batch == batch).values(reason=reason, due_at=until))


def go_to(session: Session, batch: str, stage: str, reason: str = "") -> None:
    ended = None if stage in UNFINISHED else clock.now()
    session.execute(update(imports).where(imports.c.batch == batch).values(stage=stage, reason=reason, ended_at=ended))


def stage(session: Session, batch: str, page: Sequence[RemoteRecord]) -> None:
    """Write down what was read. Read again, as pages may overlap or a dead process have read it before, it counts once."""
    _stage(session, [_row(batch, one, _kept(one)) for one in page])


def stage_left_open(session: Session, batch: str, former: str, kind: str) -> None:
    """What the former import could not settle is decided anew, though nothing of it changed there."""
    query = select(_ROWS.remote).where(
        _ROWS.batch == former, _ROWS.kind == kind, _ROWS.action.in_(_MAY_BE_OPEN), cast(_ROWS.remote, Text) != "{}"
    )
    open_ = [kept for kept in session.scalars(query) if "id" in kept]
    _stage(session, [_row(batch, _remote(kept), kept) for kept in open_])


_MAY_BE_OPEN: Final = (Action.CONFLICT.value, Action.FAILED.value, Action.SKIP.value)


def _row(batch: str, one: RemoteRecord, kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "batch": batch,
        "kind": one.kind,
        "remote_id": one.id,
        "name": one.name,
        "number": one.number,
        "turn": 0 if one.merged_into else 1,
        "remote": kept,
        "action": "",
        "record_id": "",
        "ref": "",
        "changes": {},
        "reason": "",
    }


def _stage(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = insert_or(import_records, session.connection().dialect.name)
    new = statement.excluded
    again = {name: getattr(new, name) for name in ("name", "number", "turn", "remote")}
    session.connection().execute(
        statement.on_conflict_do_update(
            index_elements=[_ROWS.batch, _ROWS.kind, _ROWS.remote_id], set_=again, where=_ROWS.action == ""
        ),
        rows,
    )


def staged_ids(session: Session, batch: str, remote_ids: Iterable[str]) -> set[str]:
    """Which of these were read."""
    return set(session.scalars(select(_ROWS.remote_id).where(_ROWS.batch == batch, _ROWS.remote_id.in_(remote_ids))))


def next_staged(session: Session, batch: str, most: int) -> Sequence[Staged]:
    """What is to be decided next. What was merged comes first: what took its place then finds the record that it brings along."""
    query = select(_ROWS.id, _ROWS.remote, _ROWS.turn).where(_ROWS.batch == batch, _ROWS.action == "")
    found = session.execute(query.order_by(_ROWS.turn, _ROWS.id).limit(most)).all()
    return [Staged(row.id, _remote(row.remote)) for row in found if row.turn == found[0].turn]


def _kept(remote: RemoteRecord) -> dict[str, Any]:
    """By hand: ``asdict`` copies every value, and takes half a millisecond for each of ten thousand."""
    kept = {name: getattr(remote, name) for name in _REMOTE_FIELDS}
    kept["keys"] = [
        {"field": key.field, "value": key.value, "unless_differs": list(key.unless_differs)} for key in remote.keys
    ]
    return kept


_REMOTE_FIELDS: Final = tuple(one.name for one in fields(RemoteRecord))


def _remote(kept: Mapping[str, Any]) -> RemoteRecord:
    keys = tuple(Key(**{**key, "unless_differs": tuple(key["unless_differs"])}) for key in kept["keys"])
    return RemoteRecord(**{**kept, "keys": keys})


def taken(session: Session, batch: str, kind: str, record_ids: Iterable[str]) -> set[str]:
    """Which of these records of ours a record that was decided before is linked with, or would be: a preview links nothing."""
    links = (Action.LINK.value, Action.UPDATE.value, Action.UNCHANGED.value)
    query = select(_ROWS.record_id).where(_ROWS.batch == batch, _ROWS.kind == kind, _ROWS.action.in_(links))
    return {
        id
        for chunk in chunks(sorted(record_ids), 500)
        for id in session.scalars(query.where(_ROWS.record_id.in_(chunk)))
    }


def moved(session: Session, batch: str, kind: str) -> dict[str, str]:
    """Records of ours that what was merged brings along, by the id of what took its place."""
    query = select(_ROWS.remote, _ROWS.record_id).where(
        _ROWS.batch == batch, _ROWS.kind == kind, _ROWS.action == Action.LINK.value, _ROWS.turn == 0
    )
    return {row.remote["merged_into"]: row.record_id for row in session.execute(query)}


def note(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write down what became of these; what was read of them is needed no more, except of those that are open still."""
    values = [
        {
            "staged": one.staged.id,
            "new_remote": _still_needed(one),
            "new_action": one.action.value,
            "new_record_id": one.record_id,
            "new_ref": one.ref,
            "new_changes": dict(one.changes),
            "new_reason": one.reason,
        }
        for one in outcomes
    ]
    if values:
        session.connection().execute(_NOTE, values)


def _still_needed(one: Outcome) -> Mapping[str, Any]:
    remote = one.staged.remote
    if one.open:
        return _kept(remote)
    return {"merged_into": remote.merged_into} if remote.merged_into else {}


_NOTE: Final = (
    update(import_records)
    .where(_ROWS.id == bindparam("staged"))
    .values(
        **{
            name: bindparam(f"new_{name}", type_=_ROWS[name].type)
            for name in ("remote", "action", "record_id", "ref", "changes", "reason")
        },
    )
)


def counts(session: Session, batch: str) -> dict[str, dict[str, int]]:
    """How many records came to what, by kind; ``""`` for those still to be decided."""
    query = select(_ROWS.kind, _ROWS.action, func.count()).where(_ROWS.batch == batch)
    found: dict[str, dict[str, int]] = {}
    for kind, action, count in session.execute(query.group_by(_ROWS.kind, _ROWS.action)):
        found.setdefault(kind, {})[action] = count
    return found


def show(session: Session, batch: str) -> dict[str, Any] | None:
    """How far an import is."""
    row = session.execute(select(imports).where(imports.c.batch == batch)).one_or_none()
    if row is None:
        return None
    counted = counts(session, batch)
    return {
        "connection": row.connection,
        "preview": row.preview,
        "stage": row.stage,
        "reason": row.reason,
        "since": row.since.isoformat() if row.since else None,
        "due_at": row.due_at.isoformat() if row.due_at else None,
        "kinds": {kind: _counted(counted.get(kind, {})) for kind in row.kinds},
    }


def _counted(by_action: Mapping[str, int]) -> dict[str, int]:
    """Every action with how many there are of it; those still to be decided stand under ``left``."""
    return {**{action.value: by_action.get(action.value, 0) for action in Action}, "left": by_action.get("", 0)}


def show_records(
    session: Session, batch: str, *, kind: str | None, action: str | None, page: int, page_size: int
) -> tuple[Sequence[dict[str, Any]], int]:
    """A page of what became of each record, in the order of reading, and how many there are on all pages."""
    conditions = [_ROWS.batch == batch]
    conditions += [
        column == value for column, value in ((_ROWS.kind, kind), (_ROWS.action, action)) if value is not None
    ]
    total = session.execute(select(func.count()).select_from(import_records).where(*conditions)).scalar_one()
    query = select(import_records).where(*conditions).order_by(_ROWS.id).limit(page_size).offset((page - 1) * page_size)
    return [
        {
            "kind": row.kind,
            "remote_id": row.remote_id,
            "name": row.name,
            "number": row.number,
            "action": row.action or "left",
            "ref": row.ref,
            "changes": row.changes,
            "reason": row.reason,
        }
        for row in session.execute(query)
    ], total
