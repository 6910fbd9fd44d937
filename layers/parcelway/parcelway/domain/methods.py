"""Which payment methods a cart can be paid by, and why not the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from parcelway.domain.credit import METHOD, CreditAccount
from parcelway.domain.order import Order, totals
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.shop import MethodRule
from parcelway.values import dataclass

WhyNot = Literal[
    "",
    "currency",
    "country",
    "channel",
    "segment",
    "minimum",
    "maximum",
    "no_terms",
    "credit_limit",
]

_TOLD: Mapping[WhyNot, str] = {
    "currency": "It is not taken in this currency.",
    "country": "It is not taken from this country.",
    "channel": "It is not taken here.",
    "segment": "It is not for this kind of customer.",
    "minimum": "The order is too small for it.",
    "maximum": "The order is too large for it.",
    "no_terms": "It is for business accounts with terms.",
    "credit_limit": "This is more than the account's credit has room for.",
}


@dataclass(frozen=True, slots=True)
class Method:
    """A payment method of the shop's; `why_not` is '' when the cart can be paid by it."""

    name: str
    why_not: WhyNot

    @property
    def told(self) -> str:
        """The reason as a sentence, '' for none."""
        return _TOLD.get(self.why_not, "")


def methods(
    order: Order, rules: Mapping[str, MethodRule], credit: CreditAccount | None
) -> tuple[Method, ...]:
    """Every method of the shop's, in its order. `credit` is that of the buyer's account, if any."""
    return tuple(Method(name, _why_not(order, name, rule, credit)) for name, rule in rules.items())


def require_method(
    order: Order, name: str, rules: Mapping[str, MethodRule], credit: CreditAccount | None
) -> None:
    """Refuse a method that the shop does not have, or not for this order. Raises Refusal
    PAYMENT_METHOD_UNAVAILABLE."""
    if name not in rules:
        raise Refusal(
            Reason.PAYMENT_METHOD_UNAVAILABLE,
            f"This shop takes {', '.join(rules)}.",
            "/payment_method",
        )
    method = Method(name, _why_not(order, name, rules[name], credit))
    if method.why_not:
        raise Refusal(
            Reason.PAYMENT_METHOD_UNAVAILABLE,
            method.told,
            "/payment_method",
            why_not=method.why_not,
        )


def _why_not(order: Order, name: str, rule: MethodRule, credit: CreditAccount | None) -> WhyNot:
    gross, country = totals(order).gross, order.billing_address and order.billing_address.country
    if rule.currencies and order.currency not in rule.currencies:
        return "currency"
    if rule.countries and country and country not in rule.countries:
        return "country"
    if rule.channels and order.channel not in rule.channels:
        return "channel"
    if rule.segments and order.segment not in rule.segments:
        return "segment"
    if gross.minor < rule.minimum.get(order.currency, 0):
        return "minimum"
    if gross.minor > rule.maximum.get(order.currency, gross.minor):
        return "maximum"
    return _no_credit(order, credit) if name == METHOD else ""


def _no_credit(order: Order, credit: CreditAccount | None) -> WhyNot:
    if order.segment != "b2b" or credit is None or credit.currency != order.currency:
        return "no_terms"
    return "" if credit.has_room(totals(order).gross) else "credit_limit"
