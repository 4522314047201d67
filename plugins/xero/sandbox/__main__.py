"""python -m plugins.xero.sandbox: the sandbox by itself."""

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from plugins.xero.sandbox.apps import EXAMPLE, read_option
from plugins.xero.sandbox.serve import run
from plugins.xero.sandbox.world import OrganisationOption

LAST_PORT = 65535


def _organisation(text: str) -> OrganisationOption:
    try:
        return OrganisationOption.read(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _app(text: str) -> dict[str, Any]:
    try:
        return read_option(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 0 to {LAST_PORT}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} must be a number of seconds, 0 or more")
    return seconds


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (see `{self.prog} --help`)\n")


def main(arguments: list[str] | None = None) -> int:
    parser = _Parser(prog="counterfoil xero sandbox", description="A Xero that runs here, for rehearsals and tests.")
    parser.add_argument("--port", type=_port, default=9300, help="port to listen on, 0 for any (default 9300)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--state", type=Path, help="SQLite file that keeps the state; without it nothing is kept")
    parser.add_argument(
        "--org",
        action="append",
        default=[],
        type=_organisation,
        metavar="NAME:COUNTRY:CURRENCY",
        help="an organisation, repeatable (default Demo Company (UK):GB:GBP)",
    )
    parser.add_argument(
        "--app",
        action="append",
        default=[],
        type=_app,
        metavar="NAME=VALUE,...",
        help="an app as in Xero's developer portal, repeatable: client_id, name, kind (web or pkce), secret, redirect"
        f" (repeatable), scopes (granular or broad), bulk and certified (yes or no); for example {EXAMPLE}",
    )
    parser.add_argument("--no-limits", action="store_true", help="lift the minute, day and concurrent limits")
    parser.add_argument("--latency", type=_seconds, default=0.0, metavar="SECONDS", help="how long each API call takes")
    given = parser.parse_args(arguments)
    return run(
        given.port,
        given.state,
        given.org,
        apps=given.app,
        no_limits=given.no_limits,
        latency=given.latency,
        host=given.host,
    )


if __name__ == "__main__":
    sys.exit(main())
