"""Everything about one thing, for people: what asked for it, the records, the calls with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from host.cli.base.output import moment, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo

_LONGEST: Final = 1000


def say_trace(found: Mapping[str, Any], zone: tzinfo) -> None:
    say(f"{found['id']}: {found['found_as']}")
    for one in found["requests"]:
        by = f" by {one['who']}" if one["who"] else ""
        say(f"\nasked for  {moment(one['at'], zone)}  {one['what']}{by} ({one['correlation_id']})")
    for one in found["records"]:
        _say_record(one, zone)
    for one in found["calls"]:
        _say_call(one, zone)
    for one in found["hook_failures"]:
        when = moment(one["last_failed_at"], zone)
        say(
            f"\nhook       {when}  plugin {one['plugin']} failed in {one['hook']} for {one['kind']} {one['ref']}: {one['error']}"
        )


def _say_record(one: Mapping[str, Any], zone: tzinfo) -> None:
    where = f" at {one['connection']}" if one["connection"] else ""
    say(f"\nrecord     {moment(one['changed_at'], zone)}  {one['kind']} {one['ref']}{where}: {one['state']}")
    for name in ("error", "reason", "remote_number", "remote_id", "remote_url"):
        if one[name]:
            say(f"           {name.replace('_', ' ')}: {one[name]}")
    for warning in one["warnings"]:
        say(f"           warning: {warning}")


def _say_call(one: Mapping[str, Any], zone: tzinfo) -> None:
    ended = "out" if one["closed_at"] is None else " ".join(str(part) for part in (one["status"], one["fate"]) if part)
    say(f"\ncall       {moment(one['sent_at'], zone)}  {one['method']} {one['address']}: {ended}")
    why = f": {one['reason']}" if one["reason"] else ""
    say(f"           id: {one['id']}{why}")
    if one["remote_correlation_id"]:
        say(f"           the remote's correlation id: {one['remote_correlation_id']}")
    for record in one["records"]:
        said = f": {record['reason']}" if record["reason"] else ""
        say(
            f"           {record['action']} {record['kind']} {record['ref']}: {record['outcome'] or 'no outcome yet'}{said}"
        )
    if one["others"]:
        say(f"           and {one['others']} other records")
    if one["bodies_gone_since"]:
        since = moment(one["bodies_gone_since"], zone)
        say(f"           what was sent and answered is not kept any more, since {since} ([host] keep_bodies_days)")
    _say_body("sent", one["request_body"])
    _say_body("answered", one["response_body"])


def _say_body(title: str, body: str) -> None:
    if body:
        text = " ".join(body.split())
        say(f"           {title}: {text if len(text) <= _LONGEST else f'{text[:_LONGEST]}… (--json shows all of it)'}")
