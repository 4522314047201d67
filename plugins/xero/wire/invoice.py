"""Invoices and their lines on the wire (API facts 4.8, 4.9)."""

from __future__ import annotations

from marshmallow import fields

from plugins.xero.wire.fields import Amount, Day, Wire


class TrackingSchema(Wire):
    """What a line is tracked by, as it is sent."""

    category_id = fields.String(data_key="TrackingCategoryID")
    option_id = fields.String(data_key="TrackingOptionID")


class LineSchema(Wire):
    line_item_id = fields.String(data_key="LineItemID")
    description = fields.String(data_key="Description")
    quantity = Amount(data_key="Quantity")
    unit_price = Amount(data_key="UnitAmount")
    discount_percent = Amount(data_key="DiscountRate")
    item_code = fields.String(data_key="ItemCode")
    account = fields.String(data_key="AccountCode")
    tax = fields.String(data_key="TaxType")
    tracking = fields.List(fields.Nested(TrackingSchema), data_key="Tracking")


class ContactRefSchema(Wire):
    """A contact within a document: nothing but its id goes out, because anything more would edit the contact (API facts 4.2)."""

    contact_id = fields.String(data_key="ContactID")


class InvoiceSchema(Wire):
    type = fields.String(data_key="Type")
    invoice_id = fields.String(data_key="InvoiceID")
    number = fields.String(data_key="InvoiceNumber")
    contact = fields.Nested(ContactRefSchema, data_key="Contact")
    date = Day(data_key="Date")
    due_date = Day(data_key="DueDate")
    line_amounts = fields.String(data_key="LineAmountTypes")
    reference = fields.String(data_key="Reference")
    branding_theme = fields.String(data_key="BrandingThemeID")
    url = fields.String(data_key="Url")
    currency = fields.String(data_key="CurrencyCode")
    currency_rate = Amount(data_key="CurrencyRate")
    status = fields.String(data_key="Status")
    lines = fields.List(fields.Nested(LineSchema), data_key="LineItems")


class LedgerSchema(Wire):
    """Where an invoice stands: only ever read."""

    status = fields.String(data_key="Status", load_default="")
    total = Amount(data_key="Total", load_default=None)
    tax_total = Amount(data_key="TotalTax", load_default=None)
    amount_due = Amount(data_key="AmountDue", load_default=None)
    amount_paid = Amount(data_key="AmountPaid", load_default=None)
    amount_credited = Amount(data_key="AmountCredited", load_default=None)
