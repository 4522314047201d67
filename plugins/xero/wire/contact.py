"""Contacts on the wire (API facts 4.2)."""

from __future__ import annotations

from marshmallow import fields

from plugins.xero.wire.fields import Wire


class AddressSchema(Wire):
    type = fields.String(data_key="AddressType")
    line1 = fields.String(data_key="AddressLine1")
    line2 = fields.String(data_key="AddressLine2")
    city = fields.String(data_key="City")
    region = fields.String(data_key="Region")
    postal_code = fields.String(data_key="PostalCode")
    country = fields.String(data_key="Country")


class PhoneSchema(Wire):
    type = fields.String(data_key="PhoneType")
    number = fields.String(data_key="PhoneNumber")
    area_code = fields.String(data_key="PhoneAreaCode")
    country_code = fields.String(data_key="PhoneCountryCode")


class ContactSchema(Wire):
    contact_id = fields.String(data_key="ContactID")
    contact_number = fields.String(data_key="ContactNumber")
    account_number = fields.String(data_key="AccountNumber")
    status = fields.String(data_key="ContactStatus")
    name = fields.String(data_key="Name")
    first_name = fields.String(data_key="FirstName")
    last_name = fields.String(data_key="LastName")
    email = fields.String(data_key="EmailAddress")
    tax_number = fields.String(data_key="TaxNumber")
    currency = fields.String(data_key="DefaultCurrency")
    sales_tax = fields.String(data_key="AccountsReceivableTaxType")
    purchase_tax = fields.String(data_key="AccountsPayableTaxType")
    addresses = fields.List(fields.Nested(AddressSchema), data_key="Addresses")
    phones = fields.List(fields.Nested(PhoneSchema), data_key="Phones")
