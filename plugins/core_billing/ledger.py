"""What the ledger says of documents: where they stand, and whether they may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from hookspecs import Action
from host import clock
from plugins.core_billing.documents import DELETING
from plugins.core_billing.lookup import in_chunks, update_rows
from plugins.core_billing.records import difference
from plugins.core_billing.schemas import ACCOUNTING_STATUSES, ZERO
from plugins.core_billing.tables import documents as documents_table
from plugins.core_billing.tables import lines as lines_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from sqlalchemy import Select

    from hookspecs import LedgerState, UnitOfWork
    from plugins.core_billing.documents import Documents
    from plugins.core_billing.lookup import Row
    from plugins.core_billing.working_out import Worked

_WANTED_BEHIND: Final[Mapping[str, str]] = {
    **{status: status for status in ACCOUNTING_STATUSES},
    "part_paid": "authorised",
    "paid": "authorised",
}
"""How far a document that stands so must have been wanted."""
_NOTHING_DUE: Final = frozenset({"voided", "deleted"})


def take_ledger_states(documents: Documents, unit_of_work: UnitOfWork, states: Sequence[LedgerState]) -> None:
    """Write down what the ledger says, and tell the unit of work of documents that changed by it."""
    by_id = {state.id: state for state in states}
    for chunk in in_chunks(by_id):
        worked = [
            one for one in documents.worked(unit_of_work.session, chunk, lock=True) if one.row["ended_at"] is None
        ]
        _settle(documents, unit_of_work, [(one, stated(one, by_id[one.row["id"]])) for one in worked])


def stated(worked: Worked, state: LedgerState) -> Row:
    """The document's columns as they become. Subtotal, tax and total stay ours: a ledger that differs is reported, not copied."""
    row = worked.row
    new = {name: value for name, value in row.items() if name != "lines"} | worked.totals_to_store()
    if row["status"] == DELETING:
        new["former_status"] = state.status
    else:
        new["status"] = state.status
    new["accounting_status"] = max(
        row["accounting_status"], _WANTED_BEHIND.get(state.status, "draft"), key=ACCOUNTING_STATUSES.index
    )
    new["amount_paid"] = row["amount_paid"] if state.amount_paid is None else _exact(state.amount_paid)
    new["amount_due"] = _due(new, state)
    return new


def _due(new: Row, state: LedgerState) -> Decimal:
    if state.status in _NOTHING_DUE:
        return ZERO
    if state.amount_due is not None:
        return _exact(state.amount_due)
    due: Decimal = new["total"] - new["amount_paid"]
    return due


def _exact(value: Decimal) -> Decimal:
    return value.quantize(ZERO)


def _settle(documents: Documents, unit_of_work: UnitOfWork, settled: Sequence[tuple[Worked, Row]]) -> None:
    """Write the documents that change, and lines whose tax could be computed only now."""
    changes = [(worked, row, difference(row, worked.row)) for worked, row in settled]
    write_changes(documents, unit_of_work, [change for change in changes if change[2]])


def write_changes(
    documents: Documents, unit_of_work: UnitOfWork, changes: Sequence[tuple[Worked, Row, frozenset[str]]]
) -> None:
    session = unit_of_work.session
    documents.write_rows(session, [row for _, row, _ in changes])
    lines = [(line.row, line.row_to_store()) for worked, _, _ in changes for line in worked.lines]
    update_rows(session, lines_table, [after for before, after in lines if before != after])
    for worked, row, changed in changes:
        worked.row |= row
        unit_of_work.save(documents.place.kind, worked.document(), action=Action.UPDATED, changed=changed)


def confirm_deletion(documents: Documents, unit_of_work: UnitOfWork, id: str, *, status: str) -> None:
    """The ledger let it go: it keeps its row as ``deleted`` or ``voided``, and gives its ref and number free."""
    for worked in _waiting_for_word(documents, unit_of_work, id):
        worked.row |= {"status": status, "former_status": "", "ended_at": clock.now(), "amount_due": ZERO}
        documents.write_rows(unit_of_work.session, [worked.row])
        unit_of_work.save(documents.place.kind, worked.document(), action=Action.DELETED, changed=frozenset({"status"}))


def refuse_deletion(documents: Documents, unit_of_work: UnitOfWork, id: str, reason: str) -> None:
    """The ledger keeps it: it stands where it stood before the asking, and says why."""
    for worked in _waiting_for_word(documents, unit_of_work, id):
        worked.row |= {"status": worked.row["former_status"], "former_status": "", "status_reason": reason}
        documents.write_rows(unit_of_work.session, [worked.row])
        changed = frozenset({"status", "status_reason"})
        unit_of_work.save(documents.place.kind, worked.document(), action=Action.UPDATED, changed=changed)


def _waiting_for_word(documents: Documents, unit_of_work: UnitOfWork, id: str) -> Sequence[Worked]:
    worked = documents.worked(unit_of_work.session, [id], lock=True)
    return [one for one in worked if one.row["status"] == DELETING and one.row["ended_at"] is None]


def retotal(documents: Documents, unit_of_work: UnitOfWork) -> None:
    """Compute again what could not be computed, now that there are more rates or defaults than before."""
    session, table = unit_of_work.session, documents_table.c
    after = ""
    while ids := list(session.scalars(_unknown(documents).where(table.id > after).order_by(table.id).limit(500))):
        after = ids[-1]
        worked = documents.worked(session, ids, lock=True)
        _settle(documents, unit_of_work, [(one, _totalled(one)) for one in worked])


def _unknown(documents: Documents) -> Select[str]:
    table = documents_table.c
    return select(table.id).where(table.totals_known.is_(False), *documents.place.condition)


def _totalled(worked: Worked) -> Row:
    row = {name: value for name, value in worked.row.items() if name != "lines"}
    return row | worked.totals_to_store() | {"amount_due": worked.amount_due}
