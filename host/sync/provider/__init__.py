"""What an accounting provider tells the engine: small, mostly pure answers. The flow itself is the engine's.

For each record that waits, the engine asks in this order::

    prepare   inside a read transaction: resolve everything the record needs        -> Prepared | Blocked | Excluded
    plan      pure: what to do next, given what was agreed and what the remote says  -> Look | Send | Adopt | Done | Finish | Blocked | Refuse
    request   pure: one HTTP call for steps that may travel together                -> Request
    answers   pure: what the remote's reply says of each of them                     -> Done | Gone | Rejected | Taken | Unclear

The words for each: ``wishes`` (what waits), ``steps``, ``http`` (a call and what its answer means as a whole), ``answers``; ``protocol`` is the provider.
``Look`` steps are read with ``look_request`` and ``look_answer``; then ``plan`` is asked again with what was found. A provider never opens a
transaction, sends a call, keeps a queue, counts limits or retries: the engine does, the same way for every provider. A provider that needs none of
the optional abilities is under two hundred lines long (``host/testing/tiny_provider.py`` is one, and docs/providers.md
builds another step by step).
"""

from typing import Final

from hookspecs import JSON
from host.sync.provider.answers import Answer, Done, Gone, Looked, Outdated, Rejected, Taken, Unclear, Unreadable
from host.sync.provider.authorising import Authorises, Consent, Granted
from host.sync.provider.http import Fate, Request, Response, Trouble, Verdict, judge_by_status, retry_after
from host.sync.provider.importing import ImportsRecords, Key, Mirrored, Reading, ReadsChanges, RemoteRecord
from host.sync.provider.protocol import Ask, KindRule, Limits, Organisation, Provider, Token
from host.sync.provider.readiness import NamesConnections, Point, Standing, TellsReadiness
from host.sync.provider.steps import (
    NOT_LOOKED,
    Adopt,
    Blocked,
    Excluded,
    Finish,
    Look,
    Planned,
    Prepared,
    Refuse,
    Send,
    Step,
    Verb,
)
from host.sync.provider.wishes import Agreed, Connection, Desk, Link, Linked, Wanted, Wish

OPTIONAL: Final = (ImportsRecords, ReadsChanges, TellsReadiness, NamesConnections, Authorises)
"""What a ``Provider`` may be able to do besides: each of these whole, or not at all."""

__all__ = [
    "JSON",
    "NOT_LOOKED",
    "OPTIONAL",
    "Adopt",
    "Agreed",
    "Answer",
    "Ask",
    "Authorises",
    "Blocked",
    "Connection",
    "Consent",
    "Desk",
    "Done",
    "Excluded",
    "Fate",
    "Finish",
    "Gone",
    "Granted",
    "ImportsRecords",
    "Key",
    "KindRule",
    "Limits",
    "Link",
    "Linked",
    "Look",
    "Looked",
    "Mirrored",
    "NamesConnections",
    "Organisation",
    "Outdated",
    "Planned",
    "Point",
    "Prepared",
    "Provider",
    "Reading",
    "ReadsChanges",
    "Refuse",
    "Rejected",
    "RemoteRecord",
    "Request",
    "Response",
    "Send",
    "Standing",
    "Step",
    "Taken",
    "TellsReadiness",
    "Token",
    "Trouble",
    "Unclear",
    "Unreadable",
    "Verb",
    "Verdict",
    "Wanted",
    "Wish",
    "judge_by_status",
    "retry_after",
]
