"""What to do next about a record: what ``prepare`` and ``plan`` answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from host.sync.provider.answers import Done

if TYPE_CHECKING:
    from hookspecs import JSON
    from host.sync.provider.wishes import Wish


NOT_LOOKED: Final = object()
"""What ``plan`` gets as ``remote`` before anything was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A record with everything resolved. ``inputs`` is what equality is about: JSON values by field; a record whose inputs equal the agreed ones is not sent.

    ``data`` is the provider's own, handed to ``plan``. ``warnings`` name the repairs made on the way out. ``differs``: the remote is not as wanted in
    something that inputs do not tell of, so it is planned even where they are equal.
    """

    inputs: Mapping[str, Any]
    data: Any = None
    warnings: tuple[str, ...] = ()
    differs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """It can't go now. With ``waits_for`` (kind, record id) it is looked at again as soon as that record is through or has failed, or is saved where it
    rests; in any case when an import ends, a list entry is saved or somebody asks. ``reason`` tells a person what is missing and what to do. ``bring``:
    nobody asked for the record that it waits for (its kind is not sent by itself), so ask for it now."""

    reason: str
    waits_for: tuple[str, str] | None = None
    bring: bool = False


@dataclass(frozen=True, slots=True)
class Excluded:
    """It is not meant to go (settings, group). Not an error."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Read the remote before deciding. Looks of one ``lane`` travel together, at most ``most`` in a call."""

    lane: str
    value: str
    most: int = 40


class Verb(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Write it. Sends of one ``lane`` travel together, at most ``most`` in a call. ``body`` is the element in the remote's terms.

    ``findable``: a second create could only be refused, because the remote keeps the mark unique; an unknown outcome is settled at once by reading.
    ``warnings`` name what this step overrules at the remote; they are kept beside those of ``Prepared``.
    """

    lane: str
    verb: Verb
    body: JSON
    most: int = 50
    findable: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """It is there already: link it, then go on (an update follows where it differs)."""

    remote_id: str
    remote_number: str = ""
    remote_url: str = ""
    answered: JSON = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """A wish to delete is fulfilled without a call: the remote does not have it (any more). ``status`` is ``deleted`` or ``voided``."""

    status: str = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """It can't be done until a person changes something. ``conflict``: a remote record that is not ours stands in the way."""

    reason: str
    conflict: bool = False


Step = Look | Send | Adopt | Done | Finish | Refuse | Blocked
"""``Done`` as a step: reading showed that the remote has it like this already; it is booked like an answer, without a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step with the wish it is for, as the engine hands it back to ``request``, ``answers`` and the look methods. ``prepared`` is ``None`` where the record
    is gone, and for the looks of ``mark``, which settle a lost call: those go by what was sent."""

    wish: Wish
    prepared: Prepared | None
    step: Send | Look
