"""What can be sent without harm is repaired on the way out, with a warning on the record (FEATURES, choice 16).

A repair takes a value and the name that people know it by, and answers the value as Xero takes it and a sentence on what was done, or none. What cannot
be repaired without changing its meaning (a code, a number that somebody else looks up) is never cut: the caller leaves it out or refuses the record.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from marshmallow import ValidationError
from marshmallow.validate import Email

if TYPE_CHECKING:
    from collections.abc import Callable

Repaired = tuple[str, str | None]

NAME_OF_ITEM: Final = 50
NAME_OF_CONTACT: Final = 255
LONG_TEXT: Final = 4000
ELLIPSIS: Final = "…"

LINE_BREAKS: Final = re.compile(r"\s*[\r\n\v\f\u0085\u2028\u2029]+\s*")
RUNS_OF_SPACES: Final = re.compile(r"[^\S\r\n\v\f\u0085\u2028\u2029]{2,}|[^\S\r\n\v\f\u0085\u2028\u2029 ]")
CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
NO_LETTERS: Final = re.compile(r"[^A-Za-z]+")

_valid_email: Final = Email()


@dataclass(slots=True)
class Workshop:
    """Repairs the fields of one record and collects the warnings."""

    warnings: list[str] = field(default_factory=list)

    def do(self, repair: Callable[[str, str], Repaired], value: str, name: str) -> str:
        if not value:
            return value  # there is nothing to repair
        repaired, warning = repair(value, name)
        if warning:
            self.warnings.append(warning)
        return repaired

    def line(self, value: str, name: str, longest: int) -> str:
        """A text of one line: tidied, and shortened where it is too long."""
        if _is_tidy(value) and len(value) <= longest:
            return value
        tidied = self.do(tidy, value, name)
        return self.do(lambda text, called: shorten(text, called, longest), tidied, name)


def _is_tidy(value: str) -> bool:
    """As most are. Of white space, only a plain space is printable."""
    return value.isprintable() and "  " not in value and value == value.strip()


def tidy(value: str, name: str) -> Repaired:
    """One line, no space at either end or doubled in the middle: Xero refuses such names (API facts 4.2)."""
    if _is_tidy(value):
        return value, None
    broken = LINE_BREAKS.sub(" ", value.strip())
    tidied = RUNS_OF_SPACES.sub(" ", CONTROLS.sub("", broken)).strip()
    if tidied == value:
        return value, None
    return tidied, f"{name}: {_untidiness(value)} tidied for Xero"


def _untidiness(value: str) -> str:
    found = [
        what
        for what, there in (
            ("outer spaces", value != value.strip()),
            ("line breaks", LINE_BREAKS.search(value.strip()) is not None),
            ("double spaces", RUNS_OF_SPACES.search(value.strip()) is not None),
            ("control characters", CONTROLS.search(value) is not None),
        )
        if there
    ]
    return " and ".join(found)


def tidy_text(value: str, name: str) -> Repaired:
    """A text of several lines keeps them; only what no text may hold is taken out."""
    tidied = CONTROLS.sub("", value)
    return (value, None) if tidied == value else (tidied, f"{name}: control characters taken out for Xero")


def shorten(value: str, name: str, longest: int) -> Repaired:
    if len(value) <= longest:
        return value, None
    return _cut(value, longest), f"{name} shortened to Xero's {longest} characters"


def _cut(value: str, longest: int) -> str:
    return value[: longest - 1].rstrip() + ELLIPSIS


def item_texts(name: str, description: str) -> tuple[str, str, str | None]:
    """An item's name at Xero's length, and a description that holds the whole of it."""
    if len(name) <= NAME_OF_ITEM:
        return name, description, None
    whole = description if name in _single_spaced(description) else f"{name}\n{description}".rstrip()
    return (
        _cut(name, NAME_OF_ITEM),
        whole,
        f"name shortened to Xero's {NAME_OF_ITEM} characters; the description has the whole of it",
    )


def _single_spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def without_angles(value: str, name: str) -> Repaired:
    """A contact's name without ``<`` and ``>``, which Xero refuses (API facts 4.2)."""
    if "<" not in value and ">" not in value:
        return value, None
    return value.replace("<", "‹").replace(">", "›"), f"{name}: < and > replaced for Xero"


def email(value: str, name: str) -> Repaired:
    """An e-mail address as it is, or nothing: Xero refuses the whole contact over one that it does not like, umlauts included (API facts 4.2)."""
    trimmed = value.strip()
    if not trimmed or (trimmed.isascii() and len(trimmed) <= NAME_OF_CONTACT and _is_email(trimmed)):
        return trimmed, None
    return "", f"{name} {value} left out: Xero takes only valid addresses without accented letters"


def _is_email(value: str) -> bool:
    try:
        _valid_email(value)
    except ValidationError:
        return False
    return True


def country(value: str, name: str) -> Repaired:
    """A country in plain letters and single spaces (API facts 4.2)."""
    decomposed = unicodedata.normalize("NFKD", value)
    without_marks = "".join(one for one in decomposed if not unicodedata.combining(one))
    without_points = re.sub(r"[.'’]", "", without_marks)
    plain = NO_LETTERS.sub(" ", without_points).strip()[:50].rstrip()
    if plain == value:
        return value, None
    if not plain:
        return "", f"{name} {value!r} left out: Xero takes only letters"
    return plain, f"{name} {value!r} sent as {plain!r}: Xero takes only letters"


def fit_or_leave_out(value: str, name: str, longest: int) -> Repaired:
    """A number that would be wrong when cut: whole, or not at all."""
    tidied, warning = tidy(value, name)
    if len(tidied) <= longest:
        return tidied, warning
    return "", f"{name} left out: it is longer than Xero's {longest} characters"
