"""What the answer to a call that writes, or its absence, leads to: booked, settled later, sent again, held, or put before a person."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from host import clock
from host.db.anew import made_anew
from host.sync import connections as connection_rows
from host.sync import guarded
from host.sync.calls import close_call
from host.sync.lanes import Found, Halves
from host.sync.limiter import heed_headers, throttled_until
from host.sync.provider import (
    Answer,
    Fate,
    Outdated,
    Planned,
    Rejected,
    Response,
    Send,
    Taken,
    Token,
    Trouble,
    Unclear,
    Verdict,
)
from host.sync.results import Carried
from host.sync.rows import digests, mark_unknown, release

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from host.sync.booking import Booker
    from host.sync.carrier import Carrier, Out
    from host.sync.talk import Talk

REFUSED_TOKENS: Final = 2
"""So many different tokens refused, with nothing accepted in between: the credentials themselves are the trouble."""


class Answering:
    """Books the answers of one drain, and keeps what they leave to do: halves of refused calls, what looks found."""

    def __init__(self, talk: Talk, booker: Booker, carrier: Carrier) -> None:
        self._talk = talk
        self._booker = booker
        self._carrier = carrier
        self._refused_tokens: set[Token] = set()
        self._outdated: set[tuple[int, int]] = set()
        self.halves = Halves()
        self.found = Found()
        self.may_be_unsettled = True
        self.disconnected = False

    def book_send(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        match verdict.fate:
            case Fate.ANSWERED:
                self._book_answered(out, outcome, verdict)
            case Fate.UNKNOWN | Fate.UNKNOWN_OVER:
                self._leave_unsettled(out, outcome, verdict)
            case Fate.REFUSED:
                self._book_refused(out, outcome, verdict)
            case _:
                self.release(out, outcome, verdict)

    def _book_answered(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        assert isinstance(outcome, Response)
        answers = guarded.answers(self._talk.provider, out.load.planned, outcome)
        if answers is None:
            self._leave_unsettled(out, outcome, guarded.UNREADABLE)
            return
        self.found.forget(one.wish.row_id for one in out.load.planned)
        answers = [self._once_more(one, answer) for one, answer in zip(out.load.planned, answers, strict=True)]
        carried = carried_by(out.load.planned)
        booked = self._booker.book_answers(out.call_id, carried, answers, self.closing(out, outcome, verdict))
        if not booked or any(isinstance(one, Taken | Unclear) for one in answers):
            self.may_be_unsettled = True

    def _once_more(self, one: Planned, answer: Answer) -> Answer:
        """Refused for a number that is outdated: read what it is now and try again, once for each version of the record."""
        if not isinstance(answer, Outdated):
            return answer
        version = one.wish.row_id, one.wish.generation
        if version in self._outdated:
            return Rejected(reason=answer.reason)
        self._outdated.add(version)
        self.found.ask_first(one.wish.row_id, answer.look)
        return answer

    def _book_refused(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        planned = out.load.planned
        if len(planned) > 1:
            self.release(out, outcome, verdict)
            self.halves.split([one.wish.row_id for one in planned], out.load.priority)
            return
        refused = [Rejected(reason=verdict.reason)]
        self._booker.book_answers(out.call_id, carried_by(planned), refused, self.closing(out, outcome, verdict))

    @made_anew
    def _leave_unsettled(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        self.found.forget(one.wish.row_id for one in out.load.planned)
        with self._talk.database.write() as session:
            if self.closing(out, outcome, verdict)(session):
                mark_unknown(session, out.call_id, f"its outcome is not known yet: {verdict.reason}")
            self._heed(session, verdict)
        self.may_be_unsettled = True

    @made_anew
    def release(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> None:
        """Certainly not done: the records wait again, and the connection does what the verdict asks for."""
        now = clock.now()
        with self._talk.database.write() as session:
            if self.closing(out, outcome, verdict)(session) and out.load.purpose == "send":
                reason = "" if verdict.fate is Fate.REFUSED else verdict.reason
                release(session, [one.wish.row_id for one in out.load.planned], due_at=now, reason=reason)
            self._heed(session, verdict)
        if verdict.fate is Fate.TOKEN_EXPIRED:
            self._token_refused(out.token, verdict)

    def _token_refused(self, token: Token, verdict: Verdict) -> None:
        """Asked for anew, unless new ones are refused too. All calls that were out with one token are refused for it: that counts once."""
        self._refused_tokens.add(token)
        self._carrier.expire(token)
        if len(self._refused_tokens) >= REFUSED_TOKENS:
            with self._talk.database.write() as session:
                self._disconnect(session, f"{verdict.reason}, even a new one: connect again")

    def _heed(self, session: Session, verdict: Verdict) -> None:
        """What the verdict means for the whole connection."""
        key, wait = self._talk.key, timedelta(seconds=verdict.wait_seconds or 0)
        if verdict.fate is Fate.DISCONNECTED:
            self._disconnect(session, verdict.reason)
        elif verdict.fate is Fate.THROTTLED:
            connection_rows.hold(session, key, until=throttled_until(verdict, clock.now()), reason=verdict.reason)
        elif verdict.fate in {Fate.NOT_DONE, Fate.UNKNOWN, Fate.UNKNOWN_OVER}:
            connection_rows.pause(session, key, at_least=wait, reason=verdict.reason)

    def _disconnect(self, session: Session, reason: str) -> None:
        connection_rows.mark_needs_attention(session, self._talk.key, reason)
        self.disconnected = True

    def closing(self, out: Out, outcome: Response | Trouble, verdict: Verdict) -> Callable[[Session], bool]:
        """Closes the call in the transaction that books it; it answers whether the call was still ours to close."""

        def close(session: Session) -> bool:
            if verdict.fate is Fate.ANSWERED and isinstance(outcome, Response):
                self._all_is_well(session, out, outcome)
            return close_call(
                session,
                out.call_id,
                outcome,
                fate=verdict.fate,
                reason=verdict.reason,
                patience=self._talk.patience,
                now=clock.now(),
            )

        return close

    def _all_is_well(self, session: Session, out: Out, response: Response) -> None:
        self._refused_tokens.clear()
        connection_rows.clear_troubles(session, self._talk.key)
        left = guarded.minute_left(self._talk.provider, response)
        limits = self._carrier.limits
        heed_headers(session, self._talk.key, limits, left, sent_at=out.sent_at, now=clock.now())


def carried_by(planned: Sequence[Planned]) -> list[Carried]:
    """What a call carried, for booking its answers."""
    return [
        Carried(
            row_id=one.wish.row_id,
            kind=one.wish.kind,
            record_id=one.wish.record_id,
            ref=one.wish.record.ref if one.wish.record else one.wish.record_id,
            correlation_id=one.wish.correlation_id,
            generation=one.wish.generation,
            position=position,
            wanted=one.wish.wanted,
            inputs=digests(one.prepared.inputs) if one.prepared else {},
            sent=one.step.body if isinstance(one.step, Send) else {},
            warnings=_warnings(one),
        )
        for position, one in enumerate(planned)
    ]


def _warnings(one: Planned) -> Sequence[str]:
    repairs = one.prepared.warnings if one.prepared else ()
    losers = one.step.warnings if isinstance(one.step, Send) else ()
    return [*repairs, *losers]
