"""What a backup says of itself, so that it is understood without opening its database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load
from marshmallow.validate import OneOf

from host.errors import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

FORMAT: Final = 1
SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A backup in short. ``revisions`` are those of each line of migrations, ``prefix`` is the installation's own in its marks, ``keys`` counts the secret
    keys that lie in it."""

    made_at: datetime
    version: str
    database: str
    revisions: Mapping[str, str]
    prefix: str
    keys: int
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(self.shown(), indent=2)

    def shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = _ManifestSchema().dump(self)
        return shown


class _ManifestSchema(Schema):
    class Meta:
        unknown = EXCLUDE  # a later version may say more of itself in the same format

    format = fields.Integer(required=True, strict=True)
    made_at = fields.AwareDateTime(required=True)
    version = fields.String(required=True)
    database = fields.String(required=True, validate=OneOf((SQLITE, POSTGRESQL)))
    revisions = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    prefix = fields.String(required=True)
    keys = fields.Integer(required=True, strict=True)

    @post_load
    def _made(self, loaded: dict[str, Any], **_: Any) -> Manifest:
        return Manifest(**loaded)


def read_manifest(text: str) -> Manifest:
    """Raises ``Stop`` for what this program cannot put back."""
    try:
        found = json.loads(text)
        if isinstance(found, dict) and isinstance(found.get("format"), int) and found["format"] > FORMAT:
            raise Stop(f"it was made by a newer version of Counterfoil ({found.get('version')}): install that one")
        manifest: Manifest = _ManifestSchema().load(found)
    except (ValueError, ValidationError) as error:
        raise Stop(f"its manifest cannot be read: {' '.join(str(error).split())}") from error
    return manifest
