"""What a provider brings of a remote's records, looked at before anything of it is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from host.errors import AskPerson
from host.sync.provider import RemoteRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from host.sync.provider import Ask, ImportsRecords, Reading


def pages(provider: str, importer: ImportsRecords, reading: Reading, ask: Ask) -> Iterator[Sequence[RemoteRecord]]:
    """Raises ``AskPerson`` where the provider does not answer as it should: what it brought then cannot be told apart from what the remote has."""
    found: Any = importer.remote_records(reading, ask)
    if not isinstance(found, Iterable):
        raise _fault(provider, f"{type(found).__name__}, and not pages of records")
    for page in found:
        if not isinstance(page, list | tuple):
            raise _fault(provider, f"{type(page).__name__} for a page: a page is a list of records")
        for one in page:
            if fault := _fault_of(one, reading.kinds):
                raise _fault(provider, fault)
        yield page


def _fault_of(one: Any, kinds: Collection[str]) -> str:
    if not isinstance(one, RemoteRecord):
        return f"a page with {type(one).__name__} in it: a page has RemoteRecords"
    id: Any = one.id
    fields: Any = one.fields
    if one.kind not in kinds:
        return f"a record of the kind {one.kind!r}, and was asked for {', '.join(kinds)}"
    if not isinstance(id, str) or not id:
        return f"a record ({one.name}) whose id is {id!r}: it needs one, as text"
    if not isinstance(fields, Mapping):
        return f"a record ({one.name}) whose fields are {type(fields).__name__}, and no mapping"
    return ""


def _fault(provider: str, what: str) -> AskPerson:
    return AskPerson(
        f"the plugin of {provider} is at fault, please report it to its authors: its remote_records answered {what}"
    )
