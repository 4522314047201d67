"""Section 10 of the API facts, row by row: which tests show it, or what it waits for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

FOLDER = Path(__file__).parent

SHOWN = {
    "Authorise → code (5 min, single use) → token; exact redirect match; state echoed; access_denied on cancel": [
        "authorise:a_person_clicks_through_and_the_app_gets_tokens",
        "authorise:a_code_is_good_for_five_minutes",
        "authorise:a_code_is_good_once",
        "authorise:an_address_that_is_not_in_order_ends_on_a_page",
        "authorise:the_state_comes_back_as_it_was_sent",
        "authorise:who_says_no_sends_the_app_away",
    ],
    "PKCE S256": [
        "authorise:an_app_without_a_secret_proves_itself_by_its_verifier",
        "authorise:a_wrong_verifier_gets_nothing",
        "authorise:an_app_with_a_secret_may_use_it_too",
    ],
    "access token dies at 1800 s (configurable clock)": ["identity:an_access_token_dies_after_thirty_minutes"],
    "refresh rotation, 30-min grace, 60-day expiry": [
        "identity:refresh_rotates_and_the_old_token_lives_for_thirty_minutes_more",
        "identity:a_refresh_token_unused_for_sixty_days_is_dead",
    ],
    "concurrent refresh with the same token": [
        "identity:of_two_refreshes_with_one_token_only_the_last_pair_outlives_the_grace",
        "identity:what_a_second_refresh_gets_is_a_switch",
    ],
    "client_credentials custom connection": [
        "identity:a_custom_connection_gets_no_refresh_token_and_needs_no_tenant_header"
    ],
    "granular scopes enforced per endpoint and verb": ["identity:scopes_are_asked_for_each_resource_and_verb"],
    "Items scope switch": ["identity:items_take_the_invoices_scope_when_switched_so"],
    "GET/DELETE /connections, authEventId filter and original-authEventId rule": [
        "identity:deleting_needs_the_connections_own_id",
        "authorise:a_reconnect_has_an_empty_filtered_list",
        "authorise:an_organisation_is_chosen_one_for_each_consent",
    ],
    "tenant isolation": ["identity:organisations_are_apart", "authorise:two_users_have_grants_of_their_own"],
    "user disconnects in Xero (admin hook)": ["identity:a_user_disconnects_in_xero"],
    "revoke": ["identity:revoking_ends_the_grant_and_all_connections_of_the_user"],
    "XML default": ["conventions:without_asking_for_json_the_answer_is_xml"],
    "envelope, ProviderName, DateTimeUTC without offset": ["conventions:the_envelope"],
    "MS dates with and without `+0000`, helper strings": ["conventions:dates_as_xero_writes_them"],
    "pagination object only with page; clamp pageSize; page past end empty": [
        "lists:pagination_is_told_only_when_a_page_is_asked",
        "lists:the_page_size_is_clamped_in_silence",
        "lists:a_page_past_the_end_is_empty",
    ],
    "summaryOnly, includeArchived, IDs, Statuses, searchTerm, createdByMyApp": [
        "lists:summaries_leave_out_what_is_expensive",
        "lists:archived_contacts_are_hidden_unless_asked_for",
        "lists:invoices_by_ids_numbers_contacts_and_statuses",
        "lists:the_search_term_looks_into_some_texts",
        "lists:created_by_my_app",
        "lists:unpaged_resources_and_unknown_parameters_ignore_it",
    ],
    "where parser incl. case-insensitive equality, guid(), DateTime(), null, AND/OR, Contains": [
        "lists:where",
        "lists:where_by_guid",
        "lists:a_bad_where_is_refused",
    ],
    "order default UpdatedDateUTC ASC, id ASC": [
        "lists:the_default_order_is_by_change",
        "importing:a_list_that_changes_while_it_is_read_skips_a_row",
    ],
    "If-Modified-Since": [
        "lists:only_what_changed_since_is_listed",
        "importing:lists_that_tell_a_time_of_change_heed_the_stamp",
        "invoices:some_changes_of_settled_documents_do_not_show_in_the_stamp",
        "contacts:balances_follow_approved_documents_without_touching_the_stamp",
    ],
    "summarizeErrors default true → 400; false → 200 mix with StatusAttributeString": [
        "conventions:one_bad_element_fails_the_request",
        "conventions:without_the_summary_the_good_ones_are_saved",
    ],
    "StatusAttributeString only with summarizeErrors=false": [
        "conventions:the_status_of_each_element_is_told_only_without_the_summary"
    ],
    "404 empty text/html; 429 empty with headers; 503 plain text; 501 XML/JSON ErrorNumber 20; ErrorNumber 14 on bad enum": [
        "conventions:an_unknown_id_is_an_empty_page",
        "limits:the_call_over_the_minute_is_refused_with_nothing_but_headers",
        "faults:statuses_look_as_xero_makes_them",
        "conventions:a_method_that_is_not_there_is_501",
        "conventions:errors_are_xml_too",
        "conventions:what_cannot_be_read_is_error_14",
    ],
    "limits: 60/min, day (1000/5000), 5 concurrent, 10,000 app/min, fixed windows, headers decreasing": [
        "limits:the_headers_count_down",
        "limits:the_call_over_the_minute_is_refused_with_nothing_but_headers",
        "limits:more_than_five_at_once_are_refused",
        "limits:the_day_has_a_limit_of_its_own",
        "limits:an_apps_organisations_share_its_minute",
    ],
    "Idempotency-Key 6 min, per app, replay, conflict, cached error, >128 chars": [
        "idempotency:the_same_request_is_answered_again_and_written_once",
        "idempotency:the_key_is_new_again_after_six_minutes",
        "idempotency:another_request_with_the_key_is_refused",
        "idempotency:keys_belong_to_the_app_and_not_to_the_organisation",
        "idempotency:an_internal_error_is_remembered_too",
        "idempotency:a_key_has_at_most_128_characters",
    ],
    "PUT vs POST upsert; POST with known number edits; PUT duplicate errors": [
        "invoices:a_post_with_a_known_number_edits",
        "invoices:a_put_never_edits",
        "invoices:a_sales_number_is_unique",
    ],
    "contact name unique among ACTIVE, case-insensitive; archived frozen; archive with open invoices ok": [
        "contacts:names_are_unique_among_the_active_in_any_letter_case",
        "contacts:an_archived_contact_is_frozen",
        "importing:many_archived_contacts_have_one_name_and_one_active_has_it_too",
    ],
    "address/phone slots filled, IsCustomer ignored on input and derived": [
        "contacts:the_slots_are_always_there",
        "contacts:documents_make_customers_and_suppliers_without_touching_the_stamp",
    ],
    "TaxRates per region incl. DELETED rows and AVALARA (US); CanApplyTo check": [
        "reference_data:rates_of_each_region",
        "reference_data:old_new_zealand_rates_are_listed_as_deleted",
        "reference_data:the_american_look_up_rate_is_there_and_charges_nothing",
        "reference_data:rates_apply_to_classes_of_accounts",
        "regions:an_organisation_is_at_home_in_its_country",
    ],
    "accounts/tax defaults on lines; AccountID echo": ["invoices:an_account_and_a_tax_type_come_from_item_and_account"],
    "tax per-line rounding": ["invoices:tax_is_rounded_on_each_line"],
    "invoice state machine and edit matrix, exact messages": [
        "invoices:status_machine",
        "invoices:what_may_change_once_money_is_applied",
        "invoices:references_and_planned_dates_of_settled_documents",
    ],
    "LineItemID semantics": [
        "invoices:lines_sent_with_ids_are_changed_added_and_removed",
        "invoices:lines_without_ids_replace_all_of_them",
    ],
    "numbering sequences per type, burned by drafts": ["invoices:numbers_go_on_though_drafts_are_deleted"],
    # Its credit notes come with their endpoint.
    "payments: partial, exact, excess, delete; credit-note allocate/un-allocate": [
        "payments:in_parts_until_paid_and_back",
        "payments:a_deleted_payment_is_listed_among_the_changes",
        "payments:payments_that_are_refused",
    ],
    "void blocked while paid, allowed after payment delete": [
        "payments:a_paid_invoice_is_voided_only_after_its_payment_is_deleted"
    ],
    "lock dates": ["invoices:nothing_is_written_on_or_before_a_lock_date"],
    "Organisation/Actions drive refusals (approve, multicurrency)": ["reference_data:actions_drive_refusals"],
    # Its webhooks come with webhooks.
    "fault injection": [
        "faults:cut_connections",
        "faults:a_status_before_or_after_the_work",
        "faults:a_delayed_write_happens_though_the_client_has_gone",
        "faults:a_partial_batch_saves_the_first_elements_and_breaks",
    ],
    "egress meter per app, Organisation endpoint excluded": [
        "conventions:egress_is_counted_for_each_app_without_the_organisation"
    ],
    "Xero-Correlation-Id on every response": ["conventions:every_answer_has_a_correlation_id_of_its_own"],
}
NOT_YET = {
    "PO quirks (deleted number, BILLED delete OK)": "purchase orders",
    "attachments bytes, replace by name, 10 limit, forbidden characters": "attachments",
    "history: automatic records + notes, newest first": "history and notes",
    "Email endpoint 204/400, daily cap 0 on demo": "e-mailing invoices",
    "OnlineInvoice 400/404 for DRAFT (status UNCONFIRMED), URL otherwise": "online invoices",
    (
        "webhooks: signature vectors, ITR good/bad series, retry at 0 then every 15 min for 24 h, disable, 31-day replay"
        " in order, batching, echo of own writes"
    ): "webhooks",
}


def rows(reference: Path) -> list[str]:
    text = (reference / "xero/API-FACTS.md").read_text()
    table = text[text.index("## 10. ") :]
    found = re.findall(r"^\| (.+?) \| .+ \|$", table, re.MULTILINE)
    assert found[0] == "Behaviour"
    return found[1:]


def test_every_row_of_section_ten_is_shown_or_waits_for_something(reference: Path) -> None:
    assert sorted(rows(reference)) == sorted([*SHOWN, *NOT_YET])


def test_the_tests_that_show_a_row_exist() -> None:
    defined = {
        f"{path.stem.removeprefix('test_')}:{node.name.removeprefix('test_')}"
        for path in FOLDER.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert sorted({test for tests in SHOWN.values() for test in tests} - defined) == []
