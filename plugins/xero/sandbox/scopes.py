"""Scopes: which there are, and which of them open a resource (API facts 1.5)."""

from datetime import UTC, datetime

IDENTITY = ("openid", "profile", "email")
OFFLINE = "offline_access"
OWN_CONNECTIONS = "app.connections"  # an app's with a secret, without any user: to list and end its connections
READ_AND_WRITE = (
    "accounting.invoices",
    "accounting.payments",
    "accounting.banktransactions",
    "accounting.manualjournals",
    "accounting.settings",
    "accounting.contacts",
    "accounting.attachments",
)
REPORTS = ("aged", "balancesheet", "banksummary", "budgetsummary", "executivesummary", "profitandloss", "trialbalance")
SCOPES = (
    *IDENTITY,
    OFFLINE,
    *READ_AND_WRITE,
    *(f"{scope}.read" for scope in READ_AND_WRITE),
    *(f"accounting.reports.{report}.read" for report in (*REPORTS, "taxreports", "tenninetynine")),
    "accounting.budgets.read",
    "paymentservices",
)
# No refresh and no identity for a machine (API facts 1.2).
CUSTOM_SCOPES = tuple(scope for scope in SCOPES if scope not in (*IDENTITY, OFFLINE))
# For apps from before 2026-03-02 only, and for everybody until the day on which they stop working.
BROAD = ("accounting.transactions", "accounting.transactions.read", "accounting.reports.read")
BROAD_END = datetime(2027, 9, 13, tzinfo=UTC)
WITHIN_TRANSACTIONS = frozenset(
    {"accounting.invoices", "accounting.payments", "accounting.banktransactions", "accounting.manualjournals"}
)


def opening(wanted: set[str], method: str, now: datetime) -> set[str]:
    """The scopes of which one is enough for a call to what these open: reading needs either form, writing the full
    one, and a broad scope stands for the granular ones in it as long as there are broad ones."""
    accepted = set(wanted)
    if wanted & WITHIN_TRANSACTIONS and now < BROAD_END:
        accepted.add("accounting.transactions")
    if method == "GET":
        accepted |= {f"{scope}.read" for scope in accepted}
    return accepted


def concerns_organisations(scopes: frozenset[str]) -> bool:
    """Whether a consent to these needs an organisation; signing in with Xero does not."""
    return bool(scopes - {*IDENTITY, OFFLINE})
