"""``counterfoil token``"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from host.cli.base.context import migrated_installation
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, print_table, say
from host.roles import Role  # noqa: TC001 - Typer reads the annotation

if TYPE_CHECKING:
    from host.tokens import Token

UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
LONGEST: Final = timedelta(days=36_500)

app = new_app("Tokens for the HTTP API.")


@app.callback()
def tokens() -> None:
    """Tokens for the HTTP API."""


def lifetime(text: str) -> timedelta:
    """How long ``90d``, ``12h`` or ``2w`` are. Raises ``BadParameter``."""
    read = re.fullmatch(r"([1-9]\d{0,6})([hdw])", text)
    found = int(read.group(1)) * UNITS[read.group(2)] if read else timedelta()
    if not timedelta() < found <= LONGEST:
        raise typer.BadParameter(
            f"{text!r} is not accepted: it takes a number of hours, days or weeks, such as 12h, 90d or 8w"
        )
    return found


@app.command(
    epilog=examples(
        "counterfoil token create --role user --expires 90d",
        "counterfoil token create --role admin > admin.token",
    )
)
def create(
    role: Annotated[Role, typer.Option(help="What it may do: user is for records, sync, batches and errors.")],
    expires: Annotated[
        timedelta | None,
        typer.Option(
            parser=lifetime,
            metavar="AGE",
            help="How long it is valid, such as 12h, 90d or 8w; without, until it is revoked.",
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, alone and once: only its hash is kept."""
    from host import clock
    from host.tokens import create_token

    expires_at = None if expires is None else clock.now() + expires
    with migrated_installation() as found, found.database.write() as session:
        token = create_token(session, role, expires_at=expires_at)
    if as_json:
        print_json({"token": token.text, "shown": token.shown, "role": role, "expires_at": expires_at})
    else:
        say(token.text)


@app.command("list", epilog=examples("counterfoil token list", "counterfoil token list --json"))
def list_all(*, as_json: AsJson = False) -> None:
    """Every token: how it begins, its role, whether it is valid.

    And when it was made, used last, and will end or ended.
    """
    from dataclasses import asdict

    from host import clock
    from host.tokens import list_tokens

    with migrated_installation() as found, found.database.read() as session:
        listed = list_tokens(session)
        zone = found.config.host.timezone
    now = clock.now()
    rows = [{**asdict(token), "state": state(token, now)} for token in listed]
    if as_json:
        print_json(rows)
        return
    times = ("created_at", "last_used_at", "expires_at", "revoked_at")
    for row in rows:
        row.update({name: moment(row[name], zone) for name in times})
    print_table(rows, ["shown", "role", "state", *times])


def state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else "valid"


@app.command(epilog=examples("counterfoil token revoke cf_Zk31aQ"))
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="How it begins, as `token list` shows it.")],
) -> None:
    """Make a token invalid, at once and for good."""
    from host.tokens import revoke_token

    with migrated_installation() as found, found.database.write() as session:
        revoked = revoke_token(session, token)
    typer.echo(f"{revoked.shown}… is not valid any more", err=True)
