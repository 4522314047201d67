"""Who may do what through the API."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    ADMIN = "admin"
    """Everything."""
    USER = "user"
    """Records, sync, batches and errors."""
