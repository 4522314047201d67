"""``counterfoil xero``: connect an organisation, and run a Xero to rehearse on."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from host.cli.base.consenting import connect_by_consent
from host.cli.base.context import host
from host.cli.base.output import AsJson, examples, new_app, print_json, say, warn
from host.errors import Stop

if TYPE_CHECKING:
    from host.app import Host
    from host.sync.engine import Engine

app = new_app(help="Connect Xero organisations, and run a Xero to rehearse on.")

# Named, not imported: the rehearsal stage must not be needed to perform.
SANDBOX: Final = "plugins.xero.sandbox.__main__"


class Auth(StrEnum):
    CUSTOM = "custom"
    APP = "app"


@app.command(
    epilog=examples(
        "counterfoil xero connect acme",
        "counterfoil xero connect acme --auth app --name 'Acme UK'",
        "counterfoil xero connect acme --auth app --organisation 'Acme Ltd' --json",
    )
)
def connect(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The connection's fixed name in the configuration, the API and links.")
    ],
    auth: Annotated[
        Auth,
        typer.Option(
            help="custom: with client_id and client_secret of the configuration. app: somebody allows access on a page of Xero's."
        ),
    ] = Auth.CUSTOM,
    organisation: Annotated[
        str | None, typer.Option(help="Which one, by name or id, where access to several was allowed.")
    ] = None,
    name: Annotated[
        str, typer.Option(help="The shown name of a new connection; else the organisation's, or the key.")
    ] = "",
    as_json: AsJson = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """Connect an organisation, or connect it again."""
    if organisation is not None and auth is Auth.CUSTOM:
        raise Stop("--organisation goes with --auth app: a custom connection leads to one organisation")
    with host() as opened:
        if auth is Auth.APP:
            connection = connect_by_consent(opened, key, provider="xero", name=name, organisation=organisation)
        else:
            connection = _engine(opened).connect(key, provider="xero", auth=auth.value, name=name)
    shown = {
        "key": connection.key,
        "name": connection.name,
        "organisation": connection.details.get("organisation_name", connection.name),
        "organisation_id": connection.organisation,
        "status": connection.status,
    }
    if as_json:
        print_json(shown)
    else:
        say(f"{key} is connected to {shown['organisation']}; next: counterfoil import all --connection {key}")


@app.command(epilog=examples("counterfoil xero disconnect acme", "counterfoil xero disconnect acme --delete"))
def disconnect(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The connection's key.")],
    *,
    delete: Annotated[
        bool,
        typer.Option(
            "--delete", help="Show it to nobody any more. Its links stay, so connected anew it doubles nothing."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """End the access to one organisation.

    No other is touched. What waits for it waits until it is connected again.
    """
    with host() as opened:
        connecting = _engine(opened).connecting
        left = (connecting.delete if delete else connecting.disconnect)(key, "disconnected on the command line")
    if as_json:
        print_json({"connection": key, "still_to_do": left})
    else:
        say(f"{key} is {'deleted' if delete else 'disconnected'}")
        if left:
            warn(left)


def _engine(opened: Host) -> Engine:
    if opened.engine is None:
        raise Stop("nothing keeps the billing records: no active plugin offers a store (see: counterfoil plugins list)")
    return opened.engine


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def sandbox(context: typer.Context) -> Any:
    """Run a Xero that lives here. Needs no configuration."""
    from importlib import import_module

    return import_module(SANDBOX).main(context.args)
