"""The organisation and its reference data on the wire (API facts 4.1, 4.3 to 4.6): only ever read."""

from __future__ import annotations

from marshmallow import fields

from plugins.xero.wire.fields import Amount, Day, Wire


class OrganisationSchema(Wire):
    id = fields.String(data_key="OrganisationID", required=True)
    name = fields.String(data_key="Name", required=True)
    short_code = fields.String(data_key="ShortCode", load_default="")
    base_currency = fields.String(data_key="BaseCurrency", load_default="")
    country = fields.String(data_key="CountryCode", load_default="")
    version = fields.String(data_key="Version", load_default="")
    timezone = fields.String(data_key="Timezone", load_default="")
    period_lock_date = Day(data_key="PeriodLockDate", load_default=None)
    end_of_year_lock_date = Day(data_key="EndOfYearLockDate", load_default=None)


class TaxRateSchema(Wire):
    """Every enumeration is read as text: new values appear without notice (API facts 4.4)."""

    tax_type = fields.String(data_key="TaxType", required=True)
    name = fields.String(data_key="Name", load_default="")
    status = fields.String(data_key="Status", load_default="ACTIVE")
    report_type = fields.String(data_key="ReportTaxType", load_default="")
    effective_rate = Amount(data_key="EffectiveRate", load_default=None)
    display_rate = Amount(data_key="DisplayTaxRate", load_default=None)


class AccountSchema(Wire):
    account_id = fields.String(data_key="AccountID", required=True)
    code = fields.String(data_key="Code", load_default="")
    name = fields.String(data_key="Name", load_default="")
    type = fields.String(data_key="Type", load_default="")
    status = fields.String(data_key="Status", load_default="ACTIVE")


class CurrencySchema(Wire):
    code = fields.String(data_key="Code", required=True)
    name = fields.String(data_key="Description", load_default="")


class BrandingThemeSchema(Wire):
    theme_id = fields.String(data_key="BrandingThemeID", required=True)
    name = fields.String(data_key="Name", load_default="")


class OptionSchema(Wire):
    option_id = fields.String(data_key="TrackingOptionID", required=True)
    name = fields.String(data_key="Name", required=True)
    status = fields.String(data_key="Status", load_default="ACTIVE")


class CategorySchema(Wire):
    category_id = fields.String(data_key="TrackingCategoryID", required=True)
    name = fields.String(data_key="Name", required=True)
    status = fields.String(data_key="Status", load_default="ACTIVE")
    options = fields.List(fields.Nested(OptionSchema), data_key="Options", load_default=list)
