"""Versions of records: ``ETag``, ``If-Match`` and ``If-None-Match`` (RFC 9110, sections 8.8.3 and 13.1).

An ETag has two parts: ``"<record>.<sync>"``. ``If-Match`` looks at the first alone: what a client must not overwrite unseen is the record, and how its sync
stands changes by itself. ``If-None-Match`` on GET looks at both, so that whoever waits for a state is not told that nothing is new.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from host.web.exchange import json_bytes
from host.web.problems import Refusal, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST_BYTES: Final = 9
# Proxies that compress turn an ETag into a weak one; ours says nothing about bytes, so it means the same.
_ONE: Final = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_ALL: Final = re.compile(rf"\s*{_ONE.pattern}\s*(?:,\s*{_ONE.pattern}\s*)*")


def etag(record: Mapping[str, Any]) -> str:
    """The ETag of a record as it is shown, with its ``sync``."""
    return f'"{_record_version(record)}.{_digest(record["sync"])}"'


def _record_version(record: Mapping[str, Any]) -> str:
    return _digest({name: value for name, value in record.items() if name != "sync"})


def _digest(value: Any) -> str:
    return blake2b(json_bytes(value, sort_keys=True), digest_size=_DIGEST_BYTES).hexdigest()


@dataclass(frozen=True, slots=True)
class Versions:
    """What such a header names: these ETags, or with ``*`` whatever there is."""

    named: frozenset[str]
    any: bool = False

    def match(self, record: Mapping[str, Any] | None) -> bool:
        """Whether the record is in one of these versions, however its sync stands."""
        if record is None:
            return False
        return self.any or _record_version(record) in {one.partition(".")[0] for one in self.named}

    def match_exactly(self, record: Mapping[str, Any]) -> bool:
        return self.any or etag(record).strip('"') in self.named


def versions(header: str, text: str | None) -> Versions | None:
    """What the header says; ``None`` where it is not there. Raises ``Refusal`` for what is no list of ETags."""
    if text is None:
        return None
    if text.strip() == "*":
        return Versions(frozenset(), any=True)
    if not _ALL.fullmatch(text):
        raise bad_request(f'{header} takes the ETag of a record as it was answered, with its quotes ("…"), or *')
    return Versions(frozenset(_ONE.findall(text)))


def changed_meanwhile(ref: str) -> Refusal:
    return Refusal(412, f"{ref} is not in the version that If-Match names: read it again, and decide anew")


def not_there(ref: str) -> Refusal:
    return Refusal(412, f"If-Match names a version, and there is nothing with the ref {ref!r}")


def there_already(ref: str) -> Refusal:
    return Refusal(412, f"{ref} is there already, and If-None-Match: * only makes new ones")
