"""A document in UN/CEFACT's Cross Industry Invoice, as CEN/TS 16931-3-3 binds EN 16931 to it: what
Factur-X (profile EN 16931) carries inside the PDF."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from xml.etree.ElementTree import Element

from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.money import Money
from parcelway.domain.parties import Address
from parcelway.domain.shop import TaxCode
from parcelway.einvoice import semantics
from parcelway.einvoice.semantics import decimal
from parcelway.einvoice.xml_tree import node, written

FILE_NAME = "factur-x.xml"  # what Factur-X wants the attachment to be called
_CEFACT = "urn:un:unece:uncefact:data:standard:"
_NAMESPACES = {
    "rsm": f"{_CEFACT}CrossIndustryInvoice:100",
    "ram": f"{_CEFACT}ReusableAggregateBusinessInformationEntity:100",
    "udt": f"{_CEFACT}UnqualifiedDataType:100",
    "qdt": f"{_CEFACT}QualifiedDataType:100",
}


def write(invoice: Invoice) -> bytes:
    """The document in UTF-8. It claims to be what `semantics.obstacles` finds no fault with."""
    root = _n(
        "rsm:CrossIndustryInvoice",
        _n(
            "rsm:ExchangedDocumentContext",
            _n(
                "ram:GuidelineSpecifiedDocumentContextParameter",
                _n("ram:ID", semantics.SPECIFICATION),
            ),
        ),
        _n(
            "rsm:ExchangedDocument",
            _n("ram:ID", invoice.number),
            _n("ram:TypeCode", semantics.TYPE_CODES[invoice.kind]),
            _n("ram:IssueDateTime", _day("udt", invoice.issued_at.date())),
            _n("ram:IncludedNote", _n("ram:Content", semantics.note(invoice))),
        ),
        _n(
            "rsm:SupplyChainTradeTransaction",
            *[_line(number, line, invoice) for number, line in enumerate(invoice.lines, start=1)],
            _agreement(invoice),
            _delivery(invoice),
            _settlement(invoice),
        ),
    )
    return written(root, _NAMESPACES)


def _n(name: str, *content: Element | str | None, **attributes: str) -> Element | None:
    prefix, _, local = name.partition(":")
    return node(f"{{{_NAMESPACES[prefix]}}}{local}", *content, **attributes)


def _day(prefix: str, day: date) -> Element | None:
    return _n(f"{prefix}:DateTimeString", day.strftime("%Y%m%d"), format="102")


def _amount(name: str, amount: Money) -> Element | None:
    return _n(f"ram:{name}", decimal(amount))


def _line(number: int, line: InvoiceLine, invoice: Invoice) -> Element | None:
    priced = semantics.price(line, inclusive=invoice.prices_include_tax)
    unit = {"unitCode": semantics.ONE}
    return _n(
        "ram:IncludedSupplyChainTradeLineItem",
        _n("ram:AssociatedDocumentLineDocument", _n("ram:LineID", str(number))),
        _n(
            "ram:SpecifiedTradeProduct",
            _n("ram:SellerAssignedID", line.sku),
            _n("ram:Name", line.description),
        ),
        _n(
            "ram:SpecifiedLineTradeAgreement",
            _n(
                "ram:NetPriceProductTradePrice",
                _amount("ChargeAmount", priced.amount),
                _n("ram:BasisQuantity", str(priced.units), **unit),
            ),
        ),
        _n("ram:SpecifiedLineTradeDelivery", _n("ram:BilledQuantity", str(line.quantity), **unit)),
        _n(
            "ram:SpecifiedLineTradeSettlement",
            _n("ram:ApplicableTradeTax", *_category(semantics.code_of(line), line.tax_rate)),
            *[_allowance(name, amount) for name, amount in priced.allowances],
            _n(
                "ram:SpecifiedTradeSettlementLineMonetarySummation",
                _amount("LineTotalAmount", line.net),
            ),
        ),
    )


def _category(code: TaxCode, rate: int) -> Iterator[Element | None]:
    yield _n("ram:TypeCode", "VAT")
    yield _n("ram:CategoryCode", code)
    yield _n("ram:RateApplicablePercent", "" if code == "O" else semantics.percentage(rate))


def _allowance(name: str, amount: Money) -> Element | None:
    return _n(
        "ram:SpecifiedTradeAllowanceCharge",
        _n("ram:ChargeIndicator", _n("udt:Indicator", "false")),
        _amount("ActualAmount", amount),
        _n("ram:ReasonCode", semantics.DISCOUNT),
        _n("ram:Reason", name),
    )


def _agreement(invoice: Invoice) -> Element | None:
    return _n(
        "ram:ApplicableHeaderTradeAgreement",
        _seller(invoice),
        _buyer(invoice),
        _n(
            "ram:BuyerOrderReferencedDocument",
            _n("ram:IssuerAssignedID", invoice.purchase_order),
        ),
    )


def _seller(invoice: Invoice) -> Element | None:
    seller, (identifier, vat, other) = invoice.seller, semantics.seller_numbers(invoice)
    return _n(
        "ram:SellerTradeParty",
        _n("ram:ID", identifier),
        _n("ram:Name", seller.name),
        _n(
            "ram:DefinedTradeContact",
            _n("ram:PersonName", seller.name),
            _n("ram:EmailURIUniversalCommunication", _n("ram:URIID", seller.email)),
        ),
        _address(seller.address),
        _electronic(seller.email),
        _tax_number(vat, "VA"),
        _tax_number(other, "FC"),
    )


def _buyer(invoice: Invoice) -> Element | None:
    address = semantics.buyer_address(invoice)
    return _n(
        "ram:BuyerTradeParty",
        _n("ram:Name", semantics.buyer_name(invoice)),
        _n("ram:DefinedTradeContact", _n("ram:PersonName", invoice.buyer.name)),
        _address(address) if address else None,
        _electronic(invoice.buyer.email),
        _tax_number(semantics.buyer_vat_number(invoice), "VA"),
    )


def _electronic(address: str) -> Element | None:
    return _n("ram:URIUniversalCommunication", _n("ram:URIID", address, schemeID=semantics.E_MAIL))


def _tax_number(number: str, scheme: str) -> Element | None:
    return _n("ram:SpecifiedTaxRegistration", _n("ram:ID", number, schemeID=scheme))


def _address(address: Address) -> Element | None:
    return _n(
        "ram:PostalTradeAddress",
        _n("ram:PostcodeCode", address.postal_code),
        _n("ram:LineOne", address.line1),
        _n("ram:LineTwo", address.line2),
        _n("ram:CityName", address.city),
        _n("ram:CountryID", address.country),
        _n("ram:CountrySubDivisionName", address.region),
    )


def _delivery(invoice: Invoice) -> Element | None:
    supplied, to = invoice.supplied_at, invoice.delivered_to
    made = _n(
        "ram:ApplicableHeaderTradeDelivery",
        _n("ram:ShipToTradeParty", _n("ram:Name", to.company or to.name), _address(to))
        if to
        else None,
        _n(
            "ram:ActualDeliverySupplyChainEvent",
            _n("ram:OccurrenceDateTime", _day("udt", supplied.date()) if supplied else None),
        ),
    )
    # The schema wants the group even where it is empty.
    return (
        made
        if made is not None
        else Element(f"{{{_NAMESPACES['ram']}}}ApplicableHeaderTradeDelivery")
    )


def _settlement(invoice: Invoice) -> Element | None:
    account = semantics.account(invoice)
    return _n(
        "ram:ApplicableHeaderTradeSettlement",
        _n("ram:PaymentReference", invoice.number if account else ""),
        _n("ram:InvoiceCurrencyCode", invoice.currency),
        _n(
            "ram:SpecifiedTradeSettlementPaymentMeans",
            _n("ram:TypeCode", semantics.means(invoice)),
            _n("ram:PayeePartyCreditorFinancialAccount", _n("ram:IBANID", account)),
        ),
        *map(_tax, invoice.taxes),
        _terms(invoice),
        _totals(invoice),
        _preceding(invoice),
    )


def _tax(tax: TaxLine) -> Element | None:
    code, (why_code, why) = semantics.code_of(tax), semantics.exemption(tax)
    return _n(
        "ram:ApplicableTradeTax",
        _amount("CalculatedAmount", tax.tax),
        _n("ram:TypeCode", "VAT"),
        _n("ram:ExemptionReason", why),
        _amount("BasisAmount", tax.net),
        _n("ram:CategoryCode", code),
        _n("ram:ExemptionReasonCode", why_code),
        _n("ram:RateApplicablePercent", "" if code == "O" else semantics.percentage(tax.rate)),
    )


def _terms(invoice: Invoice) -> Element | None:
    due = semantics.due_on(invoice)
    return _n(
        "ram:SpecifiedTradePaymentTerms",
        _n("ram:Description", invoice.payment_terms),
        _n("ram:DueDateDateTime", _day("udt", due) if due else None),
    )


def _totals(invoice: Invoice) -> Element | None:
    prepaid = semantics.paid(invoice)
    return _n(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        _amount("LineTotalAmount", invoice.net),
        _amount("TaxBasisTotalAmount", invoice.net),
        _n("ram:TaxTotalAmount", decimal(invoice.tax), currencyID=invoice.currency),
        _amount("GrandTotalAmount", invoice.gross),
        _amount("TotalPrepaidAmount", prepaid) if prepaid else None,
        _amount("DuePayableAmount", invoice.gross - prepaid),
    )


def _preceding(invoice: Invoice) -> Element | None:
    issued = invoice.refers_to_issued
    if not invoice.refers_to or issued is None:
        return None
    return _n(
        "ram:InvoiceReferencedDocument",
        _n("ram:IssuerAssignedID", invoice.refers_to),
        _n("ram:FormattedIssueDateTime", _day("qdt", issued.date())),
    )
