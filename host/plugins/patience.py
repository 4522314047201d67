"""Plugin code that has only so long to answer."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TookTooLong(Exception):
    """It did not come back in time. Its thread is left behind: Python cannot end it."""


def within(seconds: float, call: Callable[[], T]) -> T:
    """What ``call`` answers or raises; ``TookTooLong`` where it does neither in time. ``SystemExit`` counts as raising, not as the end of the host."""
    outcome: list[tuple[Any, BaseException | None]] = []

    def run() -> None:
        try:
            outcome.append((call(), None))
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits; sys.exit() in a plugin must not end the host
            outcome.append((None, error))

    # A daemon: a plugin that hangs must not hold up the end of the process as well.
    thread = threading.Thread(target=run, name="counterfoil-plugin", daemon=True)
    thread.start()
    thread.join(seconds)
    if not outcome:
        raise TookTooLong(f"no answer within {seconds:g} s")
    answer, error = outcome[0]
    if error is not None:
        raise error
    return cast(T, answer)
