"""Faults put in by hand: every fault that matches a call applies to it, each counting for itself."""

import re
from dataclasses import dataclass, field
from typing import Any

KINDS = ("status", "drop_before", "drop_after", "delay", "truncate", "partial")
TAKEN = {"method", "path", "kind", "status", "seconds", "when", "elements", "times", "body"}


@dataclass
class Fault:
    """`when` says on which side of the work: before it, nothing is written; after it, everything is."""

    kind: str
    method: re.Pattern[str]
    path: re.Pattern[str]
    when: str = "before"
    status: int = 500
    seconds: float | None = None
    elements: int = 0
    body: str | None = None
    remaining: int = 1
    applied: int = field(default=0)

    def shown(self) -> dict[str, Any]:
        told = {"method": self.method.pattern, "path": self.path.pattern, "kind": self.kind, "when": self.when}
        details = {"status": self.status} if self.kind == "status" else {}
        if self.kind == "partial":
            details = {"elements": self.elements}
        if self.seconds is not None:
            told["seconds"] = self.seconds  # type: ignore[assignment]
        return told | details | {"times": self.remaining, "applied": self.applied}


@dataclass(frozen=True)
class Applied:
    """The faults of one call, in the order in which they were set."""

    faults: tuple[Fault, ...] = ()

    def of(self, kind: str, when: str | None = None) -> list[Fault]:
        return [fault for fault in self.faults if fault.kind == kind and when in (None, fault.when)]

    def delay(self, when: str) -> float:
        return sum(fault.seconds or 0 for fault in self.of("delay", when))

    @property
    def at_the_door(self) -> Fault | None:
        """A status answered before anything looks at the call. A 500 is not among them: it comes from inside the
        application, after the limiter, and is remembered for the idempotency key (API facts 3.6)."""
        return next((fault for fault in self.of("status", "before") if fault.status != 500), None)

    @property
    def inside(self) -> Fault | None:
        return next((fault for fault in self.of("status", "before") if fault.status == 500), None)

    @property
    def afterwards(self) -> Fault | None:
        return next(iter(self.of("status", "after")), None)

    @property
    def elements(self) -> int | None:
        """After how many elements of a batch the application breaks, if it does."""
        return min((fault.elements for fault in self.of("partial")), default=None)

    @property
    def dropped_before(self) -> bool:
        return bool(self.of("drop_before"))

    @property
    def dropped_after(self) -> bool:
        return bool(self.of("drop_after"))

    @property
    def truncated(self) -> bool:
        return bool(self.of("truncate"))


class Faults:
    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, wanted: dict[str, Any]) -> Fault:
        fault = read(wanted)
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        self.waiting.clear()

    def take(self, method: str, path: str) -> Applied:
        hit = tuple(fault for fault in self.waiting if fault.method.search(method) and fault.path.search(path))
        for fault in hit:
            fault.remaining -= 1
            fault.applied += 1
        self.waiting = [fault for fault in self.waiting if fault.remaining > 0]
        return Applied(hit)


def read(wanted: dict[str, Any]) -> Fault:
    """A fault from its JSON form; raises ValueError saying what is wrong and what is accepted."""
    unknown = sorted(set(wanted) - TAKEN)
    if unknown:
        raise ValueError(f"unknown field {', '.join(unknown)} (known: {', '.join(sorted(TAKEN))})")
    kind = wanted.get("kind")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    return Fault(
        kind=kind,
        method=_pattern(wanted, "method"),
        path=_pattern(wanted, "path"),
        when=_side(kind, wanted.get("when")),
        status=int(_number(wanted, "status", 500, least=400)),
        seconds=_number(wanted, "seconds", 0) if "seconds" in wanted or kind == "delay" else None,
        elements=int(_number(wanted, "elements", 1)),
        body=wanted.get("body"),
        remaining=int(_number(wanted, "times", 1, least=1)),
    )


def _pattern(wanted: dict[str, Any], name: str) -> re.Pattern[str]:
    try:
        return re.compile(wanted.get(name) or "", re.IGNORECASE)
    except (re.error, TypeError) as error:
        raise ValueError(f"{name} must be a regular expression: {error}") from None


def _side(kind: str, when: object) -> str:
    fixed: dict[str, str] = {"drop_before": "before", "drop_after": "after", "truncate": "after", "partial": "after"}
    if when not in (None, "before", "after"):
        raise ValueError("when must be before or after")
    if kind in fixed and when not in (None, fixed[kind]):
        raise ValueError(f"{kind} always acts {fixed[kind]} the work")
    return fixed.get(kind) or str(when or "before")


def _number(wanted: dict[str, Any], name: str, default: float, least: float = 0) -> float:
    value = wanted.get(name, default)
    whole = name != "seconds"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value < least:
        raise ValueError(f"{name} must be a {'whole ' if whole else ''}number of at least {least:g}")
    return float(value)
