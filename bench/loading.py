"""How fast invoices are loaded from a file, against a bare ORM that stores the same invoices and does nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ForeignKey, Integer, String, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from bench import shop
from bench.figures import Figure, at_least, reported
from bench.stage import DATABASE, Stages, load_shop
from host.app import open_host
from host.ids import new_id
from host.loading import Loader, lines
from tests.e2e.processes import Host, Sandbox

INVOICES: Final = 4000
INVOICES_FULL: Final = 40_000
A_COMMIT: Final = 200
SAVED_SINGLY: Final = 500
SCALE: Final = 10_000

LEAST_TIMES: Final = {"SQLite": 1.82, "PostgreSQL": 1.47}
"""2,000 and 1,000 a second where a bare ORM saves one invoice of five lines in 0.91 and in 1.47 ms."""


def run(stages: Stages) -> Iterator[Figure]:
    count = INVOICES_FULL if stages.full else INVOICES
    for name, goal in LEAST_TIMES.items():
        stages.say(f"loading {count:,} invoices on {name}")
        with _shop(stages, sqlite=name == "SQLite") as host:
            file = shop.write(host.folder / "invoices.jsonl", shop.invoices(count))
            ours = count / _load(host.config, file)
        together = count / _bare(_empty(stages, name), count, A_COMMIT)
        singly = SAVED_SINGLY / _bare(_empty(stages, name), SAVED_SINGLY, 1)
        yield reported(f"{name}: invoices of five lines, Xero plugin on", ours, "a second")
        yield reported(f"{name}: a bare ORM that only stores them, {A_COMMIT} a commit", together, "a second")
        yield reported(f"{name}: a bare ORM that only stores them, one a commit", singly, "a second")
        yield at_least(f"{name}: against the bare ORM, one a commit", ours / singly, goal, "times")


def _empty(stages: Stages, name: str) -> str:
    return f"sqlite:///{stages.new_folder('bare') / DATABASE}" if name == "SQLite" else stages.postgresql_url()


@contextmanager
def _shop(stages: Stages, *, sqlite: bool) -> Iterator[Host]:
    folder = stages.new_folder("loading")
    (folder / "sandbox").mkdir()
    database = f"sqlite:///{folder / 'host' / DATABASE}" if sqlite else stages.postgresql_url()
    with Sandbox(folder / "sandbox", ("--no-limits",)) as sandbox, Host(folder / "host", database, sandbox) as host:
        host.set_up()
        load_shop(host)
        yield host


def _load(config: Path, file: Path) -> float:
    """What `counterfoil load` does, without its start."""
    with open_host(config) as host, file.open("rb") as source:
        assert host.engine is not None
        loader = Loader(kind=host.kinds["invoices"], saver=host.saver, sync=host.engine)
        begun = time.perf_counter()
        bad = [one for one in loader.load(lines(source)) if one.saved.problems]
        taken = time.perf_counter() - begun
    assert not bad, bad[0]
    return taken


# ------------------------------------------------------------------------------------------------------- the bare ORM


class Base(DeclarativeBase):
    pass


class BareInvoice(Base):
    __tablename__ = "bare_invoices"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    ref: Mapped[str] = mapped_column(String(100), unique=True)
    number: Mapped[str] = mapped_column(String(255), unique=True)
    customer: Mapped[str] = mapped_column(String(32), index=True)
    issue_date: Mapped[date]
    due_date: Mapped[date]
    status: Mapped[str] = mapped_column(String(20))
    subtotal: Mapped[int]
    total: Mapped[int]
    lines: Mapped[list[BareLine]] = relationship(cascade="all")


class BareLine(Base):
    __tablename__ = "bare_lines"
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    invoice: Mapped[str] = mapped_column(ForeignKey(BareInvoice.id), index=True)
    position: Mapped[int] = mapped_column(Integer)
    product: Mapped[str] = mapped_column(String(32), index=True)
    description: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]
    net: Mapped[int]


def _bare(url: str, count: int, a_commit: int) -> float:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _as_ours)
    Base.metadata.create_all(engine)
    records = iter(list(shop.invoices(count)))
    begun = time.perf_counter()
    while some := list(islice(records, a_commit)):
        with Session(engine) as session, session.begin():
            session.add_all(_bare_invoices(some))
    taken = time.perf_counter() - begun
    engine.dispose()
    return taken


def _as_ours(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _bare_invoices(records: Iterable[Mapping[str, Any]]) -> list[BareInvoice]:
    return [_bare_invoice(record) for record in records]


def _bare_invoice(record: Mapping[str, Any]) -> BareInvoice:
    kept = [_bare_line(line, position) for position, line in enumerate(record["lines"])]
    total = sum(line.net for line in kept)
    return BareInvoice(
        id=new_id(),
        ref=record["ref"],
        number=record["number"],
        customer=record["customer"],
        issue_date=date.fromisoformat(record["issue_date"]),
        due_date=date.fromisoformat(record["due_date"]),
        status="authorised",
        subtotal=total,
        total=total,
        lines=kept,
    )


def _bare_line(line: Mapping[str, Any], position: int) -> BareLine:
    quantity, price = int(line["quantity"]) * SCALE, int(line["unit_price"].replace(".", "")) * (SCALE // 100)
    return BareLine(
        id=new_id(),
        position=position,
        product=line["product"],
        description=line["description"],
        quantity=quantity,
        unit_price=price,
        net=quantity * price // SCALE,
    )
