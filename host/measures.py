"""How long things take, for whoever listens: the metrics of a server. Where nobody does, it costs nothing to speak of."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Listener(Protocol):
    def __call__(self, what: str, seconds: float, /, **labels: str) -> None: ...


class Measures:
    """``what`` is one of ``save`` (a saving transaction with its hooks), ``call`` (one HTTP call), ``drain`` (one run), ``request`` (one of ours)."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def took(self, what: str, seconds: float, /, **labels: str) -> None:
        for listener in self._listeners:
            listener(what, seconds, **labels)

    @contextmanager
    def timed(self, what: str, /, **labels: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.took(what, time.perf_counter() - begun, **labels)
