"""What the answer to a call that reads leads to: what it found is kept for planning, or settles the lost calls that it was asked for."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from host import clock
from host.sync import guarded
from host.sync.answering import carried_by
from host.sync.provider import Fate, Looked, Rejected, Response, Trouble, Verdict
from host.sync.rows import write_numbers

if TYPE_CHECKING:
    from host.sync.answering import Answering
    from host.sync.booking import Booker
    from host.sync.carrier import Carrier, Out
    from host.sync.settler import Settler
    from host.sync.talk import Talk

log: Final = logging.getLogger(__name__)


class Looking:
    """Takes in what one drain reads."""

    def __init__(self, talk: Talk, booker: Booker, carrier: Carrier, answering: Answering, settler: Settler) -> None:
        self._talk = talk
        self._booker = booker
        self._carrier = carrier
        self._answering = answering
        self._settler = settler

    def book_look(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        if verdict.fate is not Fate.ANSWERED:
            self._failed(out, outcome, verdict)
            return
        assert isinstance(outcome, Response)
        looked = guarded.looked(self._talk.provider, out.load.planned, (*out.load.so_far, outcome))
        if isinstance(looked, Verdict):
            self._failed(out, outcome, looked)
            return
        with self._talk.database.write() as session:
            self._answering.closing(out, outcome, verdict)(session)
        self._take_in(out, outcome, looked)

    def _take_in(self, out: Out, outcome: Response, looked: Looked) -> None:
        if looked.more:
            self._carrier.follow_up(replace(out.load, request=looked.more, so_far=(*out.load.so_far, outcome)))
            return
        pairs = list(zip(out.load.planned, looked.found, strict=True))
        if out.load.settles:
            self._settler.settle([(one, out.load.settles[one.wish.row_id], found) for one, found in pairs])
            return
        if looked.numbers:
            with self._talk.database.write() as session:
                write_numbers(session, self._talk.key, looked.numbers)
        for one, found in pairs:
            if not self._answering.found.asked(one.wish.row_id):
                self._answering.found.put(one.wish.row_id, found, clock.now())

    def _failed(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        """Nothing was changed by it, and the rows are looked for again. Refused as a whole, it is halved like any call, so that one odd value does not
        blind the others."""
        self._answering.release(out, outcome, verdict)
        if out.load.settles:
            self._settler.look_failed(out.load, verdict)
        elif verdict.fate is Fate.REFUSED:
            self._refused(out, [one.wish.row_id for one in out.load.planned], verdict)

    def _refused(self, out: Out, row_ids: Sequence[int], verdict: Verdict) -> None:
        if len(row_ids) > 1:
            self._answering.halves.split(row_ids, out.load.priority)
            return
        refused = Rejected(reason=f"it could not be looked up: {verdict.reason}")
        carried = carried_by(out.load.planned)
        self._booker.book_answers(out.call_id, carried, [refused], lambda _session: True)
