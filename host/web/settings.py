"""The configuration in force and the plugins, as an admin sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.config.shown import shown_host, shown_table
from host.plugins.describing import describe, describe_available
from host.web import answers
from host.web.exchange import Answer
from host.web.operations import operation

if TYPE_CHECKING:
    from host.web.exchange import Asked


@operation(answers.Settings)
def get_settings(asked: Asked) -> Answer:
    """The configuration in force, with its defaults; secrets masked."""
    asked.parameters()
    config = asked.host.config
    plugins = {plugin.name: shown_table(plugin.settings) for plugin in asked.host.plugins.all}
    shown = {"file": str(config.path), "host": shown_host(config.host), "plugins": plugins}
    return Answer(shown | {"notes": list(asked.engine.without_effect()) if asked.host.engine else []})


@operation(answers.whole_list(answers.Plugin))
def list_plugins(asked: Asked) -> Answer:
    """Every plugin: how it stands and why, what it offers, which hooks it owes; and those that could be named."""
    asked.parameters()
    named = describe(asked.host.plugins, asked.host.database)
    # In safe mode none is asked for, whatever the configuration names.
    return Answer({"items": named if asked.host.safe_mode else [*named, *describe_available(asked.host.plugins)]})
