"""Waking whoever has work, once whoever brought it has his answer."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_held: Final[ContextVar[list[Callable[[], None]] | None]] = ContextVar("counterfoil_held_wakes", default=None)


def wake(call: Callable[[], None]) -> None:
    """Make this call now; within ``answering_first``, at its end."""
    held = _held.get()
    if held is None:
        call()
    else:
        held.append(call)


@contextmanager
def answering_first() -> Iterator[None]:
    """Wakes wait until the end of this block, in every thread that works for it.

    What a save wakes begins to plan at once, in the same process: the saver's answer would be made in between, and people would wait for the sending of
    what they saved. The end always comes, also where the answer can't be delivered.
    """
    held: list[Callable[[], None]] = []
    token = _held.set(held)
    try:
        yield
    finally:
        _held.reset(token)
        for call in dict.fromkeys(held):
            call()
