"""What ``counterfoil demo`` and ``init --sandbox`` need of Xero: a sandbox beside the host, and the settings that lead to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from hookspecs import Demo, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTION: Final = "demo"
LIMITS_PATH: Final = "/_sandbox/limits"
SANDBOX: Final = ("-m", "plugins.xero.sandbox", "--port", "{port}", "--state", "{state}")

SETTINGS: Final = """\
[plugins.xero]
entities_to_sync = ["customers", "suppliers", "products", "invoices"]

[plugins.xero.app]
client_id = "sandbox-app"
client_secret = "sandbox-secret"

[plugins.xero.custom]
client_id = "sandbox-custom"
client_secret = "sandbox-secret"

[plugins.xero.endpoints]
login = {url}
identity = {url}
api = {url}

[plugins.xero.limits]
minute = {minute}
concurrent = {concurrent}
day = {day}
"""


def demo() -> Demo:
    return Demo(
        sandbox=SANDBOX,
        ready_path=LIMITS_PATH,
        settings=settings_for,
        connect=("xero", "connect", CONNECTION),
        after_connect=(("import", "all", "--connection", CONNECTION),),
    )


def settings_for(sandbox_url: str) -> str:
    """The plugin's part of a configuration that works with this sandbox. Raises ``Refused`` where there is none."""
    url = sandbox_url.rstrip("/")
    return settings_with(url, _ask_limits(url))


def settings_with(url: str, limits: Mapping[str, Any]) -> str:
    return SETTINGS.format(
        url=json.dumps(url),  # a JSON string is a TOML string, too
        minute=limits.get("minute") or 0,
        concurrent=limits.get("concurrent") or 5,
        day=limits.get("day") or 0,
    )


def _ask_limits(url: str) -> Mapping[str, Any]:
    import httpx

    advice = "start one with: counterfoil xero sandbox"
    try:
        answer = httpx.get(url + LIMITS_PATH, timeout=5)
        answer.raise_for_status()
        limits = answer.json()
    except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
        raise Refused(f"{url!r} is no address of a sandbox: it takes one such as http://127.0.0.1:9300") from error
    except httpx.TransportError as error:
        raise Refused(f"no Xero sandbox answers at {url} ({error}): {advice}") from error
    except (httpx.HTTPError, ValueError):
        limits = None
    if not isinstance(limits, dict):
        raise Refused(f"what answers at {url} is no Xero sandbox: {advice}")
    return limits
