"""Backups: all that an installation knows, in one file, and back into an empty database.

A backup is a zip file: ``manifest.json`` (what it is a backup of), ``database.sqlite`` or ``database.dump`` (``pg_dump``'s custom format), and the secret
keys where they were asked for. It is one moment of the database: nothing of it is half there, whatever goes on meanwhile.
"""

from host.backup.making import Made, back_up
from host.backup.manifest import Manifest
from host.backup.restoring import Restored, restore

__all__ = ["Made", "Manifest", "Restored", "back_up", "restore"]
