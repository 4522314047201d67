"""What a benchmark finds: figures, each with the goal that was set for it, if one was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MIDDLE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """``met`` is ``None`` for what is only reported."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None


def reported(what: str, value: float, unit: str = "") -> Figure:
    return Figure(what=what, value=_shown(value, unit))


def at_most(what: str, value: float, limit: float, unit: str = "") -> Figure:
    return Figure(what=what, value=_shown(value, unit), goal=f"at most {_shown(limit, unit)}", met=value <= limit)


def at_least(what: str, value: float, limit: float, unit: str = "") -> Figure:
    return Figure(what=what, value=_shown(value, unit), goal=f"at least {_shown(limit, unit)}", met=value >= limit)


def nothing(what: str, count: int) -> Figure:
    """Something that must not happen at all."""
    return Figure(what=what, value=str(count), goal="0", met=count == 0)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of all does not exceed."""
    if share == MIDDLE:
        return median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(figures: Sequence[tuple[str, Figure]]) -> str:
    """All figures under each other; each benchmark is named once."""
    rows = [("benchmark", "figure", "measured", "goal", "met")]
    named = ""
    for name, one in figures:
        met = "" if one.met is None else "yes" if one.met else "NO"
        rows.append(("" if name == named else name, one.what, one.value, one.goal, met))
        named = name
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _shown(value: float, unit: str) -> str:
    if unit in {"ms", "MB", "calls", "a second"} or value == int(value):
        digits = 0 if value >= MIDDLE or value == 0 else 1
    else:
        digits = 2
    return f"{value:,.{digits}f} {unit}".rstrip()
