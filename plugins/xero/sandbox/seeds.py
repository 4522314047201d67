"""What a new organisation holds: accounts (API facts 4.3), tax rates by region (4.4), currencies and their rates."""

from dataclasses import dataclass, field
from decimal import Decimal

# How many units of a currency one US dollar buys, in the sandbox for ever.
PER_DOLLAR = {
    "USD": Decimal(1),
    "GBP": Decimal("0.75"),
    "EUR": Decimal("0.86"),
    "AUD": Decimal("1.53"),
    "NZD": Decimal("1.74"),
    "CAD": Decimal("1.39"),
    "CHF": Decimal("0.80"),
    "DKK": Decimal("6.42"),
    "HKD": Decimal("7.80"),
    "INR": Decimal("88.50"),
    "JPY": Decimal("151.20"),
    "NOK": Decimal("10.05"),
    "PLN": Decimal("3.66"),
    "SEK": Decimal("9.44"),
    "SGD": Decimal("1.30"),
    "ZAR": Decimal("17.30"),
}
CURRENCY_NAMES = {
    "USD": "United States Dollar",
    "GBP": "British Pound",
    "EUR": "Euro",
    "AUD": "Australian Dollar",
    "NZD": "New Zealand Dollar",
    "CAD": "Canadian Dollar",
    "CHF": "Swiss Franc",
    "DKK": "Danish Krone",
    "HKD": "Hong Kong Dollar",
    "INR": "Indian Rupee",
    "JPY": "Japanese Yen",
    "NOK": "Norwegian Krone",
    "PLN": "Polish Zloty",
    "SEK": "Swedish Krona",
    "SGD": "Singapore Dollar",
    "ZAR": "South African Rand",
}
SUBSCRIBED = ("GBP", "USD", "EUR")
# What an organisation's own currency is where nobody says.
CURRENCY_OF = {
    "AU": "AUD",
    "CA": "CAD",
    "CH": "CHF",
    "DK": "DKK",
    "GB": "GBP",
    "HK": "HKD",
    "IN": "INR",
    "JP": "JPY",
    "NO": "NOK",
    "NZ": "NZD",
    "PL": "PLN",
    "SE": "SEK",
    "SG": "SGD",
    "US": "USD",
    "ZA": "ZAR",
} | dict.fromkeys(("AT", "BE", "DE", "EE", "ES", "FI", "FR", "GR", "IE", "IT", "LT", "LU", "LV", "NL", "PT"), "EUR")


def currency_rate(base: str, code: str) -> Decimal:
    """Units of the currency for one unit of the base, six decimals; 1 where the table has no entry."""
    if base == code or code not in PER_DOLLAR or base not in PER_DOLLAR:
        return Decimal(1)
    return (PER_DOLLAR[code] / PER_DOLLAR[base]).quantize(Decimal("0.000001"))


@dataclass(frozen=True)
class Region:
    """`rates` names the set of tax rates in RATES; Canada, Singapore and South Africa are Global but for theirs."""

    version: str
    timezone: str
    zone: str
    sales_tax: str  # the rate of ordinary sales, by TaxType
    purchase_tax: str
    rates: str
    tax_name: str = "Tax"
    year_end: tuple[int, int] = (31, 12)  # day and month
    basis: str = "ACCRUAL"
    period: str = "QUARTERLY"


@dataclass(frozen=True)
class AccountSeed:
    code: str
    name: str
    type: str
    tax: str = "none"  # sales | purchases | none
    system: str = ""
    payments: bool = False
    reporting: tuple[str, str] = ("ASS", "Asset")


@dataclass(frozen=True)
class RateSeed:
    """`applies`: A assets, E equity, X expenses, L liabilities, R revenue."""

    tax_type: str
    name: str
    percent: Decimal
    applies: str
    report: str
    status: str = "ACTIVE"
    components: tuple[tuple[str, Decimal], ...] = field(default=())


REGIONS = {
    "GB": Region(
        "UK", "GMTSTANDARDTIME", "Europe/London", "OUTPUT2", "INPUT2", "UK", "VAT", (31, 3), "ACCRUALS", "QUARTERLY1"
    ),
    "NZ": Region(
        "NZ",
        "NEWZEALANDSTANDARDTIME",
        "Pacific/Auckland",
        "OUTPUT2",
        "INPUT2",
        "NZ",
        "GST",
        (31, 3),
        "PAYMENTS",
        "TWOMONTHS",
    ),
    "AU": Region(
        "AU", "AUSEASTERNSTANDARDTIME", "Australia/Sydney", "OUTPUT", "INPUT", "AU", "GST", (30, 6), "ACCRUALS"
    ),
    "US": Region("US", "EASTERNSTANDARDTIME", "America/New_York", "OUTPUT", "INPUT", "US", "Sales Tax"),
    "CA": Region("GLOBAL", "EASTERNSTANDARDTIME", "America/Toronto", "OUTPUT", "INPUT", "CA"),
    "SG": Region("GLOBAL", "SINGAPORESTANDARDTIME", "Asia/Singapore", "OUTPUTY24", "INPUTY24", "SG", "GST"),
    "ZA": Region("GLOBAL", "SOUTHAFRICASTANDARDTIME", "Africa/Johannesburg", "OUTPUT3", "INPUT3", "ZA", "VAT"),
}
ELSEWHERE = Region("GLOBAL", "UTC", "UTC", "OUTPUT", "INPUT", "GLOBAL")

_EXPENSE = ("EXP", "Expense")
_REVENUE = ("REV", "Revenue")
_LIABILITY = ("LIA", "Liability")
_EQUITY = ("EQU", "Equity")
ACCOUNTS = (
    AccountSeed("090", "Business Bank Account", "BANK"),
    AccountSeed("091", "Business Savings Account", "BANK"),
    AccountSeed("200", "Sales", "REVENUE", "sales", reporting=_REVENUE),
    AccountSeed("260", "Other Revenue", "REVENUE", "sales", reporting=_REVENUE),
    AccountSeed("270", "Interest Income", "REVENUE", reporting=_REVENUE),
    AccountSeed("300", "Purchases", "DIRECTCOSTS", "purchases", reporting=_EXPENSE),
    AccountSeed("310", "Cost of Goods Sold", "DIRECTCOSTS", "purchases", reporting=_EXPENSE),
    AccountSeed("400", "Advertising & Marketing", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("404", "Bank Fees", "OVERHEADS", reporting=_EXPENSE),
    AccountSeed("412", "Consulting & Accounting", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("425", "Freight & Courier", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("429", "General Expenses", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("445", "Light, Power, Heating", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("453", "Office Expenses", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("461", "Printing & Stationery", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("469", "Rent", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("489", "Telephone & Internet", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("493", "Travel", "OVERHEADS", "purchases", reporting=_EXPENSE),
    AccountSeed("610", "Accounts Receivable", "CURRENT", system="DEBTORS"),
    AccountSeed("620", "Prepayments", "CURRENT"),
    AccountSeed("630", "Inventory", "INVENTORY"),
    AccountSeed("710", "Office Equipment", "FIXED", "purchases"),
    AccountSeed("720", "Computer Equipment", "FIXED", "purchases"),
    AccountSeed("800", "Accounts Payable", "CURRLIAB", system="CREDITORS", reporting=_LIABILITY),
    AccountSeed("801", "Unpaid Expense Claims", "CURRLIAB", system="UNPAIDEXPCLM", reporting=_LIABILITY),
    AccountSeed("820", "GST", "CURRLIAB", system="GST", reporting=_LIABILITY),
    AccountSeed("840", "Historical Adjustment", "CURRLIAB", system="HISTORICAL", reporting=_LIABILITY),
    AccountSeed("860", "Rounding", "CURRLIAB", system="ROUNDING", reporting=_LIABILITY),
    AccountSeed("877", "Tracking Transfers", "CURRLIAB", system="TRACKINGTRANSFERS", reporting=_LIABILITY),
    AccountSeed("960", "Retained Earnings", "EQUITY", system="RETAINEDEARNINGS", reporting=_EQUITY),
    AccountSeed("970", "Owner Funds Introduced", "EQUITY", payments=True, reporting=_EQUITY),
)

_SALES, _PURCHASES, _EVERY = "AELR", "AEXL", "AEXLR"


def _rate(tax_type: str, name: str, percent: str, applies: str, report: str = "", status: str = "ACTIVE") -> RateSeed:
    return RateSeed(tax_type, name, Decimal(percent), applies, report or tax_type, status)


RATES: dict[str, tuple[RateSeed, ...]] = {
    "UK": (
        _rate("OUTPUT2", "20% (VAT on Income)", "20", _SALES, "OUTPUT"),
        _rate("INPUT2", "20% (VAT on Expenses)", "20", _PURCHASES, "INPUT"),
        _rate("RROUTPUT", "5% (VAT on Income)", "5", _SALES, "OUTPUT"),
        _rate("RRINPUT", "5% (VAT on Expenses)", "5", _PURCHASES, "INPUT"),
        _rate("ZERORATEDOUTPUT", "Zero Rated Income", "0", _SALES),
        _rate("ZERORATEDINPUT", "Zero Rated Expenses", "0", _PURCHASES),
        _rate("EXEMPTOUTPUT", "Exempt Income", "0", _SALES),
        _rate("EXEMPTINPUT", "Exempt Expenses", "0", _PURCHASES),
        _rate("NONE", "No VAT", "0", _EVERY),
        _rate("ECACQUISITIONS", "EC Acquisitions (20%)", "0", _PURCHASES),
        _rate("ECZRACQUISITIONS", "EC Acquisitions (Zero Rated)", "0", _PURCHASES, "ECACQUISITIONS"),
        _rate("ECZROUTPUT", "Zero Rated EC Goods Income", "0", _SALES, "ECOUTPUT"),
        _rate("ECZROUTPUTSERVICES", "Zero Rated EC Services", "0", _SALES, "ECOUTPUTSERVICES"),
        _rate("REVERSECHARGES", "Reverse Charge Expenses (20%)", "0", _PURCHASES),
        _rate("DRCHARGE20", "Domestic Reverse Charge @ 20% (VAT on Expenses)", "0", _PURCHASES, "DRCHARGE"),
        _rate("DRCHARGE5", "Domestic Reverse Charge @ 5% (VAT on Expenses)", "0", _PURCHASES, "DRCHARGE"),
        _rate("DRCHARGESUPPLY20", "Domestic Reverse Charge @ 20% (VAT on Income)", "0", _SALES, "DRCHARGESUPPLY"),
        _rate("DRCHARGESUPPLY5", "Domestic Reverse Charge @ 5% (VAT on Income)", "0", _SALES, "DRCHARGESUPPLY"),
        _rate("CAPEXINPUT2", "20% (VAT on Capital Purchases)", "20", "A", "CAPEXINPUT"),
        _rate("CAPEXOUTPUT2", "20% (VAT on Capital Sales)", "20", "A", "CAPEXOUTPUT"),
        _rate("CAPEXSRINPUT", "17.5% (VAT on Capital Purchases)", "17.5", "A", "CAPEXINPUT"),
        _rate("CAPEXSROUTPUT", "17.5% (VAT on Capital Sales)", "17.5", "A", "CAPEXOUTPUT"),
        _rate("GSTONIMPORTS", "VAT on Imports", "0", "L"),
    ),
    "NZ": (
        _rate("OUTPUT2", "15% GST on Income", "15", _SALES, "OUTPUT"),
        _rate("INPUT2", "15% GST on Expenses", "15", _PURCHASES, "INPUT"),
        _rate("NONE", "No GST", "0", _EVERY),
        _rate("ZERORATED", "Zero Rated", "0", "LR", "ZERORATEDOUTPUT"),
        _rate("GSTONIMPORTS", "GST on Imports", "0", "L"),
        _rate("INPUT", "12.5% GST on Expenses", "12.5", _PURCHASES, "INPUT", "DELETED"),
        _rate("OUTPUT", "12.5% GST on Income", "12.5", _SALES, "OUTPUT", "DELETED"),
    ),
    "AU": (
        _rate("OUTPUT", "GST on Income", "10", _SALES),
        _rate("INPUT", "GST on Expenses", "10", _PURCHASES),
        _rate("CAPEXINPUT", "GST on Capital", "10", _PURCHASES),
        _rate("EXEMPTOUTPUT", "GST Free Income", "0", _SALES),
        _rate("EXEMPTEXPORT", "GST Free Exports", "0", _SALES),
        _rate("EXEMPTEXPENSES", "GST Free Expenses", "0", _PURCHASES),
        _rate("EXEMPTCAPITAL", "GST Free Capital", "0", _PURCHASES),
        _rate("INPUTTAXED", "Input Taxed", "0", _EVERY),
        _rate("BASEXCLUDED", "BAS Excluded", "0", _EVERY),
        _rate("GSTONIMPORTS", "GST on Imports", "0", "L"),
        _rate("GSTONCAPIMPORTS", "GST on Capital Imports", "0", "L"),
    ),
    "US": (
        # The look-up runs in Xero's own screens only; through the API the rate is none (API facts 5).
        _rate("AVALARA", "Auto Look Up (DO NOT USE)", "0", _EVERY),
        _rate("OUTPUT", "Tax on Sales", "9.25", _EVERY),
        _rate("INPUT", "Tax on Purchases", "8.25", _EVERY),
        _rate("NONE", "Tax Exempt", "0", _EVERY),
        _rate("GSTONIMPORTS", "Sales Tax on Imports", "0", "L"),
    ),
    # Of Canada, Singapore and South Africa only some; their sets are long and change by the year.
    "CA": (
        _rate("OUTPUT", "Tax on Sales", "0", _EVERY),
        _rate("INPUT", "Tax on Purchases", "0", _EVERY),
        _rate("NONE", "Tax Exempt", "0", _EVERY),
        _rate("GSTONIMPORTS", "Sales Tax on Imports", "0", "L"),
    ),
    "SG": (
        _rate("OUTPUTY24", "9% Standard-Rated Supplies", "9", _SALES),
        _rate("INPUTY24", "9% Standard-Rated Purchases", "9", _PURCHASES),
        _rate("ZERORATEDOUTPUT", "Zero-Rated Supplies", "0", _SALES),
        _rate("ZERORATEDINPUT", "Zero-Rated Purchases", "0", _PURCHASES),
        _rate("NONE", "No Tax", "0", _EVERY),
    ),
    "ZA": (
        _rate("OUTPUT3", "Standard Rate Sales", "15", _SALES),
        _rate("INPUT3", "Standard Rate Purchases", "15", _PURCHASES),
        _rate("ZERORATEDOUTPUT", "Zero Rated Sales", "0", _SALES),
        _rate("ZERORATEDINPUT", "Zero Rated Purchases", "0", _PURCHASES),
        _rate("NONE", "No VAT", "0", _EVERY),
    ),
    "GLOBAL": (
        _rate("OUTPUT", "Tax on Sales", "10", _EVERY),
        _rate("INPUT", "Tax on Purchases", "10", _EVERY),
        _rate("NONE", "Tax Exempt", "0", _EVERY),
        _rate("GSTONIMPORTS", "Sales Tax on Imports", "0", "L"),
    ),
}
ACTIONS = (
    "CreateApprovedInvoice",
    "CreateDraftInvoice",
    "CreateApprovedBill",
    "CreateDraftBill",
    "CreateRepeatingInvoice",
    "CreateRepeatingBill",
    "CreateSentQuote",
    "CreateDraftQuote",
    "CreateApprovedPurchaseOrder",
    "CreateDraftPurchaseOrder",
    "CreateInvoicePayment",
    "AttachFilesIntoInvoice",
    "UseMulticurrency",
    "CreateManualJournal",
    "ApproveTransactionsBeforePeriodLockDate",
)
