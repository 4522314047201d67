"""Loading many records from JSON Lines: a few hundred in one transaction, each line answered, bad ones without touching the others.

``counterfoil load`` and the API's bulk address are both this.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from hookspecs import JSON, Problem, Saved
from host.db.engine import breathe
from host.db.trouble import UNUSABLE
from host.errors import CounterfoilError
from host.json_text import NotJson, parse
from host.words import database_says, one_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import BinaryIO

    from hookspecs import Kind
    from host.unit_of_work import Saving

AT_ONCE: Final = 200
"""Records in one transaction: enough to share its cost, few enough that a person's save beside it waits only a moment."""
LONGEST_WAIT_SECONDS: Final = 1.0
"""Lines that trickle in through a pipe are saved at least this often."""
TOUCH_EVERY_SECONDS: Final = 5.0
PAUSES_SECONDS: Final = (0.2, 1.0, 3.0)
"""A deadlock or a database that restarts passes by itself; saving once more what was rolled back does no harm."""
LONGEST_LINE: Final = 16 * 1024 * 1024
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_log = logging.getLogger(__name__)


class Batches(Protocol):
    """What of the sync engine a load needs."""

    def open_batch(self, purpose: str, kind: str = "") -> str: ...
    def touch_batch(self, batch: str) -> None: ...
    def close_batch(self, batch: str) -> None: ...


class Saves(Protocol):
    """Opens a saving transaction: ``host.unit_of_work.Saver``."""

    def __call__(self, *, correlation_id: str = "", batch: str | None = None) -> AbstractContextManager[Saving]: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One line with something on it. ``number`` counts from 1; ``raw`` is ``None`` where the line is longer than any record can be."""

    number: int
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one line went."""

    line: int
    saved: Saved

    @property
    def result(self) -> str:
        """created, updated, unchanged or bad."""
        if self.saved.problems:
            return "bad"
        if self.saved.created:
            return "created"
        return "updated" if self.saved.changed else "unchanged"


class Interrupted(CounterfoilError):
    """Loading had to stop: everything before ``line`` is saved or was answered as bad, nothing from there on was kept."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"stopped before line {line}, because {reason}")
        self.line = line


def lines(file: BinaryIO, *, longest: int = LONGEST_LINE) -> Iterator[Line]:
    """The lines of a file that have something on them, with flat memory."""
    number = 0
    while raw := file.readline(longest + 1):
        number += 1
        if len(raw) > longest and not raw.endswith(b"\n"):
            _skip_line(file, longest)
            yield Line(number, None)
        elif stripped := raw.removeprefix(BYTE_ORDER_MARK).strip():
            yield Line(number, stripped)


def _skip_line(file: BinaryIO, longest: int) -> None:
    while (rest := file.readline(longest)) and not rest.endswith(b"\n"):
        pass


@dataclass(slots=True)
class Loader:
    """Loads records of one kind with PUT's meaning. Answers the lines in order, and each only when its transaction is committed."""

    kind: Kind
    saver: Saves
    sync: Batches
    purpose: str = "load"
    correlation_id: str = ""
    batch: str = ""
    _first_lines: dict[str, int] = field(default_factory=dict)
    _touched: float = 0.0

    def load(self, source: Iterable[Line]) -> Iterator[Outcome]:
        """One outcome per line. Raises ``Interrupted`` where the database cannot be used. No batch is made for no lines."""
        lost = False
        try:
            for chunk in _chunks(source):
                yield from self._load_chunk(chunk)
                breathe()
        except Interrupted:
            lost = True  # it cannot be closed; a batch that nobody touches closes by itself
            raise
        finally:
            if self.batch and not lost:
                self.sync.close_batch(self.batch)

    def _load_chunk(self, chunk: Sequence[Line]) -> Sequence[Outcome]:
        try:
            self._keep_batch_open()
            return self._outcomes(chunk)
        except UNUSABLE as error:
            raise Interrupted(chunk[0].number, f"the database cannot be used: {database_says(error)}") from error

    def _keep_batch_open(self) -> None:
        if not self.batch:
            self.batch = self.sync.open_batch(self.purpose, self.kind.name)
        elif time.monotonic() - self._touched > TOUCH_EVERY_SECONDS:
            self.sync.touch_batch(self.batch)
        else:
            return
        self._touched = time.monotonic()

    def _outcomes(self, chunk: Sequence[Line]) -> Sequence[Outcome]:
        read = [(line.number, self._read(line)) for line in chunk]
        inputs = [(number, record) for number, record in read if not isinstance(record, Saved)]
        answers = {number: record for number, record in read if isinstance(record, Saved)}
        answers.update(self._save(inputs))
        return [Outcome(number, answers[number]) for number, _ in read]

    def _read(self, line: Line) -> JSON | Saved:
        """The record on a line, or the answer that it is none."""
        if line.raw is None:
            return _refused("", f"is longer than {LONGEST_LINE // 1024 // 1024} MB")
        try:
            record = parse(line.raw)
        except NotJson as error:
            return _refused("", f"broken JSON at column {error.column}: {error}")
        if not isinstance(record, dict):
            return _refused("", 'is not a JSON object: each line takes one, such as {"ref": "…"}')
        return self._known_already(record, line.number) or record

    def _known_already(self, record: JSON, number: int) -> Saved | None:
        ref = record.get("ref")
        if not isinstance(ref, str):
            return None  # the kind's own schema says it better
        first = self._first_lines.setdefault(ref, number)
        if first == number:
            return None
        return Saved(ref=ref, problems=(Problem("ref", f"{ref} stands on line {first} already"),))

    def _save(self, inputs: Sequence[tuple[int, JSON]]) -> Mapping[int, Saved]:
        """These records in one transaction; where that fails as a whole, each in its own, so that only the guilty ones are lost."""
        if not inputs:
            return {}
        try:
            return self._save_together(inputs)
        except UNUSABLE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a plugin's service met, the other lines are loaded
            if len(inputs) > 1:
                return {number: answer for one in inputs for number, answer in self._save([one]).items()}
            number, record = inputs[0]
            _log.exception("%s on line %d could not be saved", self.kind.name, number)
            return {number: _refused(str(record.get("ref", "")), f"could not be saved: {_told(error)}")}

    def _save_together(self, inputs: Sequence[tuple[int, JSON]]) -> Mapping[int, Saved]:
        for pause in PAUSES_SECONDS:
            try:
                return self._save_once(inputs)
            except UNUSABLE:
                time.sleep(pause)
        return self._save_once(inputs)

    def _save_once(self, inputs: Sequence[tuple[int, JSON]]) -> Mapping[int, Saved]:
        with self.saver(correlation_id=self.correlation_id, batch=self.batch) as work:
            saved = self.kind.service.put(work, [record for _, record in inputs])
        return {number: answer for (number, _), answer in zip(inputs, saved, strict=True)}


def _chunks(source: Iterable[Line]) -> Iterator[Sequence[Line]]:
    chunk: list[Line] = []
    started = time.monotonic()
    for line in source:
        if not chunk:
            started = time.monotonic()
        chunk.append(line)
        if len(chunk) == AT_ONCE or time.monotonic() - started > LONGEST_WAIT_SECONDS:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _refused(ref: str, message: str) -> Saved:
    return Saved(ref=ref, problems=(Problem("", message),))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, CounterfoilError) else one_line(error)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as the API and ``--json`` show it."""
    saved = outcome.saved
    shown: dict[str, Any] = {"line": outcome.line, "ref": saved.ref, "result": outcome.result}
    if saved.problems:
        shown["errors"] = [{"field": problem.path, "message": problem.message} for problem in saved.problems]
    return shown
