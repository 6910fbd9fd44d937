"""Coupons, codes that bring a promotion in; and how often codes and promotions may be used."""

from __future__ import annotations

import re
from datetime import datetime

from parcelway.domain.audience import ALWAYS, Window
from parcelway.domain.ids import derived
from parcelway.domain.promotions import Promotion
from parcelway.domain.refusals import Reason, Refusal
from parcelway.values import dataclass

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,39}")


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code for a promotion; `customer_id` is whose alone it is, '' for anybody's. It may be used
    for `limit` orders in all, `per_customer` of one customer (0: any number)."""

    code: str
    promotion: str
    limit: int = 0
    per_customer: int = 0
    customer_id: str = ""
    window: Window = ALWAYS
    version: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """What counts against a limit: the counter it is counted on, how far that may go, and how many
    `units` of it; none, where it must only not have gone further. Those of a purchase limit are of
    a `sku`. The counter is forgotten when it `expires` (None: never)."""

    counter: str
    limit: int
    units: int = 1
    sku: str = ""
    expires: datetime | None = None


def canonical(code: str) -> str:
    """A code as it is stored: in capitals. Raises Refusal INVALID for what cannot be a code."""
    found = code.strip().upper()
    if not code.isascii() or not _CODE.fullmatch(found):
        raise Refusal(Reason.INVALID, "That is not the form of a code.", "/code")
    return found


def single_use(prefix: str, count: int, *cause: str) -> list[str]:
    """So many codes that nobody can guess who does not know the `cause`; the same for the same."""
    numbers = range(count)
    return [f"{prefix}-{derived('', *cause, str(n))[1:13].upper()}" for n in numbers]


def counters(code: str, customer_id: str) -> list[str]:
    """The counters that the use of a code may be counted on."""
    return _counters("CODE", code, customer_id)


def uses_of_code(coupon: Coupon, customer_id: str) -> list[Use]:
    """What using a code counts, where that is limited."""
    counted = counters(coupon.code, customer_id)
    return _limited(counted, coupon.limit, coupon.per_customer)


def uses_of_promotion(promotion: Promotion, customer_id: str) -> list[Use]:
    """What using a promotion counts, where that is limited. A first order is one."""
    counted = _counters("PROMOTION", promotion.id, customer_id)
    return _limited(
        counted, promotion.limit, 1 if promotion.first_order else promotion.per_customer
    )


def _counters(kind: str, name: str, customer_id: str) -> list[str]:
    whole = f"{kind}#{name}"
    return [whole, f"{whole}#{customer_id}"] if customer_id else [whole]


def _limited(counters: list[str], limit: int, per_customer: int) -> list[Use]:
    limits = zip(counters, (limit, per_customer), strict=False)
    return [Use(counter, most) for counter, most in limits if most]
