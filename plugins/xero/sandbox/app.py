"""The sandbox as an ASGI application: control under /_sandbox, everything else is Xero's own interface."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Mount

from plugins.xero.sandbox.control import control_routes
from plugins.xero.sandbox.gateway import Gateway
from plugins.xero.sandbox.world import Options, World


def create_app(options: Options | None = None) -> Starlette:
    """A Xero with its own state. Nothing of it outlives the application unless the options name a state file."""
    world = World(options or Options())
    gateway = Gateway(world)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        gateway.worker.shutdown()
        world.close()

    return Starlette(
        routes=[Mount("/_sandbox", routes=control_routes(gateway)), Mount("/", app=gateway)], lifespan=lifespan
    )
