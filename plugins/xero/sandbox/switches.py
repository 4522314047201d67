"""What the API facts leave unconfirmed (their section 9): each doubt is a switch with a default."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Switch:
    default: bool | int | str
    paragraph: str
    says: str
    choices: tuple[str, ...] = ()

    def problem_with(self, value: object) -> str | None:
        """Why the value does not fit, or None."""
        if self.choices:
            return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
        if type(value) is not type(self.default):
            names = {bool: "true or false", int: "a whole number", str: "a text"}
            return f"must be {names[type(self.default)]}"
        return None


SWITCHES: dict[str, Switch] = {
    "concurrent_refresh": Switch(
        "new_pair",
        "1.3",
        "a second refresh with the same refresh token inside the grace period",
        ("new_pair", "same_pair", "invalid_grant"),
    ),
    "invalid_client_status": Switch("400", "1.3", "status of invalid_client", ("400", "401")),
    "error_description": Switch(
        default=False, paragraph="1.3", says="refusals of the token endpoint have an error_description too"
    ),
    "malformed_token_detail": Switch("AuthenticationUnsuccessful", "1.6", "Detail for a missing or garbled bearer"),
    "scope_refusal_status": Switch("401", "1.6", "status when a scope is missing", ("401", "403")),
    "role_refusal_detail": Switch(
        "AuthenticationUnsuccessful", "1.6", "Detail of the 403 for what the user's role does not allow"
    ),
    "token_without_scope": Switch(
        "all_ticked", "1.2", "client_credentials without a scope parameter", ("all_ticked", "invalid_scope")
    ),
    "jwt_issuer": Switch("https://identity.xero.com", "1.3", "`iss` of access tokens"),
    "jwt_audience": Switch("https://identity.xero.com/resources", "1.3", "`aud` of access tokens"),
    "authorise_errors": Switch(
        "page",
        "1.2",
        "where a mistake in an authorise address is told, once the redirect address is known to be right",
        ("page", "redirect"),
    ),
    "authorise_scope_error": Switch(
        "invalid_scope",
        "1.2",
        "the word for a scope that the app may not ask for",
        ("invalid_scope", "unauthorized_client"),
    ),
    "callback_says_more": Switch(
        default=True, paragraph="1.2", says="the callback also has scope and, with openid, session_state"
    ),
    "reconnect_auth_event": Switch(
        "original",
        "1.4",
        "the authEventId of an organisation that is connected again: of the user's first time, of anybody's, or new",
        ("original", "original_of_anybody", "new"),
    ),
    "items_invoices_scope": Switch(default=False, paragraph="1.5", says="accounting.invoices also opens Items"),
    "app_minute_problem": Switch("appminute", "2.1", "X-Rate-Limit-Problem of the app-wide minute limit"),
    "rejected_calls_count": Switch(default=False, paragraph="2.1", says="calls answered 429 use up the windows too"),
    "retry_after_on_concurrent": Switch(default=False, paragraph="2.1", says="Retry-After: 1 on a concurrent 429"),
    "egress_counts_writes": Switch(default=True, paragraph="2.3", says="answers to writes count as egress"),
    "gzip": Switch(default=False, paragraph="3.1", says="answers are compressed for clients that accept gzip"),
    "batch_atomic": Switch(
        default=True,
        paragraph="3.4",
        says="with summarizeErrors=true one bad element keeps the others from being saved",
    ),
    "idempotency_conflict": Switch(
        "validation",
        "3.6",
        "body of the answer to a key used with a different request",
        ("validation", "plain"),
    ),
    "idempotency_in_flight": Switch(
        "wait",
        "3.6",
        "a repeat that arrives while the first call is still running",
        ("wait", "conflict"),
    ),
    "idempotency_caches_400": Switch(
        default=True, paragraph="3.6", says="a 400 is kept for the key like any other answer"
    ),
    "idempotency_key_too_long": Switch(
        "The Idempotency-Key header must be 128 characters or fewer.", "3.6", "message for a key over 128 characters"
    ),
    "if_modified_since": Switch(
        "after",
        "3.7",
        "rows changed after the stamp, from the stamp on, or from the next second on",
        ("after", "inclusive", "next_second"),
    ),
    "if_modified_since_304": Switch(default=False, paragraph="3.4", says="304 instead of an empty list"),
    "if_modified_since_archived_contacts": Switch(
        default=False, paragraph="3.7", says="If-Modified-Since lists archived contacts unasked"
    ),
    "if_modified_since_everywhere": Switch(
        default=False,
        paragraph="3.7",
        says="also TaxRates, Currencies, BrandingThemes and TrackingCategories, which tell no time of change, heed it",
    ),
    "unpaged_order": Switch(
        "updated", "3.7", "order of lists that have no pages, where none is asked for", ("updated", "none")
    ),
    "gdpr_contacts_listed": Switch(
        "with_archived",
        "4.2",
        "where contacts with GDPRREQUEST are listed: with includeArchived, in every list, or in none",
        ("with_archived", "always", "never"),
    ),
    "high_volume_documents": Switch(100_000, "2.2", "documents that a list may read before HighVolumeException"),
    "rounding_mode": Switch("half_up", "4.8", "rounding at exact half cents", ("half_up", "half_even")),
    "contact_match": Switch(
        "number",
        "4.2",
        "what a POST without ContactID is matched by first",
        ("number", "name"),
    ),
    "contact_account_number_unique": Switch(default=False, paragraph="4.2", says="AccountNumber must be unique"),
    "contact_unarchive": Switch(
        default=False, paragraph="4.2", says="an archived contact can be made ACTIVE through the API"
    ),
    "item_code_case_sensitive": Switch(
        default=False, paragraph="4.7", says="item codes that differ in letter case only are different"
    ),
    "item_tax_from_account": Switch(
        default=True, paragraph="4.7", says="an item side without TaxType takes its account's"
    ),
    "tracking_options": Switch(0, "4.5", "active options that a tracking category may have, 0 for any number"),
    "tracking_option_ids_listed": Switch(
        default=False, paragraph="4.5", says="lists of documents give TrackingOptionID, as single ones do"
    ),
    "due_date_missing_message": Switch(
        "A due date must be specified to approve this document.", "4.9", "message for approval without DueDate"
    ),
    "post_known_invoice_number": Switch(
        "edit",
        "3.2",
        "POST /Invoices without InvoiceID whose ACCREC number exists",
        ("edit", "refuse"),
    ),
    "invoice_number_reuse": Switch(
        "voided_and_deleted",
        "4.9",
        "whose numbers a new sales invoice may take",
        ("voided_and_deleted", "deleted", "none"),
    ),
    "void_again": Switch("refuse", "4.9", "VOIDED sent for a voided invoice", ("refuse", "accept")),
    "avalara_effective_rate": Switch("zero", "5", "EffectiveRate of AVALARA in TaxRates", ("zero", "absent")),
    "avalara_lines": Switch("accept", "5", "a line sent with TaxType AVALARA", ("accept", "refuse")),
    "several_accounts_message": Switch(
        "Only one element can be sent per request to this endpoint.", "2.2", "message for several Accounts or TaxRates"
    ),
    "payment_account_message": Switch(
        "Account could not be found", "4.12", "message for a payment to an account that takes none"
    ),
    "reconciled_payment_message": Switch(
        "This payment cannot be deleted as it has been reconciled with a bank statement.",
        "4.12",
        "message for deleting a reconciled payment",
    ),
}


class Switches:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {name: switch.default for name, switch in SWITCHES.items()}

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def set(self, wanted: dict[str, Any]) -> None:
        """Sets all of them or none; raises ValueError with one line per mistake."""
        problems = [problem for name, value in wanted.items() if (problem := _problem(name, value))]
        if problems:
            raise ValueError("; ".join(problems))
        self.values.update(wanted)

    def reset(self) -> None:
        self.values = {name: switch.default for name, switch in SWITCHES.items()}


def _problem(name: str, value: object) -> str | None:
    if name not in SWITCHES:
        return f"unknown switch {name!r} (known: {', '.join(sorted(SWITCHES))})"
    wrong = SWITCHES[name].problem_with(value)
    return wrong and f"switch {name} {wrong}"
