"""How something is taxed: at which rate, or why not at all.

In this order:

1. What leaves the EU's VAT area is an export, not taxed (G; Directive 2006/112/EC, Article 146),
   unless the shop is registered there and charges that place's own rate (`Settings.tax_regions`).
2. What goes to another member state is not taxed where the buyer has a VAT number of another state
   than the seller's: goods as a supply within the EU (K; Article 138), services by reverse charge
   (AE; Articles 44 and 196). Whoever has none pays the destination's rate where `tax_regions` has
   it (one-stop shop; Articles 33 and 369a), the seller's below the threshold (Article 59c).
3. A buyer's certificate of exemption counts where and while it is valid (E).
4. Otherwise the rate is the category's where the goods go; for pick-up, where the store is. What is
   collected has not been sent anywhere, so 1 and 2 never apply to it.

Goods count as leaving from the seller's country: a shop that also sends from other states, where it
is registered too, needs an engine that knows which node a parcel leaves from.
"""

from __future__ import annotations

from datetime import date

from parcelway.domain.eu_vat import MEMBERS, issuer, seen_by_vat, vat_state
from parcelway.domain.parties import Address, TaxExemption
from parcelway.domain.shop import Settings, TaxCode
from parcelway.values import dataclass

# Codes of the VATEX list (EN 16931, BT-121).
EXPORT, WITHIN_EU, REVERSE_CHARGE = "VATEX-EU-G", "VATEX-EU-IC", "VATEX-EU-AE"


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one supply is taxed: `rate` in basis points, `code`, and `reason` why it bears no tax.

    `usual` is the rate that it would bear there without relief: what an inclusive price contains.
    """

    rate: int
    usual: int
    code: TaxCode = "S"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Buyer:
    """What of the buyer counts for tax: the VAT number with its prefix ('' for none) and the
    certificates of exemption."""

    tax_id: str = ""
    exemptions: tuple[TaxExemption, ...] = ()


def treatment(
    category: str, place: Address | None, sent: bool, buyer: Buyer, day: date, settings: Settings
) -> Treatment:
    """How what is of a tax category is taxed on `day` at `place` (None: not known yet), to which
    it is `sent` or where it is collected. Raises KeyError for an unknown category."""
    place = seen_by_vat(place) if place else None
    usual = settings.tax_rate(category, place)
    if place is not None and sent and (abroad := _abroad(category, place, usual, buyer, settings)):
        return abroad
    exempt = next((e for e in buyer.exemptions if place and e.covers(place, day)), None)
    if exempt is not None:
        return Treatment(0, usual, "E", exempt.reason)
    if usual:
        return Treatment(usual, usual)
    zero = settings.zero_rated.get(category)
    return Treatment(0, 0, zero.code, zero.reason) if zero else Treatment(0, 0, "Z")


def _abroad(
    category: str, place: Address, usual: int, buyer: Buyer, settings: Settings
) -> Treatment | None:
    """How what crosses a border of the EU, or one within it, is taxed; None when as usual."""
    home, there = vat_state(settings.seller.address), vat_state(place)
    if not home or there == home:
        return None
    if not there:
        # A member state's rate is not that of its territories outside.
        registered = usual and place.country not in MEMBERS and settings.has_rate(category, place)
        return None if registered else Treatment(0, usual, "G", EXPORT)
    if issuer(buyer.tax_id) in ("", home):
        return None
    if category in settings.services:
        return Treatment(0, usual, "AE", REVERSE_CHARGE)
    return Treatment(0, usual, "K", WITHIN_EU)
