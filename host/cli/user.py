"""``counterfoil user``"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.base.context import migrated_installation
from host.cli.base.output import AsJson, examples, moment, new_app, print_json, print_table
from host.errors import Stop
from host.roles import Role  # noqa: TC001 - Typer reads the annotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

app = new_app("People who may log in.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name to log in with, such as ann or ann@example.com.")]


@app.callback()
def users() -> None:
    """People who may log in."""


@contextmanager
def _writing() -> Iterator[Session]:
    with migrated_installation() as found, found.database.write() as session:
        yield session


def password() -> str:
    """Asked for twice at a terminal, the first line of standard input otherwise."""
    if not sys.stdin.isatty():
        return _first_line()
    found: str = typer.prompt("Password", hide_input=True, err=True)
    if typer.prompt("The same again", hide_input=True, err=True) != found:
        raise Stop("the two passwords differ: nothing was saved")
    return found


def _first_line() -> str:
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Stop("the password on standard input is not text in UTF-8") from None


@app.command(
    epilog=examples(
        "counterfoil user add ann --role admin",
        "counterfoil user add bob@example.com --role user < password.txt",
    )
)
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do: user is for records, sync, batches and errors.")],
) -> None:
    """Add a person.

    The password is asked for, or read from standard input; only its hash is kept.
    """
    from host.users import add_user, check_name, hashed

    check_name(name)  # before anybody has typed a password
    with migrated_installation() as found:
        given = hashed(password())
        with found.database.write() as session:
            user = add_user(session, name, role, given)
    typer.echo(f"{user.name} may log in, with the role {user.role}", err=True)


@app.command("list", epilog=examples("counterfoil user list", "counterfoil user list --json"))
def list_all(*, as_json: AsJson = False) -> None:
    """Every person: name, role, since when, and until when."""
    from host.users import list_users

    with migrated_installation() as found, found.database.read() as session:
        rows = [asdict(user) for user in list_users(session)]
        zone = found.config.host.timezone
    if as_json:
        print_json(rows)
        return
    times = ("created_at", "disabled_at")
    print_table(
        [{**row, **{name: moment(row[name], zone) for name in times}} for row in rows], ["name", "role", *times]
    )


@app.command(epilog=examples("counterfoil user disable ann"))
def disable(name: Name) -> None:
    """Let a person not log in any more, until they are enabled."""
    from host.users import disable_user

    with _writing() as session:
        user = disable_user(session, name)
    typer.echo(f"{user.name} can't log in any more", err=True)


@app.command(epilog=examples("counterfoil user enable ann"))
def enable(name: Name) -> None:
    """Let a person who was disabled log in again."""
    from host.users import enable_user

    with _writing() as session:
        user = enable_user(session, name)
    typer.echo(f"{user.name} may log in again", err=True)


@app.command("password", epilog=examples("counterfoil user password ann"))
def set_password(name: Name) -> None:
    """Give a person another password.

    It is asked for, or read from standard input, as with `user add`.
    """
    from host.users import change_password, get_user, hashed

    with migrated_installation() as found:
        with found.database.read() as session:
            get_user(session, name)
        given = hashed(password())
        with found.database.write() as session:
            user = change_password(session, name, given)
    typer.echo(f"{user.name} has another password", err=True)
