"""The payment provider as the rest of Parcelway sees it. No SDK is imported here.

A payment is authorised when the order is placed (`capture_method=manual`) and captured as parcels
leave, so that nobody is charged for what was not sent. `stripe_gateway` is the adapter for Stripe,
`invoice_gateway` the one for what business accounts pay by transfer.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, TypedDict

from parcelway.domain.money import Money
from parcelway.domain.payment import GatewayPayment as GatewayPayment
from parcelway.domain.payment import GatewayStatus as GatewayStatus
from parcelway.values import dataclass


class PaymentDeclined(Exception):
    """The card's issuer (or the provider's fraud rules) said no. Ask the customer, do not retry.

    `code` is the most precise reason the provider gave (`insufficient_funds`, `card_declined`).
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class GatewayUnavailable(Exception):
    """No usable answer: timeout, connection lost, 429, 5xx, or the same key still in flight.

    Whether the provider acted is unknown. Repeat the call with the same key.
    """


class GatewayRefused(Exception):
    """The provider will never accept this call (over-refund, wrong state, wrong parameters).

    `code` is stable and safe to log: the provider's own error code where it has one.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class Asked(TypedDict):
    """What a new payment is asked for; see PaymentGateway.create."""

    order_id: str
    attempt: int
    amount: Money
    description: str
    receipt_reference: str


class PaymentGateway(Protocol):
    """What Parcelway asks of a payment provider.

    Every write may be repeated with the same arguments, however late, and happens once: the
    provider's idempotency keys cover the race, reading the payment's state first covers the days
    after the keys are forgotten. Every method raises GatewayUnavailable and GatewayRefused.
    """

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        account: str = "",
    ) -> GatewayPayment:
        """Ask for `amount` for `attempt` (1, 2, ...) at paying `order_id`; nothing is held yet.

        `description` is what the provider's dashboard shows, `receipt_reference` the order number
        the customer knows. Neither may hold personal data. The pair (order_id, attempt) names the
        payment: the same pair with another amount is refused with code `idempotency_error`.
        Repeating it is safe while the provider keeps the key (Stripe: 24 hours at least); store
        `reference` with the order and `retrieve` it afterwards. `account` is the buyer's business
        account, '' for none: whose credit counts where the shop gives it.
        """
        ...

    def authorize(self, reference: str) -> GatewayPayment:
        """Have the payment authorised where that is the shop's to ask, once the order knows of it.

        A card's holder does that with the provider: there it only reads. Raises PaymentDeclined
        `credit_limit_exceeded` when a purchase on account has no room; it may be asked again.
        """
        ...

    def retrieve(self, reference: str) -> GatewayPayment:
        """The payment as it is now. Unknown reference: GatewayRefused `resource_missing`."""
        ...

    def capture(self, reference: str, amount: Money, *, key: str, final: bool) -> GatewayPayment:
        """Take `amount` of what is held; with `final` the rest of the hold is released.

        `key` names this capture among those of the payment (say, the shipment's id); it is kept
        with the payment, so a repeat is known for what it is however late it comes.
        After earlier captures, a final one of zero only releases the rest.
        Raises PaymentDeclined when the issuer withdrew the hold, and GatewayRefused
        `multicapture_unavailable` when `final` is false, the hold would not survive the capture
        (see `multicapture`) and `amount` is not all of it.
        """
        ...

    def void(self, reference: str, *, key: str) -> GatewayPayment:
        """Give up the payment and release the hold. Refused once anything was captured."""
        ...

    def refund(self, reference: str, amount: Money, *, key: str) -> GatewayPayment:
        """Give `amount` of what was captured back. `key` names this refund (say, the return's id).

        More than what is left of the capture: GatewayRefused `refund_exceeds_capture`.
        A refund that failed later (a closed card account): GatewayRefused `refund_failed`, under
        the same key for ever, because giving the money back another way is a person's decision.
        """
        ...


class CardGateway(PaymentGateway, Protocol):
    """A provider that can keep a card for later payments of the same order."""

    def create(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        account: str = "",
        keep_card: bool = False,
    ) -> GatewayPayment:
        """See PaymentGateway.create. With `keep_card` its card can be charged again without the
        customer, who must have been told so."""
        ...

    def charge_again(
        self,
        *,
        order_id: str,
        attempt: int,
        amount: Money,
        description: str,
        receipt_reference: str,
        like: str,
    ) -> GatewayPayment:
        """Have `amount` held on the card that paid `like`, without the customer.

        A card that is declined, or that only its holder can pay with, leaves a payment that awaits
        the customer with its `failure_code`. Safe to repeat however late. Raises GatewayRefused
        `card_not_kept` when there is no card, `idempotency_error` when the pair (order_id, attempt)
        names another payment.
        """
        ...

    def forget_card(self, reference: str) -> None:
        """Have the card deleted that was kept with a payment; nothing happens where none is, or not
        any more. What was paid with it stays, and can be captured and given back."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """Payments of ours, newest first; references of those that make no sense to us; and where the
    next page begins, '' when there is none."""

    payments: tuple[GatewayPayment, ...]
    unreadable: tuple[str, ...]
    next_after: str


class Payments(Protocol):
    """All payments that a provider has of ours, whether or not an order knows them."""

    def made(self, since: datetime, until: datetime, after: str) -> PaymentPage:
        """Those that were made from `since` to before `until`, in whole seconds, from after the
        payment `after` on ('' for the newest). Once `until` is over, pages do not change. Payments
        of others who share the account are left out. Raises GatewayUnavailable, GatewayRefused.
        """
        ...
