"""HTTP. The only module of the engine that imports httpx."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Final

import httpx

from host.db import transaction_open
from host.sync.provider import Request, Response, Trouble

if TYPE_CHECKING:
    from datetime import timedelta

USER_AGENT: Final = "Counterfoil"
SLOWEST_CONNECT_SECONDS: Final = 10.0


class SentInTransaction(RuntimeError):
    """A call was about to leave while a transaction was open: a mistake in our own code, never shown to the remote."""


class Client:
    """Sends calls to one remote, over connections that are kept. Thread-safe."""

    def __init__(
        self,
        patience: timedelta,
        transport: httpx.BaseTransport | None = None,
        *,
        correlation_header: str = "",
        timed: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._timed = timed
        self._correlation_header = correlation_header
        timeout = httpx.Timeout(patience.total_seconds(), connect=SLOWEST_CONNECT_SECONDS)
        self._client = httpx.Client(
            timeout=timeout,
            transport=transport,
            headers={"User-Agent": USER_AGENT},
            follow_redirects=False,
            trust_env=True,
        )

    def send(self, base_url: str, request: Request, headers: Mapping[str, str]) -> Response | Trouble:
        """Send one call and read its answer to the end. Raises nothing of httpx: what went wrong is the answer."""
        if transaction_open():
            raise SentInTransaction(f"{request.method} {request.path} was about to be sent inside a transaction")
        try:
            with self._timed():
                answer = self._client.request(
                    request.method,
                    base_url.rstrip("/") + request.path,
                    params=list(request.query) or None,
                    content=request.body or None,
                    headers={**request.headers, **headers},
                )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            return Trouble.REFUSED
        except (httpx.TransportError, httpx.DecodingError):
            # Whatever broke after the connection stood: the remote may have done it.
            return Trouble.LOST
        lower = {name.lower(): value for name, value in answer.headers.items()}
        named = lower.get(self._correlation_header, "")
        return Response(status=answer.status_code, body=answer.content, headers=lower, correlation_id=named)

    def close(self) -> None:
        self._client.close()
