"""An order and its tax: what is asked about it, and its lines and charges with the answer.

Where the goods go decides: a line that is divided over delivery groups is taxed in each of them by
itself, and each group's shipping charge where the group goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from parcelway.domain.facts import Facts
from parcelway.domain.line import Line, Share
from parcelway.domain.money import Money, total
from parcelway.domain.order import DeliveryGroup, Hold, Order
from parcelway.domain.parties import Address
from parcelway.domain.shop import Node
from parcelway.domain.tax import CHARGE, Assessed, Inquiry, Supply, TaxNeeded, assess
from parcelway.domain.tax_rules import Buyer

Amounts = Mapping[int, Mapping[str, Money]]  # what a line comes to, by its number and group


def taxed(order: Order, amounts: Amounts, facts: Facts) -> Order:
    """The draft with net and tax of every line and charge.

    By the shop's own rules or, where it has one, a tax engine: then only what has no place to go
    yet is estimated by the shop's rules, and no order is placed without that. Raises KeyError for a
    tax category that the shop has no rate of, TaxNeeded when the engine has to be asked first.
    """
    asked = inquiry(order, amounts, facts)
    shares: dict[int, list[Share]] = defaultdict(list)
    charges: dict[str, Assessed] = {}
    for supply, part in zip(asked.supplies, _answer(asked, facts), strict=True):
        if supply.line == CHARGE:
            charges[supply.group] = part
        else:
            bears = part.net, part.tax, part.tax_rate, part.tax_code, part.tax_reason
            shares[supply.line].append(Share(supply.group, *bears))
    return replace(
        order,
        lines=tuple(_bearing(line, shares[line.number]) for line in order.lines),
        groups=tuple(_charged(group, charges.get(group.id)) for group in order.groups),
    )


def _answer(asked: Inquiry, facts: Facts) -> tuple[Assessed, ...]:
    somewhere = asked.supplies and all(supply.place for supply in asked.supplies)
    if facts.assessed is None or not somewhere:
        return assess(asked, facts.shop.settings)
    answer = facts.assessed.get(asked)
    if answer is None:
        raise TaxNeeded(asked)
    return answer


def inquiry(order: Order, amounts: Amounts, facts: Facts) -> Inquiry:
    """What is asked about the draft's tax."""
    supplies = [
        _supply(group, facts, line.number, line.sku, amounts[line.number][group.id], category)
        for line in order.lines
        for category in [line.tax_category]
        for group in order.groups
        if group.id in amounts[line.number]
    ]
    for group in order.groups:
        if group.charge is not None:
            category = facts.shop.services[group.service].tax_category
            supplies.append(_supply(group, facts, CHARGE, "", group.charge, category))
    return Inquiry(
        order.currency,
        facts.shop.settings.prices_include_tax,
        tuple(supplies),
        Buyer(order.tax_id, order.tax_exemptions),
        facts.now.date(),
    )


def unconfirmed(order: Order, now: datetime) -> tuple[Hold, ...]:
    """The alert of an order that a VAT number relieves of tax: its form is right, but whether it is
    registered, and the buyer's, only the register of its state knows (VIES). The seller owes the
    tax if it is not (Directive 2006/112/EC, Article 138)."""
    codes = {share.tax_code for line in order.lines for share in line.by_group}
    return (Hold("vat_number_unconfirmed", order.tax_id, now),) if codes & {"K", "AE"} else ()


def tax_place(group: DeliveryGroup, nodes: Mapping[str, Node]) -> Address | None:
    """Where the units of a group are taxed: where they are handed over, if that is known yet."""
    store = nodes.get(group.store)
    return store.address if store else group.address


def _supply(
    group: DeliveryGroup, facts: Facts, line: int, sku: str, amount: Money, category: str
) -> Supply:
    place = tax_place(group, facts.shop.nodes)
    return Supply(line, group.id, sku, amount, category, place, group.method == "delivery")


def _bearing(line: Line, shares: Sequence[Share]) -> Line:
    currency = line.unit_price.currency
    return replace(
        line,
        net=total((share.net for share in shares), currency),
        tax=total((share.tax for share in shares), currency),
        tax_rate=shares[0].tax_rate,
        tax_code=shares[0].tax_code,
        tax_reason=shares[0].tax_reason,
        shares=tuple(shares) if len(shares) > 1 else (),
    )


def _charged(group: DeliveryGroup, part: Assessed | None) -> DeliveryGroup:
    if part is None:
        return group
    return replace(
        group,
        charge_net=part.net,
        charge_tax=part.tax,
        charge_tax_rate=part.tax_rate,
        charge_tax_code=part.tax_code,
        charge_tax_reason=part.tax_reason,
    )
