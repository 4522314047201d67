"""Records that an import brings: changed where there is one, made with a ref of their own where there is none."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

from host.ids import new_id
from plugins.core_billing.lookup import ids_by_ref, refs_by_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from hookspecs import JSON, Incoming, Saved, UnitOfWork
    from plugins.core_billing.lookup import Place
    from plugins.core_billing.records import Records

NAMED_BY: Final = ("accounts_code", "code", "name")
LONGEST: Final = 60
OWN: Final = 12
ODD: Final = re.compile(r"[^A-Za-z0-9._]+")


def take_records(records: Records[Any], unit_of_work: UnitOfWork, incoming: Sequence[Incoming]) -> Sequence[Saved]:
    """One answer for each, in order."""
    session, place = unit_of_work.session, records.place
    known = refs_by_id(session, place.table, {one.id for one in incoming})
    named = iter(new_refs(session, place, [ref_for(unit_of_work.origin, one.fields) for one in incoming if not one.id]))
    changes = [{**one.fields, "ref": known.get(one.id, one.id)} for one in incoming if one.id]
    news = [{**one.fields, "ref": next(named)} for one in incoming if not one.id]
    changed, made = iter(records.put(unit_of_work, changes, partial=True)), iter(records.put(unit_of_work, news))
    return [next(changed if one.id else made) for one in incoming]


def ref_for(connection: str, fields: JSON) -> str:
    """``acme:C100``, ``acme:Bank-West-Ltd``: where it came from, and what people know it by."""
    named = next((fields[name] for name in NAMED_BY if fields.get(name)), "")
    plain = unicodedata.normalize("NFKD", named).encode("ascii", "ignore").decode()
    return f"{connection}:{ODD.sub('-', plain).strip('-') or 'import'}"[:LONGEST]


def new_refs(session: Session, place: Place, wanted: Sequence[str]) -> Sequence[str]:
    """These refs; one that is taken, or stands here before, has something behind it that is nobody else's."""
    taken = set(ids_by_ref(session, place, wanted))
    given = []
    for ref in wanted:
        given.append(f"{ref}-{new_id()[-OWN:]}" if ref in taken else ref)
        taken.add(ref)
    return given
