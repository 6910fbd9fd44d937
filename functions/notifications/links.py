"""Where a mail leads its reader to do what it asks for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from parcelway.domain.mailing import ASKS_APPROVER
from parcelway.domain.order import Event, Order
from parcelway.domain.public_view import cart_page, payment_page
from parcelway.language.wording import say
from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the storefront's, and what the button that leads there says."""

    text: str
    url: str


_Page = Callable[[str, Order], str | None]
_PAY: tuple[str, str, _Page] = ("label.pay", "PAYMENT_PAGE", payment_page)
_CART: tuple[str, str, _Page] = ("label.to_cart", "CART_PAGE", cart_page)
_ACTIONS: Mapping[str, tuple[str, str, _Page]] = {
    "payment.needed": _PAY,
    "payment.link_sent": _PAY,
    ASKS_APPROVER: ("label.decide", "APPROVAL_PAGE", cart_page),
    "order.approval_approved": _CART,
    "order.approval_rejected": _CART,
}


def action(event: Event, order: Order, language: str) -> Link | None:
    """The link of a mail about `event`; None when it asks for nothing, or the shop has no page for
    it."""
    if event.type not in _ACTIONS:
        return None
    label, variable, page = _ACTIONS[event.type]
    url = page(os.environ[variable], order)
    return Link(say(label, language), url) if url else None
