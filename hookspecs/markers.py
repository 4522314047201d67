"""The markers that tie specifications to implementations."""

from typing import Final

import pluggy

PROJECT: Final = "counterfoil"

CONTRACT_VERSION: Final = 1
"""Raised when a plugin written against the old contract could misbehave under the new one.

A plugin states the version it was written for as a module-level ``contract_version``; the host reads it before it runs anything of the plugin.
"""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
