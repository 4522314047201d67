"""The drain: the one voice that speaks to one organisation.

One thread decides and writes; a few carry calls. Each round books the answers that came, settles what has no known outcome, and starts calls while the
limits let it: what people saved first, then bulk in the order of the kinds. It ends when nothing is out and nothing will be due soon.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from host import clock
from host.errors import AskPerson, Retry
from host.sync import connections as connection_rows
from host.sync import guarded
from host.sync.answering import Answering
from host.sync.calls import abandon_calls
from host.sync.carrier import Carrier, NotYet, Out, Stale
from host.sync.filling import Filling
from host.sync.looking import Looking
from host.sync.outbox import BULK, PERSON
from host.sync.rows import next_due
from host.sync.settler import Settler
from host.sync.talk import Silenced
from host.sync.telling import tell_call

if TYPE_CHECKING:
    from host.sync.applying import Applier
    from host.sync.booking import Booker
    from host.sync.deciding import Decider
    from host.sync.provider import Response, Trouble, Verdict
    from host.sync.talk import Talk

log: Final = logging.getLogger(__name__)

LINGER: Final = timedelta(seconds=65)
"""How long a drain stays for work that is due later: one window of the minute limit. Later work is taken up by the next drain."""
LOOK_UP_SECONDS: Final = 1.0
"""How long it waits at most before it looks at the clock again: the clock may be shifted, and another process may have written."""


@dataclass(slots=True)
class Wakeup:
    """Something changed: look again."""

    event: threading.Event

    def __call__(self) -> None:
        self.event.set()

    def wait(self, seconds: float) -> None:
        self.event.wait(seconds)
        self.event.clear()


class Drain:
    """One run of draining one connection, by whoever has the right to speak for it."""

    def __init__(
        self,
        talk: Talk,
        decider: Decider,
        booker: Booker,
        applier: Applier,
        carrier: Carrier,
        *,
        wakeup: Wakeup,
        stopping: Callable[[], bool],
    ) -> None:
        self._talk = talk
        self._carrier = carrier
        self._wakeup = wakeup
        self._stopping = stopping
        self._answering = Answering(talk, booker, carrier)
        self._settler = Settler(talk, decider.store, booker, applier, carrier)
        self._looking = Looking(talk, booker, carrier, self._answering, self._settler)
        self._filling = Filling(
            talk, decider, applier, carrier, halves=self._answering.halves, found=self._answering.found
        )

    def run(self) -> datetime | None:
        """Drain until nothing is out and nothing is due soon. Answers when to come back, if a row is due later."""
        self._take_over()
        try:
            return self._speak()
        except Silenced:
            log.warning("%s: the right to speak is lost; whoever has it settles what is out", self._talk.key)
            return None
        finally:
            # What is still out comes back before the next speaker asks; without the right to speak it is not booked, but settled by whoever has it.
            self._carrier.close()
            if self._talk.still_speaking():
                self._book(self._carrier.answered())

    def _speak(self) -> datetime | None:
        while not self._stopping():
            if not self._talk.still_speaking():
                raise Silenced
            self._book(self._carrier.answered())
            if self._answering.disconnected:
                return None
            until = self._start_calls()
            if not self._carrier.out and (until is None or until - clock.now() > LINGER):
                return until
            if self._carrier.full:
                self._filling.plan_ahead()
            self._wait(until)
        return None

    def _take_over(self) -> None:
        """What a dead worker left out has no known outcome."""
        talk = self._talk
        with talk.database.write() as session:
            left = abandon_calls(session, talk.key, talk.speaker, patience=talk.patience, now=clock.now())
        if left:
            log.warning("%s: %d calls were left without an answer and will be settled", talk.key, left)

    def _book(self, answered: Sequence[tuple[Out, Response | Trouble]]) -> None:
        for out, outcome in answered:
            verdict = guarded.judge(self._talk.provider, outcome)
            if out.load.purpose == "look":
                self._looking.book_look(out, outcome, verdict)
            else:
                self._answering.book_send(out, outcome, verdict)
            self._tell(out, outcome, verdict)

    def _tell(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        load = out.load
        named = [one.wish.correlation_id for one in load.planned]
        tell_call(self._talk.key, out.call_id, load.purpose, load.request, outcome, verdict, correlation_ids=named)

    def _wait(self, until: datetime | None) -> None:
        seconds = LOOK_UP_SECONDS
        if until is not None:
            seconds = min(seconds, max(0.0, (until - clock.now()).total_seconds()))
        self._wakeup.wait(seconds)

    # Starting calls ------------------------------------------------------------------------------------------------

    def _start_calls(self) -> datetime | None:
        """Start what may start. Answers when there may be more to do; ``None``: nothing waits."""
        self._filling.drop_stale()
        try:
            later = [self._follow_up(), self._settle(), self._start(PERSON), self._start(BULK), self._next_row()]
        except (Retry, AskPerson) as error:
            return self._no_token(error)
        return min((at for at in later if at is not None), default=None)

    def _follow_up(self) -> datetime | None:
        try:
            self._carrier.send_follow_ups(self._wakeup)
        except NotYet as later:
            return later.at
        return None

    def _settle(self) -> datetime | None:
        """Ask for, hold or release the records of calls without a known outcome. Answers when to go on with them."""
        if not self._answering.may_be_unsettled:
            return None
        open_ones = self._settler.open_ones()
        if not open_ones and not self._carrier.out and not self._carrier.has_follow_ups:
            self._answering.may_be_unsettled = self._settler.any_may_land()
        held = self._settler.release_or_hold(open_ones)
        try:
            for load in self._settler.looks(open_ones):
                self._carrier.send(load, self._wakeup)
        except NotYet as later:
            return min(later.at, held) if held else later.at
        return held

    def _start(self, priority: int) -> datetime | None:
        """Start calls of this priority until none is left or none may leave. Answers when one may, if something waits for that."""
        while self._filling.anything_due(priority):
            at = self._carrier.free_at(priority)
            if at > clock.now():
                return at
            filled = self._filling.next(priority)
            if filled is None:
                return self._when_filled(priority)
            try:
                self._carrier.send(filled.load, self._wakeup)
            except Stale:
                pass  # a record was saved meanwhile: all of them are planned anew
            except NotYet as later:
                return later.at
            self._filling.gone(filled)
        return None

    def _when_filled(self, priority: int) -> datetime | None:
        """When to look again at a call that an open batch may still fill."""
        return clock.now() + timedelta(seconds=LOOK_UP_SECONDS) if self._filling.filling(priority) else None

    def _next_row(self) -> datetime | None:
        """When the next row is due that nothing else keeps waiting."""
        with self._talk.database.read() as session:
            return next_due(session, self._talk.key, after=clock.now())

    # Trouble with the connection itself ----------------------------------------------------------------------------

    def _no_token(self, error: Retry | AskPerson) -> datetime | None:
        with self._talk.database.write() as session:
            if isinstance(error, AskPerson):
                connection_rows.mark_needs_attention(session, self._talk.key, str(error))
                self._answering.disconnected = True
                return None
            return connection_rows.pause(session, self._talk.key, at_least=timedelta(), reason=str(error))
