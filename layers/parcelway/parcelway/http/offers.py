"""What is offered, as admins send it and as files have it: price lists, promotions, codes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints, model_validator

from parcelway.domain.audience import Assortment, Audience, Window
from parcelway.domain.catalogue import SKU_PATTERN
from parcelway.domain.coupons import Coupon
from parcelway.domain.money import CURRENCIES
from parcelway.domain.offering import MOST_PRICES
from parcelway.domain.parties import Channel, Segment
from parcelway.domain.prices import PriceList, Tier
from parcelway.domain.promotions import WHOLE, Action, Promotion, Scope, Step
from parcelway.http.schemas import Input, Text

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"
_MOST_MINOR = 10**12


def _known(code: str) -> str:
    if code not in CURRENCIES:
        raise ValueError("not a currency that is known here")
    return code


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("not a time of this age") from None


Name = Annotated[str, StringConstraints(pattern=NAME)]
Names = Annotated[list[Name], Field(max_length=100)]
Sku = Annotated[str, StringConstraints(pattern=SKU_PATTERN)]
Currency = Annotated[str, AfterValidator(_known)]
Minor = Annotated[int, Field(ge=0, le=_MOST_MINOR)]
Amounts = Annotated[dict[Currency, Minor], Field(max_length=20)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc), Field(strict=False)]
Priority = Annotated[int, Field(ge=-1000, le=1000)]
Limit = Annotated[int, Field(ge=0, le=10**9)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class AudienceInput(Input):
    """Whom it is for: whoever fits each of what is named, by one of its values."""

    channels: list[Channel] = Field(default_factory=list, max_length=5)
    segments: list[Segment] = Field(default_factory=list, max_length=2)
    groups: Names = Field(default_factory=list)
    accounts: Names = Field(default_factory=list)

    def audience(self) -> Audience:
        """The audience."""
        return Audience(
            tuple(self.channels), tuple(self.segments), tuple(self.groups), tuple(self.accounts)
        )


class Timed(Input):
    """Something that holds from `starts_at` on until before `ends_at`; null: without end."""

    starts_at: Moment | None = None
    ends_at: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self

    def window(self) -> Window:
        """When it holds."""
        return Window(self.starts_at, self.ends_at)


class PriceListInput(Timed):
    """A price list; of those that hold for a buyer the most specific counts, then the highest
    priority, then the lowest id."""

    name: Text(100)  # type: ignore[valid-type]
    currency: Currency
    audience: AudienceInput = Field(default_factory=AudienceInput)
    priority: Priority = 0

    def price_list(self, list_id: str) -> PriceList:
        """The list."""
        audience = self.audience.audience()
        return PriceList(list_id, self.name, self.currency, audience, self.window(), self.priority)


class TierInput(Input):
    """What a unit costs, in minor units, from so many units of a SKU in an order on."""

    quantity: int = Field(1, ge=1, le=1_000_000)
    minor: Minor


class PriceInput(Input):
    """A SKU's prices; without tiers it has none in this list any more."""

    sku: Sku
    tiers: list[TierInput] = Field(max_length=20)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({tier.quantity for tier in self.tiers}) < len(self.tiers):
            raise ValueError("one price for each quantity")
        return self


def _each_once(prices: list[PriceInput]) -> list[PriceInput]:
    if len({price.sku for price in prices}) < len(prices):
        raise ValueError("each SKU once")
    return prices


Prices = Annotated[list[PriceInput], AfterValidator(_each_once)]


class PricesInput(Input):
    """Prices of many SKUs."""

    prices: Annotated[Prices, Field(min_length=1, max_length=MOST_PRICES)]

    def by_sku(self) -> dict[str, list[Tier]]:
        """The prices."""
        return tiers_by_sku(self.prices)


def tiers_by_sku(prices: list[PriceInput]) -> dict[str, list[Tier]]:
    """Prices by SKU."""
    return {p.sku: [Tier(t.quantity, t.minor) for t in p.tiers] for p in prices}


class StepInput(Input):
    """What is taken off from a subtotal on: `basis_points`, or minor units by currency."""

    minimum: Amounts = Field(default_factory=dict)
    basis_points: int = Field(0, ge=0, le=WHOLE)
    amounts: Amounts = Field(default_factory=dict)


class ScopeInput(Input):
    """Goods by SKU or category (a path such as `Grocery>Yogurt`); none: all."""

    skus: Annotated[list[Sku], Field(max_length=500)] = Field(default_factory=list)
    categories: list[Text(300)] = Field(default_factory=list, max_length=50)  # type: ignore[valid-type]

    def scope(self) -> Scope:
        """The scope."""
        return Scope(tuple(self.skus), tuple(self.categories))


class PromotionInput(Timed):
    """A promotion; `name` by language is what customers are shown."""

    name: dict[Language, Text(80)] = Field(min_length=1, max_length=20)  # type: ignore[valid-type]
    action: Action
    steps: list[StepInput] = Field(min_length=1, max_length=10)
    scope: ScopeInput = Field(default_factory=ScopeInput)
    reward: ScopeInput | None = None
    buy: int = Field(0, ge=0, le=1000)
    get: int = Field(0, ge=0, le=1000)
    coupon: bool = False
    exclusive: bool = False
    priority: Priority = 0
    audience: AudienceInput = Field(default_factory=AudienceInput)
    first_order: bool = False
    limit: Limit = 0
    per_customer: Limit = 0

    @model_validator(mode="after")
    def _takes_something_off(self) -> Self:
        """An offer that can take nothing off is a mistake of whoever wrote it."""
        if self.action == "buy_x_get_y" and not (self.buy and self.get):
            raise ValueError("buy and get are needed")
        for step in self.steps:
            if self.action in ("percentage", "buy_x_get_y") and not step.basis_points:
                raise ValueError("basis_points are needed in every step")
            if self.action in ("amount", "amount_per_unit") and not step.amounts:
                raise ValueError("amounts are needed in every step")
        return self

    def promotion(self, promotion_id: str) -> Promotion:
        """The promotion."""
        steps = [Step(s.minimum, s.basis_points, s.amounts) for s in self.steps]
        return Promotion(
            promotion_id,
            self.name,
            self.action,
            tuple(steps),
            self.scope.scope(),
            self.reward.scope() if self.reward else None,
            self.buy,
            self.get,
            self.coupon,
            self.exclusive,
            self.priority,
            self.audience.audience(),
            self.window(),
            self.first_order,
            self.limit,
            self.per_customer,
        )


class AssortmentInput(Input):
    """A part of the catalogue that its audience alone may see and buy."""

    name: Text(100)  # type: ignore[valid-type]
    audience: AudienceInput = Field(default_factory=AudienceInput)

    def assortment(self, assortment_id: str) -> Assortment:
        """The assortment."""
        return Assortment(assortment_id, self.name, self.audience.audience())


class CouponInput(Timed):
    """A code; 0 is no limit, and `customer_id` whose alone it is."""

    promotion: Name
    limit: Limit = 0
    per_customer: Limit = 0
    customer_id: Text(40, 0) = ""  # type: ignore[valid-type]

    def coupon(self, code: str) -> Coupon:
        """The code."""
        given: dict[str, Any] = self.model_dump(exclude={"starts_at", "ends_at"})
        return Coupon(code, window=self.window(), **given)


class CodesInput(Timed):
    """Codes to make up, each for one order."""

    count: int = Field(ge=1, le=1000)
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{0,15}$")] = "C"


class PriceListRow(PriceListInput):
    """A price list of a file, with its prices."""

    prices: Prices = Field(default_factory=list)

    def by_sku(self) -> dict[str, list[Tier]]:
        """The prices."""
        return tiers_by_sku(self.prices)


class OffersDocument(Input):
    """All that a file offers, by id or code."""

    price_lists: dict[Name, PriceListRow] = Field(default_factory=dict)
    promotions: dict[Name, PromotionInput] = Field(default_factory=dict)
    assortments: dict[Name, AssortmentInput] = Field(default_factory=dict)
    coupons: dict[Text(40), CouponInput] = Field(default_factory=dict)  # type: ignore[valid-type]
