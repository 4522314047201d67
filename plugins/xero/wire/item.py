"""Items on the wire (API facts 4.7)."""

from __future__ import annotations

from marshmallow import fields

from plugins.xero.wire.fields import Amount, Wire


class SideSchema(Wire):
    """What an item costs and where it is booked, when sold or when bought."""

    price = Amount(data_key="UnitPrice")
    account = fields.String(data_key="AccountCode")
    tax = fields.String(data_key="TaxType")


class ItemSchema(Wire):
    item_id = fields.String(data_key="ItemID")
    code = fields.String(data_key="Code")
    name = fields.String(data_key="Name")
    description = fields.String(data_key="Description")
    purchase_description = fields.String(data_key="PurchaseDescription")
    sales = fields.Nested(SideSchema, data_key="SalesDetails")
    purchase = fields.Nested(SideSchema, data_key="PurchaseDetails")
