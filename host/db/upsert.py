"""Inserts that say what happens where the row is there already: both databases have them, and SQLAlchemy has a class of its own for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Table


def insert_or(table: Table, dialect: str) -> sqlite.Insert | postgresql.Insert:
    """``dialect`` is the name of a connection's."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)
