"""What a plugin offers, as data: the host lists it without running the plugin's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from hookspecs.unit_of_work import UnitOfWork

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input. ``path`` is the field as the caller wrote it (``lines.2.quantity``), empty for the whole record."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """How saving one record went. ``problems`` empty means saved; ``changed`` is false where the record already was like this (no hook fired)."""

    ref: str
    id: str = ""
    created: bool = False
    changed: bool = False
    problems: tuple[Problem, ...] = ()


class Deletion(StrEnum):
    GONE = "gone"
    """Deleted at once: nothing outside held it."""
    ASKED = "asked"
    """A connection holds it or may hold it: it waits for the connection's word."""
    INACTIVE = "inactive"
    """In use, so it was made inactive instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a list is asked for. ``sort`` are fields with a comma between them, each with ``-`` before it for descending; ``page`` counts from 1."""

    q: str = ""
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    page: int = 1
    page_size: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    items: Sequence[JSON]
    total: int


class KindService(Protocol):
    """What the API, ``load`` and the command line do with the records of one kind. JSON in and out has strings for money, quantities and dates."""

    def get(self, session: Session, ref: str) -> JSON | None:
        """The record as the API shows it, with its ``id``; ``None`` where there is none."""

    def list(self, session: Session, query: ListQuery) -> ListPage:
        """A page of records. Raises ``BadQuery`` for an unknown filter or sort field."""

    def ids(self, session: Session, refs: Sequence[str]) -> Mapping[str, str]:
        """The ids of the records with these refs, by ref."""

    def put(self, unit_of_work: UnitOfWork, inputs: Sequence[JSON], *, partial: bool = False) -> Sequence[Saved]:
        """Create or replace records (``partial``: change only the fields named), each input with its ``ref``. One answer per input, in order.

        Bad ones are answered with their problems and write nothing; good ones are written and told to the unit of work.
        """

    def delete(self, unit_of_work: UnitOfWork, ref: str) -> Deletion:
        """Delete, ask for deletion, or make inactive. Raises ``LookupError`` for an unknown ref and ``Refused`` where it cannot be."""


@runtime_checkable
class LocksRecords(Protocol):
    """What a ``KindService`` may have as well: with it, a client that says which version it means to change never overwrites another's change unseen.

    Without, two that write in the same moment may, on PostgreSQL.
    """

    def lock(self, session: Session, ref: str) -> None:
        """Keep others from changing the record with this ref, if there is one, until the transaction ends: PostgreSQL's ``FOR UPDATE``."""


@runtime_checkable
class GeneratesCodes(Protocol):
    """What a ``KindService`` may have as well: the host offers it as ``POST /api/v1/<kind>/<ref>/generate-code``."""

    def generate_code(self, unit_of_work: UnitOfWork, ref: str) -> Saved:
        """Give the record a code that no other has; another one, where it has one from here. Raises ``LookupError`` for an unknown ref and ``Refused`` where
        somebody gave it its code."""


class Refused(Exception):
    """The request is understood and not allowed; the message says why. Ask a person."""


class BadQuery(Exception):
    """A list was asked for with a filter or sort field that the kind does not have. The message names those it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of record that the API serves at ``/api/v1/<name>``."""

    name: str
    service: KindService
    schema: type[Any]
    """The marshmallow schema of its input: help, OpenAPI and validation come from it."""
    read_only: frozenset[str] = frozenset()
    """Fields that read back but are not set: ignored in PUT, refused in PATCH."""
    shown: type[Any] | None = None
    """The marshmallow schema of what reads back. Without it the description of the API leaves open what a record looks like."""
    filters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What its list can be filtered by, each with what the text must be, as JSON Schema says it; for the description of the API."""
    sorts: Sequence[str] = ()
    """What its list can be sorted by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGroup:
    """Commands for the command line, under ``counterfoil <name>``. ``target`` is ``package.module:attribute`` of a Typer app, imported when used."""

    name: str
    help: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrations:
    """Where a plugin's Alembic revisions are. Its tables bear ``<plugin>_`` as prefix; its version table is named by the host."""

    versions: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of the plugin's own, below ``/plugins/<plugin>``. ``target`` is ``package.module:attribute`` of a Starlette endpoint."""

    path: str
    target: str
    methods: tuple[str, ...] = ("GET",)
    role: str = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """What a plugin brings to ``counterfoil demo`` and to ``init --sandbox``.

    ``records`` gives (kind, records) in loading order. ``sandbox`` is the command line, after ``python``, of a process to start beside the host
    (``{port}`` and ``{state}`` are filled in), ``ready_path`` the address on it that answers 200 once it is up. ``settings(sandbox_url)`` answers the
    lines of TOML that the plugin's part of the configuration needs to work with that sandbox; it may call the sandbox and raises ``Refused`` when that
    does not answer. ``connect`` and ``after_connect`` are command lines, after ``counterfoil``, that link the demo's connection and make it ready.
    """

    records: Callable[[], Sequence[tuple[str, Sequence[JSON]]]] | None = None
    sandbox: Sequence[str] = ()
    ready_path: str = "/"
    settings: Callable[[str], str] | None = None
    connect: Sequence[str] = ()
    after_connect: Sequence[Sequence[str]] = ()
