"""Plugins: found, checked, started, and called one at a time."""

from host.plugins.manager import Listener, Plugin, Plugins, State

__all__ = ["Listener", "Plugin", "Plugins", "State"]
