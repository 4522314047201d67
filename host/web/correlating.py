"""The correlation id of a request: the asker's own where it is well formed, else a new one; in every answer, and in every line of the log until then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders

from host.correlation import correlated

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CORRELATION: Final = "X-Correlation-Id"


class Correlation:
    """Stands around everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(CORRELATION, "")
        with correlated(f"{scope['method']} {scope['path']}", given=given) as occasion:

            async def named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    MutableHeaders(scope=message)[CORRELATION] = occasion.correlation_id
                await send(message)

            await self._app(scope, receive, named)
