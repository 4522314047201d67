"""``counterfoil xero``: connect an organisation, and run a Xero to rehearse on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from host.cli.base.context import host
from host.cli.base.output import AsJson, examples, new_app, print_json, say
from host.errors import Stop

app = new_app(help="Connect Xero organisations, and run a Xero to rehearse on.")

# Named, not imported: the rehearsal stage must not be needed to perform.
SANDBOX: Final = "plugins.xero.sandbox.__main__"


class Auth(StrEnum):
    CUSTOM = "custom"


@app.command(epilog=examples("counterfoil xero connect acme", "counterfoil xero connect acme --json"))
def connect(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The connection's fixed name in the configuration, the API and links.")
    ],
    auth: Annotated[
        Auth,
        typer.Option(help="custom: a custom connection, with the client_id and client_secret of the configuration."),
    ] = Auth.CUSTOM,
    as_json: AsJson = False,  # noqa: FBT002 - typer makes an option of it
) -> None:
    """Connect the organisation that the credentials lead to."""
    with host() as opened:
        if opened.engine is None:
            raise Stop(
                "nothing keeps the billing records: no active plugin offers a store (see: counterfoil plugins list)"
            )
        connection = opened.engine.connect(key, provider="xero", auth=auth.value)
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


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
def sandbox(context: typer.Context) -> Any:
    """Run a Xero that lives here. Needs no configuration."""
    from importlib import import_module

    return import_module(SANDBOX).main(context.args)
