"""An organisation that has records already, and an installation that imports them: in one process, for tests of many cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.xero_user import XeroUser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from host.sync.engine import Engine
    from host.testing import Place

Element = dict[str, Any]
ACCOUNT = "200"


@dataclass
class Organisation:
    """A sandbox as the people and apps see it that are at work in Xero."""

    url: str

    def control(self, method: str, path: str, /, **body: Any) -> Any:
        answer = httpx.request(method, f"{self.url}/_sandbox/{path}", json=body or None, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def user(self, tenant: str = "") -> XeroUser:
        return XeroUser(self, tenant)  # type: ignore[arg-type]

    def calls(self, resource: str = "") -> list[Element]:
        found = self.control("GET", "calls")
        return [one for one in found if f"/api.xro/2.0/{resource}" in one["path"]]

    def calls_of_import(self, resource: str, before: int) -> list[Element]:
        return [one for one in self.calls(resource) if one["id"] > before]

    @property
    def last_call(self) -> int:
        return max((one["id"] for one in self.control("GET", "calls")), default=0)

    def writes(self, after: int) -> list[Element]:
        return [one for one in self.calls() if one["id"] > after and one["method"] in {"PUT", "POST", "DELETE"}]


@dataclass
class Importing:
    """A host, asked over its API."""

    place: Place
    organisation: Organisation

    @property
    def engine(self) -> Engine:
        assert self.place.host.engine is not None
        return self.place.host.engine

    def import_(self, kind: str, *, connection: str = "demo", **more: Any) -> Element:
        """Ask for an import and have it carried out; answers its batch."""
        answer = self.place.api.post(f"/connections/{connection}/import", {"kind": kind, **more})
        if answer["batch"] is None:
            return dict(answer)
        self.engine.imports.go_on(connection)
        batch: Element = self.place.api.get(f"/batches/{answer['batch']}")
        assert batch["closed_at"], batch
        return batch

    def counts(self, kind: str, batch: Mapping[str, Any]) -> dict[str, int]:
        """What came of how many, without the zeros."""
        assert batch["imported"]["stage"] == "done", batch["imported"]["reason"]
        return {action: count for action, count in batch["imported"]["kinds"][kind].items() if count}

    def imported(self, kind: str, **more: Any) -> dict[str, int]:
        return self.counts(kind, self.import_(kind, **more))

    def records(self, batch: Mapping[str, Any], **filters: str) -> list[Element]:
        return list(self.place.api.get(f"/batches/{batch['id']}/records", **filters)["items"])

    def all(self, kind: str, **filters: str) -> list[Element]:
        return list(self.place.api.get(f"/{kind}", page_size="500", **filters)["items"])

    def named(self, kind: str, name: str) -> Element:
        [found] = self.all(kind, name=name)
        return found

    def drain(self, connection: str = "demo") -> None:
        assert self.engine.drain(connection).spoke

    def put(self, path: str, record: Mapping[str, Any]) -> None:
        self.place.api.put(path, record)

    def run(self, *arguments: str, code: int = 0) -> str:
        done = self.place.run(*arguments)
        assert done.code == code, done
        return done.out


def links(record: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Connection and remote id of each link."""
    return [(one["connection"], one["remote_id"]) for one in record["sync"] if one["remote_id"]]
