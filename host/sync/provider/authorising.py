"""What a provider answers beside everything else where people let it in on a page of the remote's (OAuth 2.0, RFC 6749 section 4.1).

A provider that has these methods can be connected by consent (``auth`` is ``app``): the engine sends a person to ``consent_address``, gets a code back at
its own address, exchanges it with ``code_request``, asks which ``organisations`` the consent opened, and lets an admin choose one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from host.sync.provider.http import Request, Response
    from host.sync.provider.protocol import Ask, Organisation, Token
    from host.sync.provider.wishes import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One time that somebody is asked to let us in. ``state`` comes back with the answer, to the address ``redirect``; ``verifier`` shows that whoever
    exchanges the code is who asked (RFC 7636)."""

    state: str
    redirect: str
    verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a consent brought. Tokens belong to a person and an app: ``account`` names the two, in any form that is the same the next time, or is empty where
    the remote does not say. ``person`` is for people to read: a name, an e-mail address."""

    token: Token
    account: str = ""
    person: str = ""


@runtime_checkable
class Authorises(Protocol):
    """The methods of a provider that is let in by consent. All but ``organisations`` are pure."""

    def consent_address(self, connection: Connection, consent: Consent) -> str:
        """The page where a person consents. Raises ``AskPerson`` where the settings lack what it takes."""

    def code_request(self, connection: Connection, consent: Consent, code: str) -> tuple[str, Request]:
        """The address (scheme and host) and the call that exchanges the code."""

    def read_granted(self, connection: Connection, response: Response, now: datetime) -> Granted:
        """Raises ``AskPerson`` where the remote refuses, with what to do; ``Retry`` where it failed in passing."""

    def organisations(self, ask: Ask, granted: Granted) -> Sequence[Organisation]:
        """Those that this consent opened, or that it opened before. Their ids are those that ``organisation`` tells."""

    def leave_request(self, connection: Connection) -> Request | None:
        """The call that ends our access to this one organisation and touches no other; ``None`` where there is nothing to end."""
