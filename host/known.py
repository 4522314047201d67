"""What people name, and whether it is there: kinds and refs. The command line and the API refuse it in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from hookspecs import Kind


def no_such_kind(name: str, kinds: Mapping[str, Kind]) -> str:
    """Why there is no kind of this name, as a sentence that names those that there are."""
    known = ", ".join(sorted(kinds)) or "none: no plugin that keeps records is running"
    return f"there is no kind {name!r}{did_you_mean(name, kinds)}: the kinds are {known}"


def no_such_refs(session: Session, kinds: Sequence[Kind], refs: Sequence[str]) -> Mapping[int, str]:
    """A sentence for each ref that no record of these kinds has, by its place among the refs."""
    known = {ref for kind in kinds for ref in kind.service.ids(session, refs)} if refs else set()
    among = kinds[0].name if len(kinds) == 1 else "records"
    return {
        place: f"there is nothing with the ref {ref!r} among the {among}"
        for place, ref in enumerate(refs)
        if ref not in known
    }
