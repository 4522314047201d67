"""Errors, grouped by what happens next.

==================  =====================================================================================
``Stop``            the command or plugin cannot go on until a person mends something (settings, schema)
``AskPerson``       this record or connection needs a decision; everything else goes on
``Wait``            it will work later without anybody: try again at ``until``
``Retry``           it failed in passing: try again soon
==================  =====================================================================================

Every message is one line that says what is wrong and what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class CounterfoilError(Exception):
    """The base of the host's own errors. Its message is meant for people."""


class Stop(CounterfoilError):
    """Nothing works until a person mends it: shown in one line, exit code 1, nothing half written."""


class AskPerson(CounterfoilError):
    """Somebody must decide or repair; the message names the record or connection."""


class Wait(CounterfoilError):
    """Not now. ``until`` is when to try again, in UTC."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


class Retry(CounterfoilError):
    """It failed in passing; the caller tries again."""
