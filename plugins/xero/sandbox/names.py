"""Member names as Xero spells them. It reads them in any letter case (API facts 3.1)."""

TEXT = """
    Id Status StatusAttributeString Warnings ValidationErrors Message HasErrors HasValidationErrors
    UpdatedDateUTC Contacts Contact ContactID ContactNumber AccountNumber ContactStatus Name FirstName LastName
    CompanyNumber TaxNumber TaxNumberType EmailAddress ContactPersons IncludeInEmails BankAccountDetails
    AccountsReceivableTaxType AccountsPayableTaxType Addresses AddressType AddressLine1 AddressLine2
    AddressLine3 AddressLine4 City Region PostalCode Country AttentionTo Phones PhoneType PhoneNumber
    PhoneAreaCode PhoneCountryCode IsSupplier IsCustomer DefaultCurrency SalesDefaultAccountCode
    PurchasesDefaultAccountCode SalesDefaultLineAmountType PurchasesDefaultLineAmountType
    SalesTrackingCategories PurchasesTrackingCategories TrackingCategoryName TrackingOptionName
    TrackingCategoryOption PaymentTerms XeroNetworkKey Bills Sales Day ContactGroups Website BrandingTheme
    BatchPayments Discount Balances HasAttachments MergedToContactID Attachments Accounts Account AccountID Code
    Type BankAccountNumber BankAccountType CurrencyCode Description TaxType Class EnablePaymentsToAccount
    ShowInExpenseClaims AddToWatchlist SystemAccount ReportingCode ReportingCodeName TaxRates TaxRate
    TaxComponents Rate IsCompound IsNonRecoverable ReportTaxType CanApplyToAssets CanApplyToEquity
    CanApplyToExpenses CanApplyToLiabilities CanApplyToRevenue DisplayTaxRate EffectiveRate Currencies Currency
    BrandingThemes BrandingThemeID LogoUrl SortOrder CreatedDateUTC Items Item ItemID IsSold IsPurchased
    PurchaseDescription SalesDetails PurchaseDetails UnitPrice AccountCode COGSAccountCode
    InventoryAssetAccountCode IsTrackedAsInventory TotalCostPool QuantityOnHand Invoices Invoice InvoiceID
    InvoiceNumber Reference LineItems LineItem LineItemID Quantity UnitAmount LineAmount ItemCode TaxAmount
    Tracking TrackingCategories TrackingCategoryID TrackingOptionID Option Options DiscountRate DiscountAmount Date DueDate LineAmountTypes
    Url CurrencyRate SentToContact ExpectedPaymentDate PlannedPaymentDate SubTotal TotalTax Total TotalDiscount
    AmountDue AmountPaid AmountCredited FullyPaidOnDate Payments CreditNotes Prepayments Overpayments
    IsDiscounted RepeatingInvoiceID InvoiceAddresses UpdatedDateUTCString DateString DueDateString
    RoundingAmount Payment PaymentID BatchPaymentID BatchPayment Amount BankAmount IsReconciled PaymentType
    HasAccount CreditNote CreditNoteID CreditNoteNumber Prepayment PrepaymentID Overpayment OverpaymentID
    Particulars Details
"""
SPELLED = TEXT.split()

BY_LOWER_CASE = {name.lower(): name for name in SPELLED}
KNOWN = frozenset(SPELLED)


def canonical(name: str) -> str:
    return name if name in KNOWN else BY_LOWER_CASE.get(name.lower(), name)
