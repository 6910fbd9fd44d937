"""The rules by which something is taken off: what, of which goods, for whom, when, how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from parcelway.domain.audience import ALWAYS, EVERYBODY, Audience, Buyer, Window
from parcelway.domain.catalogue import Product
from parcelway.values import dataclass

Action = Literal["percentage", "amount", "amount_per_unit", "buy_x_get_y", "free_shipping"]
WHOLE = 10_000  # basis points
_NEVER = 10**18


@dataclass(frozen=True, slots=True)
class Step:
    """What is taken off once the goods concerned come to `minimum` before any discount.

    Minor units by currency; in a currency that they do not name nothing is taken off, but for a
    `minimum` that names none at all. `basis_points` are for percentages, and for what is taken off
    the units one gets. For free shipping `amounts` are the most that is taken off; none is all.
    """

    minimum: Mapping[str, int] = field(default_factory=dict)
    basis_points: int = 0
    amounts: Mapping[str, int] = field(default_factory=dict)

    def least(self, currency: str) -> int:
        """What the goods must come to, in minor units of a currency."""
        return self.minimum.get(currency, _NEVER) if self.minimum else 0


@dataclass(frozen=True, slots=True)
class Scope:
    """Goods by SKU or category (a path such as `Grocery>Yogurt`, with all below it); none: all."""

    skus: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def has(self, sku: str, product: Product | None) -> bool:
        """Whether a SKU is among them."""
        if not self.skus and not self.categories:
            return True
        if sku in self.skus:
            return True
        if not self.categories:
            return False
        path = ">".join(product.category) + ">" if product else ""
        return any(path.startswith(f"{c}>") for c in self.categories)


ALL = Scope()


@dataclass(frozen=True, slots=True)
class Promotion:
    """A rule by which something is taken off; `name` (by language) is what customers are shown.

    `steps` from the least to the greatest minimum: the last one reached counts. `scope` says which
    goods count and are reduced; for buy-x-get-y `buy` units of them bring `get` units, the cheapest
    ones, of `reward` (None: of the same goods). With `coupon` it holds for whoever has a code of
    it, else by itself. `limit` redemptions in all and `per_customer` are allowed (0: any number).
    """

    id: str
    name: Mapping[str, str]
    action: Action
    steps: tuple[Step, ...]
    scope: Scope = ALL
    reward: Scope | None = None
    buy: int = 0
    get: int = 0
    coupon: bool = False
    exclusive: bool = False
    priority: int = 0
    audience: Audience = EVERYBODY
    window: Window = ALWAYS
    first_order: bool = False
    limit: int = 0
    per_customer: int = 0
    version: int = 0

    def label(self, language: str) -> str:
        """Its name in a language, or else in the first that it has."""
        return self.name.get(language) or next(iter(self.name.values()), self.id)

    def holds(self, buyer: Buyer, known: bool, now: datetime) -> bool:
        """Whether it is for this buyer, now. Of somebody who is not `known` it cannot be told what
        they had before."""
        personal = self.first_order or self.per_customer
        return (known or not personal) and self.window.open(now) and self.audience.includes(buyer)

    def step(self, worth: int, currency: str) -> Step | None:
        """The step that goods of so many minor units reach."""
        reached = [step for step in self.steps if step.least(currency) <= worth]
        return max(reached, key=lambda step: step.least(currency), default=None)
