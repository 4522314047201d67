"""What an operator's machines ask: what waits, what goes wrong, whether requests should come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text, update

from hookspecs import Action, EntityEvent, Record
from host.dispatch import keep_failure
from host.roles import Role
from host.sync.tables import rows
from tests.integration.web.conftest import Office, OfficeAt, migrated
from tests.integration.web.test_syncing import drain

if TYPE_CHECKING:
    from host.testing.tiny_remote import TinyRemote


def samples(office: Office) -> dict[tuple[str, ...], float]:
    """By name and the values of its labels, in the order of their names."""
    answer = office.client.get("/metrics", headers={"Authorization": f"Bearer {office.tokens[Role.USER]}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (one.name.removeprefix("counterfoil_"), *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in families
        for one in family.samples
    }


def test_what_waits_and_what_is_stuck_is_counted(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    for n in range(3):
        office.put(f"/customers/bad{n}", {"name": "reject"})
    drain(office)
    office.put("/customers/ada", {"name": "Ada"})
    office.put("/customers/lost", {"name": "Ada", "connection": "nowhere"})
    found = samples(office)
    assert found["queue_records", "acme", "customers", "failed"] == 3
    assert found["queue_records", "acme", "customers", "waiting"] == 1
    assert found["queue_records", "nowhere", "customers", "waiting"] == 1
    assert 0 <= found["queue_oldest_seconds", "acme", "customers", "failed"] < 60
    assert found["stuck_records", "this text is not allowed", "acme"] == 3
    assert found["stuck_records", "there is no connection 'nowhere'", "nowhere"] == 1
    assert not [key for key in found if key[0] == "queue_records" and key[-1] == "synced"]
    assert found["connection_connected", "acme"] == 1
    assert found["token_expires_in_seconds", "acme"] == pytest.approx(1800, abs=60)
    assert found["token_age_seconds", "acme"] == pytest.approx(0, abs=60)
    assert found["database_up",] == 1


def test_limits_that_there_are_not_leave_no_calls_to_count(linked_office: Office) -> None:
    assert not [key for key in samples(linked_office) if key[0].startswith("calls_left")]


def test_durations_are_measured(linked_office: Office, remote: TinyRemote) -> None:
    office = linked_office
    before = samples(office)
    office.put("/customers/ada", {"name": "Ada"})
    office.ask("MADEUP", "/customers")
    drain(office)
    after = samples(office)

    def more(*key: str) -> float:
        return after[key] - before.get(key, 0)

    assert more("request_seconds_count", "PUT", "201") == 1
    assert more("request_seconds_count", "other", "405") == 1
    assert more("save_seconds_count", "here") == 1
    assert more("call_seconds_count", "acme") >= 1
    assert more("drain_seconds_count", "acme") >= 1


def test_failed_hooks_are_counted(office: Office) -> None:
    event = EntityEvent(kind="customers", record=Record(id="1", ref="ada"), action=Action.CREATED)
    with office.host.database.write() as session:
        keep_failure(session, "bad", "on_entity_saved", event, ValueError("on purpose"))
    assert samples(office)["hook_failures", "on_entity_saved", "bad"] == 1


def test_causes_are_few_however_many_there_are(linked_office: Office, remote: TinyRemote) -> None:
    words = "abcdefghijklmnopqrstuvwxyz"
    for n in range(len(words)):
        linked_office.put(f"/customers/r{n}", {"name": "Ada"})
    with linked_office.host.database.write() as session:
        for n, word in enumerate(words):
            stuck = update(rows).where(rows.c.ref == f"r{n}").values(state="failed", error=f"because of {word}")
            session.execute(stuck)
    told = [key for key in samples(linked_office) if key[0] == "stuck_records"]
    assert len(told) == 21
    assert samples(linked_office)["stuck_records", "other", ""] == len(words) - 20


def test_metrics_need_a_token_unless_the_configuration_opens_them(
    sqlite_from: Callable[..., str], office_at: OfficeAt
) -> None:
    office = office_at(sqlite_from(migrated))
    assert office.client.get("/metrics").status_code == 401
    opened = office_at(office.host.config.host.database_url, plugins='["core_billing"]\nwithout_token = ["metrics"]')
    assert opened.client.get("/metrics").status_code == 200


def test_metrics_are_answered_without_a_database(sqlite_from: Callable[..., str], office_at: OfficeAt) -> None:
    office = office_at(sqlite_from(migrated), plugins='["core_billing"]\nwithout_token = ["metrics"]')
    with office.host.database.write() as session:
        session.execute(text("DROP TABLE sync_rows"))
    answer = office.client.get("/metrics")
    assert answer.status_code == 200
    assert "counterfoil_database_up 0.0" in answer.text
    assert "counterfoil_request_seconds_bucket" in answer.text or "counterfoil_save_seconds" in answer.text


# ---------------------------------------------------------------------------------------------------------------- ready


def readiness(office: Office) -> tuple[int, dict[str, Any]]:
    answer = office.client.get("/readyz")
    return answer.status_code, {one["what"]: one["state"] for one in answer.json()["checks"] if one["state"] != "ok"}


def test_a_host_in_order_is_ready_and_says_what_it_looked_at(linked_office: Office) -> None:
    answer = linked_office.client.get("/readyz").json()
    assert answer["ready"] is True
    assert {one["what"] for one in answer["checks"]} == {
        "server", "records", "database", "migrations", "connection acme", "plugin core_billing", "plugin shelf", "plugin tiny",
    }  # fmt: skip


def test_a_connection_in_trouble_is_told_and_no_reason_to_go_elsewhere(linked_office: Office) -> None:
    with linked_office.host.database.write() as session:
        session.execute(text("UPDATE sync_connections SET status = 'disconnected', reason = 'Ada must log in'"))
    assert readiness(linked_office) == (200, {"connection acme": "disconnected"})
    assert "Ada" not in linked_office.client.get("/readyz").text


def test_a_plugin_that_failed_is_told(sqlite_from: Callable[..., str], office_at: OfficeAt) -> None:
    office = office_at(sqlite_from(migrated), plugins='["core_billing", "gone"]')
    assert readiness(office) == (200, {"plugin gone": "failed"})


def test_without_a_keeper_of_the_records_it_is_not_ready(sqlite_from: Callable[..., str], office_at: OfficeAt) -> None:
    office = office_at(sqlite_from(migrated), plugins='["shelf"]')
    assert readiness(office) == (503, {"records": "no plugin that keeps records is running"})


def test_tables_of_another_version_are_not_ready(office: Office) -> None:
    with office.host.database.write() as session:
        session.execute(text("UPDATE host_migrations SET version_num = '9999'"))
    code, wrong = readiness(office)
    assert (code, list(wrong)) == (503, ["migrations"])
    assert wrong["migrations"].startswith("at revision 9999, this program works with ")


def test_without_a_database_it_is_not_ready_and_lives(office: Office) -> None:
    with office.host.database.write() as session:
        session.execute(text("ALTER TABLE host_migrations RENAME TO gone"))
    assert readiness(office) == (503, {"database": "cannot be used"})
    assert office.client.get("/healthz").status_code == 200


def test_one_that_was_told_to_end_is_not_ready(sqlite_office: Office) -> None:
    sqlite_office.host.begin_to_stop()
    assert readiness(sqlite_office) == (503, {"server": "stopping"})
