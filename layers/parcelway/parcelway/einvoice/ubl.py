"""A document in UBL 2.1 (OASIS, ISO/IEC 19845), as CEN/TS 16931-3-2 binds EN 16931 to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from xml.etree.ElementTree import Element

from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.money import Money
from parcelway.domain.parties import Address
from parcelway.domain.shop import TaxCode
from parcelway.einvoice import semantics
from parcelway.einvoice.semantics import decimal
from parcelway.einvoice.xml_tree import node, written

_SCHEMA = "urn:oasis:names:specification:ubl:schema:xsd:"
_CAC, _CBC = f"{_SCHEMA}CommonAggregateComponents-2", f"{_SCHEMA}CommonBasicComponents-2"


def write(invoice: Invoice) -> bytes:
    """The document in UTF-8: an Invoice, or a CreditNote."""
    kind = "CreditNote" if invoice.kind == "credit_note" else "Invoice"
    root = f"{_SCHEMA}{kind}-2"
    content = [*_header(invoice, kind), *_body(invoice, kind)]
    return written(node(f"{{{root}}}{kind}", *content), {"": root, "cac": _CAC, "cbc": _CBC})


def _a(name: str, *content: Element | None) -> Element | None:
    """An aggregate."""
    return node(f"{{{_CAC}}}{name}", *content)


def _b(name: str, text: str, **attributes: str) -> Element | None:
    """A basic component."""
    return node(f"{{{_CBC}}}{name}", text, **attributes)


def _amount(name: str, amount: Money) -> Element | None:
    return _b(name, decimal(amount), currencyID=amount.currency)


def _header(invoice: Invoice, kind: str) -> Iterator[Element | None]:
    due, credit = semantics.due_on(invoice), kind == "CreditNote"
    if not semantics.obstacles(invoice):
        yield _b("CustomizationID", semantics.SPECIFICATION)
    yield _b("ID", invoice.number)
    yield _b("IssueDate", invoice.issued_at.date().isoformat())
    if due and not credit:
        yield _b("DueDate", due.isoformat())
    yield _b(f"{kind}TypeCode", semantics.TYPE_CODES[invoice.kind])
    yield _b("Note", semantics.note(invoice))
    yield _b("DocumentCurrencyCode", invoice.currency)
    yield _a("OrderReference", _b("ID", invoice.purchase_order))
    yield _a("BillingReference", _preceding(invoice))


def _preceding(invoice: Invoice) -> Element | None:
    if not invoice.refers_to or invoice.refers_to_issued is None:
        return None
    issued = invoice.refers_to_issued.date().isoformat()
    return _a("InvoiceDocumentReference", _b("ID", invoice.refers_to), _b("IssueDate", issued))


def _body(invoice: Invoice, kind: str) -> Iterator[Element | None]:
    yield _a("AccountingSupplierParty", _seller(invoice))
    yield _a("AccountingCustomerParty", _buyer(invoice))
    yield _delivery(invoice)
    yield from _payment(invoice)
    yield _a("TaxTotal", _amount("TaxAmount", invoice.tax), *map(_subtotal, invoice.taxes))
    yield _totals(invoice)
    for number, line in enumerate(invoice.lines, start=1):
        yield _line(number, line, invoice, kind)


def _seller(invoice: Invoice) -> Element | None:
    seller, (identifier, vat, other) = invoice.seller, semantics.seller_numbers(invoice)
    return _a(
        "Party",
        _b("EndpointID", seller.email, schemeID=semantics.E_MAIL),
        _a("PartyIdentification", _b("ID", identifier)),
        _a("PartyName", _b("Name", seller.name)),
        _address("PostalAddress", seller.address),
        _tax_number(vat, "VAT"),
        _tax_number(other, "TAX"),
        _a("PartyLegalEntity", _b("RegistrationName", seller.name)),
        _a("Contact", _b("Name", seller.name), _b("ElectronicMail", seller.email)),
    )


def _buyer(invoice: Invoice) -> Element | None:
    address, name = semantics.buyer_address(invoice), semantics.buyer_name(invoice)
    return _a(
        "Party",
        _b("EndpointID", invoice.buyer.email, schemeID=semantics.E_MAIL),
        _a("PartyName", _b("Name", name)),
        _address("PostalAddress", address) if address else None,
        _tax_number(semantics.buyer_vat_number(invoice), "VAT"),
        _a("PartyLegalEntity", _b("RegistrationName", name)),
        _a("Contact", _b("Name", invoice.buyer.name)),
    )


def _tax_number(number: str, scheme: str) -> Element | None:
    if not number:
        return None
    return _a("PartyTaxScheme", _b("CompanyID", number), _a("TaxScheme", _b("ID", scheme)))


def _address(name: str, address: Address) -> Element | None:
    return _a(
        name,
        _b("StreetName", address.line1),
        _b("AdditionalStreetName", address.line2),
        _b("CityName", address.city),
        _b("PostalZone", address.postal_code),
        _b("CountrySubentity", address.region),
        _a("Country", _b("IdentificationCode", address.country)),
    )


def _delivery(invoice: Invoice) -> Element | None:
    supplied, to = invoice.supplied_at, invoice.delivered_to
    return _a(
        "Delivery",
        _b("ActualDeliveryDate", supplied.date().isoformat() if supplied else ""),
        _a("DeliveryLocation", _address("Address", to)) if to else None,
        _a("DeliveryParty", _a("PartyName", _b("Name", to.company or to.name))) if to else None,
    )


def _payment(invoice: Invoice) -> Iterator[Element | None]:
    due = semantics.due_on(invoice) if invoice.kind == "credit_note" else None
    account = semantics.account(invoice)
    yield _a(
        "PaymentMeans",
        _b("PaymentMeansCode", semantics.means(invoice)),
        _b("PaymentDueDate", due.isoformat() if due else ""),
        _b("PaymentID", invoice.number if account else ""),
        _a("PayeeFinancialAccount", _b("ID", account)),
    )
    yield _a("PaymentTerms", _b("Note", invoice.payment_terms))


def _subtotal(tax: TaxLine) -> Element | None:
    return _a(
        "TaxSubtotal",
        _amount("TaxableAmount", tax.net),
        _amount("TaxAmount", tax.tax),
        _category("TaxCategory", semantics.code_of(tax), tax.rate, *semantics.exemption(tax)),
    )


def _category(
    name: str, code: TaxCode, rate: int, why_code: str = "", why: str = ""
) -> Element | None:
    return _a(
        name,
        _b("ID", code),
        _b("Percent", "" if code == "O" else semantics.percentage(rate)),
        _b("TaxExemptionReasonCode", why_code),
        _b("TaxExemptionReason", why),
        _a("TaxScheme", _b("ID", "VAT")),
    )


def _totals(invoice: Invoice) -> Element | None:
    prepaid = semantics.paid(invoice)
    return _a(
        "LegalMonetaryTotal",
        _amount("LineExtensionAmount", invoice.net),
        _amount("TaxExclusiveAmount", invoice.net),
        _amount("TaxInclusiveAmount", invoice.gross),
        _amount("PrepaidAmount", prepaid) if prepaid else None,
        _amount("PayableAmount", invoice.gross - prepaid),
    )


def _line(number: int, line: InvoiceLine, invoice: Invoice, kind: str) -> Element | None:
    priced = semantics.price(line, inclusive=invoice.prices_include_tax)
    counted = "CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity"
    units = partial(_b, unitCode=semantics.ONE)
    return _a(
        f"{kind}Line",
        _b("ID", str(number)),
        units(counted, str(line.quantity)),
        _amount("LineExtensionAmount", line.net),
        *[_allowance(name, amount) for name, amount in priced.allowances],
        _a(
            "Item",
            _b("Name", line.description),
            _a("SellersItemIdentification", _b("ID", line.sku)),
            _category("ClassifiedTaxCategory", semantics.code_of(line), line.tax_rate),
        ),
        _a(
            "Price",
            _amount("PriceAmount", priced.amount),
            units("BaseQuantity", str(priced.units)),
        ),
    )


def _allowance(name: str, amount: Money) -> Element | None:
    return _a(
        "AllowanceCharge",
        _b("ChargeIndicator", "false"),
        _b("AllowanceChargeReasonCode", semantics.DISCOUNT),
        _b("AllowanceChargeReason", name),
        _amount("Amount", amount),
    )
