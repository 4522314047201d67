"""``counterfoil token``"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.base.context import installation
from host.cli.base.output import AsJson, new_app, print_json, print_table, say
from host.roles import Role  # noqa: TC001 - Typer reads the annotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.db import Database

app = new_app("Tokens for the HTTP API.")


@app.callback()
def tokens() -> None:
    """Tokens for the HTTP API."""


@contextmanager
def _database() -> Iterator[Database]:
    """The database alone: a plugin that is broken does not keep anybody from revoking a token."""
    from host.db.migrate import HOST, require_current, status

    with installation(safe_mode=True) as found:
        [line] = status(found.database, [HOST])
        require_current(line)
        yield found.database


@app.command()
def create(
    role: Annotated[Role, typer.Option(help="What it may do: user is for records, sync, batches and errors.")],
    days: Annotated[int | None, typer.Option(help="How long it is valid; without, until it is revoked.", min=1)] = None,
) -> None:
    """Make a token and print it, alone and once: only its hash is kept."""
    from host import clock
    from host.tokens import create_token

    expires_at = None if days is None else clock.now() + timedelta(days=days)
    with _database() as database, database.write() as session:
        token = create_token(session, role, expires_at=expires_at)
    say(token.text)


@app.command("list")
def list_all(*, as_json: AsJson = False) -> None:
    """Every token: how it begins, its role, and when it was made, used, revoked."""
    from dataclasses import asdict

    from host.tokens import list_tokens

    with _database() as database, database.read() as session:
        rows = [asdict(token) for token in list_tokens(session)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, ["shown", "role", "created_at", "last_used_at", "expires_at", "revoked_at"])


@app.command()
def revoke(token: Annotated[str, typer.Argument(help="How it begins, as `token list` shows it.")]) -> None:
    """Make a token invalid, at once and for good."""
    from host.tokens import revoke_token

    with _database() as database, database.write() as session:
        revoked = revoke_token(session, token)
    typer.echo(f"{revoked.shown}… is not valid any more", err=True)
