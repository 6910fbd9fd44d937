"""What EN 16931-1 says of a document, whatever the syntax. BT and BG are its terms and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from parcelway.domain.invoice import Invoice, InvoiceLine, TaxLine
from parcelway.domain.money import Money, allocate, share, zero
from parcelway.domain.parties import Address
from parcelway.domain.shop import TaxCode
from parcelway.values import dataclass

SPECIFICATION = "urn:cen.eu:en16931:2017"  # BT-24
ONE = "C62"  # BT-130 and BT-150: pieces, of UN/ECE Recommendation 20
DISCOUNT = "95"  # BT-140, of UNTDID 5189
E_MAIL = "EM"  # the scheme of BT-34 and BT-49
TYPE_CODES = {"invoice": "380", "credit_note": "381", "self_billed": "389"}  # BT-3, of UNTDID 1001
# BT-81, of UNTDID 4461, by our payment method; what is not here is an agreement of the parties.
_MEANS = {"card": "48", "cash": "10", "terminal": "48"}
_CREDIT_TRANSFER, _OTHER_MEANS = "30", "ZZZ"
_VAT_NUMBER = re.compile(r"^(?P<country>[A-Z]{2})[0-9A-Za-z+*]{2,13}$")
_VAT_PREFIX = {"GR": "EL"}  # by ISO 3166-1, where the prefix is another
_VATEX = re.compile(r"^VATEX-[A-Z0-9-]+$")
_NEEDS_BUYER_NUMBER: tuple[TaxCode, ...] = ("AE", "K")
_NEEDS_VAT_NUMBER: tuple[TaxCode, ...] = ("K", "G")


@dataclass(frozen=True, slots=True)
class Price:
    """What a line's units cost before its allowances: `amount` (BT-146) for `units` (BT-149).

    `allowances` (BG-27) are names and amounts. All is without tax; price x quantity / units less
    the allowances is the line's net amount exactly.
    """

    amount: Money
    units: int
    allowances: tuple[tuple[str, Money], ...]


def obstacles(invoice: Invoice) -> list[str]:
    """Why EN 16931 cannot say what this document says; empty when it can."""
    return list(_obstacles(invoice))


def price(line: InvoiceLine, *, inclusive: bool) -> Price:
    """A line's price without tax; `inclusive` tells whether the line's prices contain it."""
    off = sum(each.amount.minor for each in line.allowances)
    net_off = _without_tax(line, off) if inclusive else off
    before = line.net.minor + net_off
    parts = (
        allocate(Money(net_off, line.net.currency), [a.amount.minor for a in line.allowances])
        if off
        else []
    )
    allowances = tuple(
        (each.name, part) for each, part in zip(line.allowances, parts, strict=False) if part
    )
    each_unit, rest = divmod(before, line.quantity)
    if rest:
        return Price(Money(before, line.net.currency), line.quantity, allowances)
    return Price(Money(each_unit, line.net.currency), 1, allowances)


def code_of(of: InvoiceLine | TaxLine) -> TaxCode:
    """The category (BT-118, BT-151). What was kept before there were codes is standard or zero."""
    rate = of.tax_rate if isinstance(of, InvoiceLine) else of.rate
    code = of.tax_code if isinstance(of, InvoiceLine) else of.code
    return "Z" if code == "S" and not rate else code


def exemption(of: TaxLine) -> tuple[str, str]:
    """Why nothing is charged: code (BT-121) and text (BT-120), '' for what is not known."""
    if code_of(of) in ("S", "Z"):
        return "", ""
    return (of.reason, "") if _VATEX.match(of.reason) else ("", of.reason)


def vat_number(tax_id: str, country: str) -> str:
    """The VAT number that a tax number of a country is; '' when it is another one. A VAT number
    begins with the prefix of its country (BR-CO-09)."""
    compact = re.sub(r"[\s.-]", "", tax_id)
    found = _VAT_NUMBER.match(compact)
    return compact if found and found["country"] == _VAT_PREFIX.get(country, country) else ""


def buyer_vat_number(invoice: Invoice) -> str:
    """The buyer's VAT number (BT-48). It may be of another country than where they live."""
    compact = re.sub(r"[\s.-]", "", invoice.buyer_tax_id)
    return compact if _VAT_NUMBER.match(compact) and not _untaxed(invoice) else ""


def seller_numbers(invoice: Invoice) -> tuple[str, str, str]:
    """By which the seller is known: an identifier (BT-29), where there is no VAT number (BR-CO-26);
    the VAT number (BT-31); the tax number (BT-32). None of the last two where nothing is subject to
    tax (BR-O-02)."""
    seller = invoice.seller
    number = vat_number(seller.tax_id, seller.address.country)
    if _untaxed(invoice):
        return seller.tax_id, "", ""
    return ("", number, "") if number else (seller.tax_id, "", seller.tax_id)


def buyer_address(invoice: Invoice) -> Address | None:
    """Where the buyer is (BG-8): as they said, else where it was delivered to."""
    return invoice.billing_address or invoice.delivered_to


def buyer_name(invoice: Invoice) -> str:
    """Who buys (BT-44): the company where there is one."""
    address = invoice.billing_address
    return (address.company or address.name) if address else invoice.buyer.name


def note(invoice: Invoice) -> str:
    """What is to be said besides (BT-22): why it was credited, or that the buyer wrote it, in the
    words of Directive 2006/112/EC, Article 226 (10a)."""
    return "Self-billing" if invoice.kind == "self_billed" else invoice.reason


def means(invoice: Invoice) -> str:
    """How it is paid (BT-81)."""
    return (
        _CREDIT_TRANSFER if account(invoice) else _MEANS.get(invoice.payment_method, _OTHER_MEANS)
    )


def account(invoice: Invoice) -> str:
    """The IBAN of the account that it is to be paid to (BT-84), '' where it was paid otherwise."""
    return invoice.seller.iban if invoice.due_on and invoice.kind != "credit_note" else ""


def paid(invoice: Invoice) -> Money:
    """What was paid before (BT-113): all of it, unless it is due on a day."""
    settled = invoice.kind != "credit_note" and invoice.due_on is None
    return invoice.gross if settled else zero(invoice.currency)


def due_on(invoice: Invoice) -> date | None:
    """When what is left is to be paid (BT-9); a credit note at once. None when nothing is left."""
    if paid(invoice) == invoice.gross:
        return None
    return invoice.due_on or invoice.issued_at.date()


def decimal(amount: Money) -> str:
    """An amount as XML has it: without currency, with the decimals that the currency has."""
    return f"{Decimal(amount.minor).scaleb(-amount.exponent):f}"


def percentage(basis_points: int) -> str:
    """A rate in percent (BT-119, BT-152)."""
    return f"{Decimal(basis_points).scaleb(-2).normalize():f}"


def _without_tax(line: InvoiceLine, off: int) -> int:
    """Allowances as net amounts: in the proportion of what was charged to its own net amount."""
    charged = line.unit_price.minor * line.quantity - off
    if charged > 0:
        return share(off, line.net.minor, charged)
    return share(off, 10_000, 10_000 + line.tax_rate)


def _obstacles(invoice: Invoice) -> Iterator[str]:
    if invoice.gross.exponent > 2:
        yield "Its currency has three decimals, EN 16931 two (BR-DEC)."
    if buyer_address(invoice) is None:
        yield "The buyer's country is not known (BR-11)."
    if any(_is_off(each) for each in invoice.taxes):
        yield "A frozen part of its tax is off by a unit of the currency (BR-CO-17, BR-S-09)."
    codes = {code_of(each) for each in invoice.taxes}
    if "O" in codes and len(codes) > 1:
        yield "What is not subject to tax stands on a document of its own (BR-O-11)."
    if codes.intersection(_NEEDS_BUYER_NUMBER) and not buyer_vat_number(invoice):
        yield "The relief takes the buyer's VAT number (BR-AE-02, BR-IC-02)."
    if codes.intersection(_NEEDS_VAT_NUMBER) and not seller_numbers(invoice)[1]:
        yield "The relief takes the seller's VAT number (BR-IC-02, BR-G-02)."
    if any(code_of(each) not in ("S", "Z") and not each.reason for each in invoice.taxes):
        yield "No reason is given for charging no tax (BR-E-10)."


def _untaxed(invoice: Invoice) -> bool:
    return any(code_of(each) == "O" for each in invoice.taxes)


def _is_off(tax: TaxLine) -> bool:
    """Whether tax is a whole unit of the currency off taxable amount x rate (BR-CO-17, BR-S-09); at
    less than half a percent, whether it rounds to anything at all."""
    one: int = 10**tax.net.exponent
    if tax.rate < 50 and code_of(tax) == "S":
        return 2 * tax.tax.minor >= one
    return abs(tax.tax.minor - share(tax.net.minor, tax.rate, 10_000)) >= one
