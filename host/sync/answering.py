"""What an answer, or its absence, leads to: booked, settled later, sent again, held, or put before a person."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from host import clock
from host.sync import connections as connection_rows
from host.sync.booking import Booker, Carried
from host.sync.calls import Unsettled, close_call
from host.sync.limiter import heed_headers
from host.sync.provider import (
    Adopt,
    Answer,
    Connection,
    Done,
    Fate,
    Planned,
    Provider,
    Refuse,
    Rejected,
    Response,
    Send,
    Trouble,
    Unreadable,
    Verdict,
    Wanted,
)
from host.sync.retry import pause_after
from host.sync.rows import digests, mark_unknown, release, rows_by_id

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host.db import Database
    from host.sync.carrier import Carrier, Out

log: Final = logging.getLogger(__name__)

THROTTLED_AGAIN: Final = timedelta(seconds=1)
REFUSED_TOKENS: Final = 2
"""So many calls in a row with a fresh token, all refused for the token: the credentials themselves are the trouble."""


class Answering:
    """Books the answers of one drain, and keeps what they leave to do: halves of refused calls, what looks found."""

    def __init__(
        self,
        *,
        database: Database,
        provider: Provider,
        connection: Connection,
        prefix: str,
        booker: Booker,
        carrier: Carrier,
        patience: timedelta,
    ) -> None:
        self._database = database
        self._provider = provider
        self._connection = connection
        self._prefix = prefix
        self._booker = booker
        self._carrier = carrier
        self._patience = patience
        self._halves: deque[Sequence[int]] = deque()
        self._refused_tokens = 0
        self._taken: set[tuple[int, int]] = set()
        self.found: dict[int, Any] = {}
        self.may_be_unsettled = True
        self.disconnected = False

    def book(self, answered: Sequence[tuple[Out, Response | Trouble]]) -> None:
        for out, outcome in answered:
            verdict = self._provider.judge(outcome)
            if out.load.purpose == "look":
                self._book_look(out, outcome, verdict)
            else:
                self._book_send(out, outcome, verdict)

    def book_last(self, answered: Sequence[tuple[Out, Response | Trouble]], *, speaking: bool) -> None:
        """What came back while the drain was ending. Without the right to speak nothing is booked: the next speaker settles it."""
        if speaking:
            self.book(answered)

    def halve(self, row_ids: Sequence[int]) -> None:
        """Send these on their own, next."""
        self._halves.append(row_ids)

    def next_half(self) -> Sequence[int] | None:
        return self._halves.popleft() if self._halves else None

    # Calls that write ----------------------------------------------------------------------------------------------

    def _book_send(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        if verdict.fate is Fate.ANSWERED:
            self._book_answered(out, outcome)
        elif verdict.fate in {Fate.UNKNOWN, Fate.UNKNOWN_OVER}:
            self._leave_unsettled(out, outcome, verdict)
        elif verdict.fate is Fate.REFUSED:
            self._book_refused(out, outcome, verdict)
        else:
            self._release(out, outcome, verdict)

    def _book_answered(self, out: Out, outcome: Response | Trouble) -> None:
        assert isinstance(outcome, Response)
        answers = self._read(out, outcome)
        if answers is None:
            lost = Verdict(fate=Fate.UNKNOWN, reason="the answer could not be read to its end")
            self._leave_unsettled(out, outcome, lost)
            return
        carried = self._carried(out.load.planned)
        self._booker.book_answers(
            out.call_id, carried, answers, self._closing(out, outcome, Verdict(fate=Fate.ANSWERED))
        )
        self.may_be_unsettled = self.may_be_unsettled or any(not isinstance(one, Done) for one in answers)
        self._all_is_well(outcome)

    def _read(self, out: Out, response: Response) -> Sequence[Answer] | None:
        try:
            answers = self._provider.answers(out.load.planned, response)
        except Unreadable:
            return None
        except Exception:
            log.exception("the answer to call %s could not be read", out.call_id)
            return None
        return answers if len(answers) == len(out.load.planned) else None

    def _book_refused(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        planned = out.load.planned
        if len(planned) == 1:
            self._booker.book_answers(
                out.call_id,
                self._carried(planned),
                [Rejected(reason=verdict.reason)],
                self._closing(out, outcome, verdict),
            )
            return
        self._release(out, outcome, verdict)
        self._halve(planned)

    def _halve(self, planned: Sequence[Planned]) -> None:
        ids = [one.wish.row_id for one in planned]
        middle = len(ids) // 2
        self._halves.extend((ids[:middle], ids[middle:]))

    def _leave_unsettled(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        with self._database.write() as session:
            if self._closing(out, outcome, verdict)(session):
                mark_unknown(session, out.call_id, f"its outcome is not known yet: {verdict.reason}")
            self._hold(session, verdict)
        self.may_be_unsettled = True

    def _release(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        """Certainly not done: the records wait again, and the connection does what the verdict asks for."""
        now = clock.now()
        with self._database.write() as session:
            if self._closing(out, outcome, verdict)(session) and out.load.purpose == "send":
                release(
                    session, [one.wish.row_id for one in out.load.planned], due_at=now, reason=_waiting_for(verdict)
                )
            self._hold(session, verdict)
        if verdict.fate is Fate.TOKEN_EXPIRED:
            self._token_refused(out, verdict)

    def _token_refused(self, out: Out, verdict: Verdict) -> None:
        self._refused_tokens += 1
        self._carrier.expire(out.token)
        if self._refused_tokens >= REFUSED_TOKENS * max(1, self._carrier.limits.concurrent):
            with self._database.write() as session:
                self._disconnect(session, f"{verdict.reason}, even a new one: connect again")

    def _hold(self, session: Session, verdict: Verdict) -> None:
        key, now = self._connection.key, clock.now()
        if verdict.fate is Fate.DISCONNECTED:
            self._disconnect(session, verdict.reason)
        elif verdict.fate is Fate.THROTTLED:
            wait = timedelta(seconds=verdict.wait_seconds) if verdict.wait_seconds is not None else THROTTLED_AGAIN
            connection_rows.hold(session, key, until=now + wait, reason=verdict.reason, trouble=False)
        elif verdict.fate in {Fate.NOT_DONE, Fate.UNKNOWN, Fate.UNKNOWN_OVER}:
            _, _, troubles = connection_rows.pause_of(session, key)
            wait = max(pause_after(troubles), timedelta(seconds=verdict.wait_seconds or 0))
            connection_rows.hold(session, key, until=now + wait, reason=verdict.reason, trouble=True)

    def _disconnect(self, session: Session, reason: str) -> None:
        connection_rows.mark_disconnected(session, self._connection.key, reason)
        self.disconnected = True

    def _all_is_well(self, response: Response) -> None:
        self._refused_tokens = 0
        minute_left, _day_left = self._provider.calls_left(response)
        with self._database.write() as session:
            connection_rows.clear_troubles(session, self._connection.key)
            heed_headers(session, self._connection.key, self._carrier.limits, minute_left, clock.now())

    def _closing(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> Callable[[Session], bool]:
        def close(session: Session) -> bool:
            return close_call(
                session,
                out.call_id,
                outcome,
                fate=verdict.fate,
                reason=verdict.reason,
                patience=self._patience,
                now=clock.now(),
            )

        return close

    def _carried(self, planned: Sequence[Planned]) -> list[Carried]:
        with self._database.read() as session:
            rows = rows_by_id(session, [one.wish.row_id for one in planned])
        return [
            Carried(
                row_id=one.wish.row_id,
                kind=one.wish.kind,
                record_id=one.wish.record_id,
                ref=rows[one.wish.row_id].ref,
                generation=one.wish.generation,
                position=position,
                wanted=one.wish.wanted,
                inputs=digests(one.prepared.inputs) if one.prepared else {},
                sent=one.step.body if isinstance(one.step, Send) else {},
                warnings=_warnings(one),
            )
            for position, one in enumerate(planned)
        ]

    # Calls that read -----------------------------------------------------------------------------------------------

    def _book_look(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        if verdict.fate is not Fate.ANSWERED:
            self._look_failed(out, outcome, verdict)
            return
        assert isinstance(outcome, Response)
        with self._database.write() as session:
            self._closing(out, outcome, verdict)(session)
        try:
            looked = self._provider.look_answer(out.load.planned, (*out.load.so_far, outcome))
        except Unreadable:
            return  # nothing was changed by it: the rows are still due, and are looked for again
        self._all_is_well(outcome)
        if looked.more:
            self._carrier.follow_up(replace(out.load, request=looked.more, so_far=(*out.load.so_far, outcome)))
            return
        for one, found in zip(out.load.planned, looked.found, strict=True):
            lost = out.load.settles.get(one.wish.row_id)
            if lost:
                self._settle(one, lost, found)
            else:
                self.found[one.wish.row_id] = found

    def _look_failed(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        """Nothing was changed by it. Refused as a whole, it is halved like any call, so that one odd value does not blind the others."""
        self._release(out, outcome, verdict)
        if verdict.fate is not Fate.REFUSED or out.load.settles:
            return
        if len(out.load.planned) > 1:
            self._halve(out.load.planned)
            return
        [carried] = self._carried(out.load.planned)
        self._booker.book_answers(
            out.call_id,
            [carried],
            [Rejected(reason=f"it could not be looked up: {verdict.reason}")],
            lambda _session: True,
        )

    def _settle(self, one: Planned, lost: Unsettled, found: Any) -> None:
        """Book what a lost call turned out to have done, or let the record be planned anew."""
        sent = self._provider.elements(lost.body)[lost.position]
        known = self._provider.recognise(one.wish, sent, found, self._prefix)
        answer = _as_answer(known)
        if isinstance(known, Adopt) or (answer is None and not self._taken_again(lost)):
            self._plan_anew(lost, known)
            return
        reason = "the remote says that it is there already, and does not show it"
        self._booker.book_answers(
            lost.call_id, [self._carried_by(lost, sent)], [answer or Rejected(reason=reason)], lambda _session: True
        )

    def _taken_again(self, lost: Unsettled) -> bool:
        """Whether the remote says for the second time that it has this version already, and shows nothing: then a person must look."""
        if lost.outcome != "taken":
            return False
        again = (lost.row_id, lost.generation) in self._taken
        self._taken.add((lost.row_id, lost.generation))
        return again

    def _plan_anew(self, lost: Unsettled, known: Adopt | Any) -> None:
        if isinstance(known, Adopt):
            self._booker.link(lost.row_id, lost.generation, known)
            return
        with self._database.write() as session:
            release(session, [lost.row_id], due_at=clock.now(), reason="its last call did not arrive: it is sent anew")

    def _carried_by(self, lost: Unsettled, sent: Mapping[str, Any]) -> Carried:
        with self._database.read() as session:
            row = rows_by_id(session, [lost.row_id])[lost.row_id]
        return Carried(
            row_id=lost.row_id,
            kind=lost.kind,
            record_id=row.record_id,
            ref=row.ref,
            generation=lost.generation,
            position=lost.position,
            wanted=Wanted.SEND,
            inputs=lost.inputs,
            sent=sent,
            warnings=lost.warnings,
        )


def _warnings(one: Planned) -> Sequence[str]:
    repairs = one.prepared.warnings if one.prepared else ()
    losers = one.step.warnings if isinstance(one.step, Send) else ()
    return [*repairs, *losers]


def _as_answer(known: Done | Adopt | Refuse | None) -> Answer | None:
    if isinstance(known, Done):
        return known
    if isinstance(known, Refuse):
        return Rejected(reason=known.reason, conflict=known.conflict)
    return None


def _waiting_for(verdict: Verdict) -> str:
    return verdict.reason if verdict.fate is not Fate.REFUSED else ""
