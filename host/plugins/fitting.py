"""Whether what a plugin offers can do what the host will ask of it: looked at when it is offered, not when the first record waits."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def faults_of(offer: object, contract: type[Any]) -> list[str]:
    """What keeps an object from being what the protocol describes: members that it lacks, and methods that can't be called as the host calls them."""
    members = {name: member for name, member in vars(contract).items() if not name.startswith("_")}
    missing = [name for name, member in members.items() if _is_missing(offer, name, member)]
    lacks = [f"lacks {', '.join(missing)}"] if missing else []
    return [*lacks, *_calls_that_fail(offer, {name: members[name] for name in members if name not in missing})]


def half_done(offer: object, abilities: Iterable[type[Any]]) -> Iterator[str]:
    """Of what an object may be able to do besides, each of which it has some members and not all: without a word it would count as none of it."""
    for ability in abilities:
        members = {name: member for name, member in vars(ability).items() if not name.startswith("_")}
        begun = [name for name, member in members.items() if not _is_missing(offer, name, member)]
        faults = faults_of(offer, ability) if begun else []
        if faults:
            yield f"has {', '.join(begun)} of {ability.__name__}, and {'; '.join(faults)}"


def _is_missing(offer: object, name: str, member: Any) -> bool:
    """Also where it was inherited from the protocol, whose own methods do nothing."""
    if getattr(type(offer), name, None) is member:
        return True
    found = getattr(offer, name, _NOTHING)
    return found is _NOTHING or (inspect.isfunction(member) and not callable(found))


_NOTHING = object()


def _calls_that_fail(offer: object, members: dict[str, Any]) -> Iterator[str]:
    for name, member in members.items():
        if not inspect.isfunction(member):
            continue
        given = list(inspect.signature(member).parameters.values())[1:]
        try:
            taken = inspect.signature(getattr(offer, name))
        except (TypeError, ValueError):
            continue  # something callable that Python cannot look into
        positional = [each.name for each in given if each.kind is not each.KEYWORD_ONLY]
        by_name = {each.name: None for each in given if each.kind is each.KEYWORD_ONLY}
        try:
            taken.bind(*positional, **by_name)
        except TypeError:
            yield f"its {name} takes {_shown(taken)}, and is given {', '.join([*positional, *by_name])}"


def _shown(taken: inspect.Signature) -> str:
    return ", ".join(taken.parameters) or "nothing"
