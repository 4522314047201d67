"""The control interface of organisations: made, changed as only a Xero user can, filled, and begun anew."""

from starlette.requests import Request

from plugins.xero.sandbox import filling, screens
from plugins.xero.sandbox.apps import SECRET
from plugins.xero.sandbox.contacts import STATUSES
from plugins.xero.sandbox.control_body import Body, Unknown, count, flag, only, text, texts
from plugins.xero.sandbox.organisations import region_of
from plugins.xero.sandbox.world import OrganisationOption, World

TOUCHABLE = {"contacts": "contact", "items": "item", "invoices": "invoice", "accounts": "account"}


class CompanyControl:
    """Each method takes the body and the request, runs in the worker, and gives what is shown."""

    def __init__(self, world: World) -> None:
        self.world = world

    # -------------------------------------------------------------------------------------------------- organisations

    def organisations(self, _body: Body, _request: Request) -> list[Body]:
        rows = self.world.store.sql.execute(
            "SELECT org, client_id FROM organisation JOIN app USING (org) ORDER BY org"
        ).fetchall()
        return [self._shown(row["org"]) | {"client_id": row["client_id"], "client_secret": SECRET} for row in rows]

    def organisation(self, _body: Body, request: Request) -> Body:
        return self._shown(self.world.org(request.path_params["id"]))

    def add(self, body: Body, _request: Request) -> Body:
        only(body, {"name", "country", "currency"})
        wanted = OrganisationOption.checked(
            text(body, "name", "Another Company"), text(body, "country", "GB"), body.get("currency")
        )
        tenant_id, client_id = self.world.add_organisation(wanted)
        return {"tenant_id": tenant_id, "client_id": client_id, "client_secret": SECRET}

    def change(self, body: Body, request: Request) -> Body:
        org = self.world.org(request.path_params["id"])
        screens.change_organisation(self.world, org, body)
        return self._shown(org)

    def begin_anew(self, body: Body, _request: Request) -> Body:
        only(body, {"tenant_id", "keep_connections"})
        org = self._org(body)
        return {"tenant_id": self.world.renew_organisation(org, keep_connections=flag(body, "keep_connections"))}

    def _shown(self, org: int) -> Body:
        return screens.shown_organisation(self.world, org)

    def _org(self, body: Body) -> int:
        return self.world.org_meant(body.get("tenant_id"))

    # --------------------------------------------------------------------------------------------------------- records

    def fill(self, body: Body, _request: Request) -> Body:
        """Many records at once; the rest of the body says what the contacts among them have in common."""
        only(body, {"tenant_id", "contacts", "items", "name", "status", "is_customer", "is_supplier"})
        org, now = self._org(body), self.world.clock.milliseconds()
        contacts, items = count(body, "contacts", filling.MOST), count(body, "items", filling.MOST)
        alike = _alike(body)
        if alike.name and alike.status == "ACTIVE" and contacts > 1:
            raise ValueError("of contacts with one name only archived ones can be several")
        region = region_of(self.world.store.organisation(org)["CountryCode"])
        filling.fill_contacts(self.world.store, org, now, contacts, alike)
        filling.fill_items(self.world.store, org, now, items, (region.sales_tax, region.purchase_tax))
        return {"contacts": self.world.store.count("contact", org), "items": self.world.store.count("item", org)}

    def touch(self, body: Body, _request: Request) -> Body:
        """Changed in Xero, as far as the time of change tells: nothing else differs, and they go to the lists' ends."""
        only(body, {"tenant_id", "kind", "ids"})
        org, kind = self._org(body), TOUCHABLE.get(text(body, "kind", "contacts"))
        if kind is None:
            raise ValueError(f"kind must be one of {', '.join(TOUCHABLE)}")
        for document_id in texts(body, "ids"):
            updated = self.world.store.next_stamp(org, self.world.clock.milliseconds())
            if not self.world.store.touch(kind, org, document_id.lower(), updated):
                raise Unknown(f"no {kind} {document_id}")
        return {"touched": len(texts(body, "ids"))}

    def merge(self, body: Body, _request: Request) -> Body:
        only(body, {"tenant_id", "contact_id", "into"})
        return screens.merge(self.world, self._org(body), text(body, "contact_id"), text(body, "into"))

    def archive(self, body: Body, _request: Request) -> Body:
        only(body, {"tenant_id", "contact_id", "restore"})
        status = "ACTIVE" if flag(body, "restore") else "ARCHIVED"
        return screens.set_contact_status(self.world, self._org(body), text(body, "contact_id"), status)

    def gdpr(self, body: Body, _request: Request) -> Body:
        only(body, {"tenant_id", "contact_id"})
        return screens.set_contact_status(self.world, self._org(body), text(body, "contact_id"), "GDPRREQUEST")


def _alike(body: Body) -> filling.Alike:
    status = text(body, "status", "ACTIVE")
    if status not in STATUSES:
        raise ValueError(f"status must be one of {', '.join(sorted(STATUSES))}")
    name = text(body, "name") if "name" in body else None
    return filling.Alike(status, name, flag(body, "is_customer"), flag(body, "is_supplier"))
