"""Database: engines, transactions, column types. Public to plugins."""

from host.db.database import Database, transaction_open
from host.db.schema import NAMING, metadata
from host.db.types import ID, Ciphertext, Json, Scaled, Sealed, UtcDateTime

__all__ = [
    "ID",
    "NAMING",
    "Ciphertext",
    "Database",
    "Json",
    "Scaled",
    "Sealed",
    "UtcDateTime",
    "metadata",
    "transaction_open",
]
