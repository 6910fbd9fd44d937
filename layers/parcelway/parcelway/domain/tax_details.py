"""What a draft's buyer says of their tax: the VAT number, and certificates of exemption."""

from __future__ import annotations

import re
from dataclasses import replace

from parcelway.domain.adjusting import Member, require_others
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Facts
from parcelway.domain.order import Order, advance, events, require
from parcelway.domain.parties import TaxExemption
from parcelway.domain.pricing import price
from parcelway.domain.refusals import Reason, Refusal

MOST = 10  # certificates of an order
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")  # ISO 3166-1, and the second half of 3166-2


def identify(order: Order, tax_id: str, facts: Facts) -> Decision | None:
    """Note the buyer's VAT number, in its one spelling with the prefix; '' takes it back.

    Whether it changes the tax is decided with every pricing, the last time when the order is
    placed. None when it is noted already. Raises Refusal ILLEGAL_STATE.
    """
    require(order, "draft")
    if order.tax_id == tax_id:
        return None
    return Decision(advance(price(replace(order, tax_id=tax_id), facts)))


def exempt(order: Order, exemption: TaxExemption, member: Member, facts: Facts) -> Decision | None:
    """Note a certificate that the member has seen, in place of an earlier one for its region.

    None when it is noted already. Raises Refusal ILLEGAL_STATE, FOUR_EYES (the member's own order),
    QUANTITY_LIMIT, or INVALID for what is no region and one that ends before it begins.
    """
    require(order, "draft")
    require_others(order, member)
    if not _REGION.fullmatch(exemption.region):
        raise Refusal(Reason.INVALID, "A region is a country, or a part of one: US, US-OH.")
    if exemption.valid_until is not None and exemption.valid_until < exemption.valid_from:
        raise Refusal(Reason.INVALID, "It ends before it begins.", "/valid_until")
    kept = _without(order, exemption.region)
    if len(kept) >= MOST:
        raise Refusal(Reason.QUANTITY_LIMIT, f"At most {MOST} certificates of one cart.")
    if exemption in order.tax_exemptions:
        return None
    after = advance(price(replace(order, tax_exemptions=(*kept, exemption)), facts))
    told = {"region": exemption.region}  # whose certificate it is stays with the order
    return Decision(after, events(after, facts.now, member.actor, ("order.tax_exempted", told)))


def charge(order: Order, region: str, member: Member, facts: Facts) -> Decision | None:
    """Have nothing of the certificate for a region any more; None when there is none.

    Raises Refusal ILLEGAL_STATE.
    """
    require(order, "draft")
    kept = _without(order, region)
    if kept == order.tax_exemptions:
        return None
    after = advance(price(replace(order, tax_exemptions=kept), facts))
    told = {"region": region}
    return Decision(after, events(after, facts.now, member.actor, ("order.tax_charged", told)))


def _without(order: Order, region: str) -> tuple[TaxExemption, ...]:
    return tuple(each for each in order.tax_exemptions if each.region != region)
