"""A sale over the counter: what is in the cart is paid for and taken along, in one decision.

No state machine follows it: the order is placed, paid, and its units have left the store's stock,
all at once. What is left is its invoice, which the one writer of invoices numbers a moment later,
and which closes it (`invoicing`).

The customer has the goods in their hands. So no stock is refused: what by the books is not there,
or was promised to somebody else, is sold all the same, and somebody is told to look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from parcelway.domain import ledger
from parcelway.domain.account_rules import require_approved, require_buyer
from parcelway.domain.checkout import Names, require_decided, require_details, require_sellable
from parcelway.domain.commands import Command, remember
from parcelway.domain.coupons import Use
from parcelway.domain.decision import Decision
from parcelway.domain.facts import Balances, Facts
from parcelway.domain.fulfilment import shipment_costs
from parcelway.domain.ids import derived
from parcelway.domain.line import Line, Portion
from parcelway.domain.money import Money, total, zero
from parcelway.domain.order import DeliveryGroup, Hold, Order, advance, events, require, totals
from parcelway.domain.parties import Actor, Contact
from parcelway.domain.payment import CASH, TERMINAL, Payment, till_account
from parcelway.domain.payment_news import Fact
from parcelway.domain.pricing import price
from parcelway.domain.redemption import codes_applied, require_usable, uses
from parcelway.domain.refusals import Reason, Refusal
from parcelway.domain.reservation import give_back, require_one_transaction
from parcelway.domain.shipment import Shipment, ShipmentLine
from parcelway.domain.shop import Node, Shop
from parcelway.domain.stock import Balance, Kind, Move, after, posted
from parcelway.domain.switches import limits_counted, placing, require_sells, require_ships
from parcelway.domain.taxing import unconfirmed
from parcelway.values import dataclass

OVERSOLD = "oversold_at_counter"
MOST_TENDERS = 5
_OWN_WRITES = 8  # the order, its shipment and number, its events, its entry in the journal
_A_TENDER = 3  # the payment, its event, what holds its reference to this sale
_ANYBODY = {"en": "Counter sale", "de": "Barverkauf"}  # the buyer on invoices that name nobody


@dataclass(frozen=True, slots=True)
class Tender:
    """One way in which the customer pays. Of cash `amount` is what was handed over, of which change
    may go back; of a card terminal what it took, under its `reference`."""

    method: Literal["cash", "terminal"]
    amount: Money
    reference: str = ""


def store_of(shop: Shop, node: str) -> Node:
    """The store with a counter. Raises Refusal UNKNOWN_NODE."""
    found = shop.nodes.get(node)
    if found is None or found.kind != "store":
        raise Refusal(Reason.UNKNOWN_NODE, f"There is no store {node!r}.", "/store")
    return found


def _at(order: Order, store: Node) -> Order:
    """The cart with all of it to be had in the store, so that it is priced and taxed there."""
    group = DeliveryGroup(order.group.id, method="pickup", store=store.id)
    freed = give_back(order, "open", "reserved")
    lines = tuple(
        replace(line, portions=(Portion(group.id, "open", line.quantity),), shares=())
        for line in freed.lines
    )
    return replace(order, lines=lines, groups=(group,), shortage="")


def sell(
    before: Order,
    store: Node,
    tenders: Sequence[Tender],
    facts: Facts,
    asked: Command,
    actor: Actor,
    *,
    names: Names,
    expected_total: Money | None,
) -> Decision:
    """Sell the cart over the counter of `store`: `facts` have its balances as they are, and the
    business account that it is for.

    Raises Refusal ILLEGAL_STATE, UNKNOWN_NODE, EMPTY_CART, CHANNEL_CLOSED, SHIPPING_STOPPED,
    NOT_A_BUYER, INCOMPLETE_CHECKOUT, NOT_SELLABLE, ADJUSTMENT_PENDING, COUPON_UNAVAILABLE,
    TOTAL_CHANGED, APPROVAL_NEEDED, TENDER_MISMATCH, PURCHASE_LIMIT, CHANNEL_BUSY, TOO_MANY_LINES.
    """
    require(before, "draft")
    _require_sale(before, store, facts)
    order = price(_at(replace(before, actor=actor), store), facts)
    gross = totals(order).gross
    if expected_total not in (None, gross):
        raise Refusal(
            Reason.TOTAL_CHANGED,
            f"The total is {gross} now.",
            "/expected_total",
            total={"minor": gross.minor, "currency": gross.currency},
        )
    if facts.account is not None:
        # As the approvers were asked about it: before the till made it one to be taken along.
        require_approved(before, gross, facts.account)
    payments, change = _paid(order, store, tenders, gross, facts)
    used = (*uses([order], facts), *_bought(order, facts))
    shipment = _handed_over(order, store, facts)
    freed = give_back(before, "open", "reserved").moves
    short = oversold(order, store.id, after(facts.balances, freed))
    moves = (*freed, *_leaving(order, store, short))
    postings = (*_money(order, payments, facts), *_costs(order, shipment, facts))
    require_one_transaction(
        moves, more=len(used) + _A_TENDER * len(payments) + len(postings) + _OWN_WRITES
    )
    sold = replace(
        _sold(order, store, shipment, payments, used, short, facts),
        tracking_number=names.tracking_number,
        link_token=names.link_token,
        commands=remember(before, asked),
    )
    return Decision(
        sold,
        events(sold, facts.now, actor, *_told(sold, shipment, payments, change)),
        moves,
        (replace(shipment, version=sold.version),),
        postings=postings,
        tenders=payments,
        uses=used,
    )


def oversold(order: Order, store: str, balances: Balances) -> dict[str, int]:
    """How many units of which SKU are sold that the store has not, or has for somebody else. What
    is kept back from the channel is there to be carried out."""
    found = {}
    for line in order.lines:
        balance = balances.get((line.sku, store)) or Balance(line.sku, store)
        short = line.quantity - max(0, replace(balance, withheld=0).available)
        if short > 0:
            found[line.sku] = short
    return found


def _require_sale(order: Order, store: Node, facts: Facts) -> None:
    if order.channel != "in_person":
        told = f"This is a cart of the channel {order.channel}, not of a counter."
        raise Refusal(Reason.ILLEGAL_STATE, told, channel=order.channel)
    switches = facts.shop.switched(order.channel)
    require_sells(switches, [store.address])
    require_ships(switches)
    if facts.account is not None:
        require_buyer(order, facts.account)
    po_required = facts.account is not None and facts.account.po_required
    require_details(order, {"/purchase_order": order.purchase_order} if po_required else {})
    if order.gift_cards:
        raise Refusal(
            Reason.PAYMENT_METHOD_UNAVAILABLE, "The till takes no gift cards.", "/gift_cards"
        )
    require_sellable(order, facts)
    require_decided(order)
    require_usable(order, facts)


def _bought(order: Order, facts: Facts) -> list[Use]:
    units = {line.sku: line.quantity for line in order.lines}
    units |= {kit.sku: kit.quantity for kit in order.kits}
    switches = facts.shop.switched(order.channel)
    return placing(order, units, switches, facts.used, facts.now)


def _paid(
    order: Order, store: Node, tenders: Sequence[Tender], gross: Money, facts: Facts
) -> tuple[tuple[Payment, ...], Money]:
    """The payments that the tenders come to, and the change. Cards pay exactly what they pay; cash
    pays the rest, and what is left of it goes back."""
    left, payments = gross, list[Payment]()
    for index, tender in enumerate(tenders):
        if tender.amount.currency != gross.currency:
            raise _mismatch(gross, f"/tenders/{index}/amount/currency")
    by_card = total((t.amount for t in tenders if t.method == TERMINAL), gross.currency)
    cash = total((t.amount for t in tenders if t.method == CASH), gross.currency)
    change = by_card + cash - gross
    if change.minor < 0 or change.minor > cash.minor:
        raise _mismatch(gross, "/tenders")
    for tender in sorted(tenders, key=lambda each: each.method == CASH):
        amount = min(left, tender.amount)
        left -= amount
        if amount:
            payments.append(_payment(order, store, len(payments) + 1, tender, amount, facts))
    return tuple(payments), change


def _mismatch(gross: Money, pointer: str) -> Refusal:
    return Refusal(
        Reason.TENDER_MISMATCH,
        f"What is paid must come to {gross}; change is given of cash alone.",
        pointer,
        total={"minor": gross.minor, "currency": gross.currency},
    )


def _payment(
    order: Order, store: Node, number: int, tender: Tender, amount: Money, facts: Facts
) -> Payment:
    return Payment(
        order_id=order.id,
        number=number,
        reference=f"{store.id}:{tender.reference or derived('tnd', order.id, str(number))}",
        method=tender.method,
        status="captured",
        amount=amount,
        created_at=facts.now,
        authorized=amount.minor,
        captured=amount.minor,
        counts=True,
    )


def _handed_over(order: Order, store: Node, facts: Facts) -> Shipment:
    return Shipment(
        id=derived("shp", order.id, "counter"),
        order_id=order.id,
        version=0,
        group=order.group.id,
        node=store.id,
        method="pickup",
        status="delivered",
        lines=tuple(ShipmentLine(line.number, line.sku, line.quantity) for line in order.lines),
        created_at=facts.now,
        shipped_at=facts.now,
        delivered_at=facts.now,
        tracking="delivered",
        wave=0,
    )


def _leaving(order: Order, store: Node, short: Mapping[str, int]) -> list[Move]:
    """What leaves the stock. Units that are nobody else's are taken as any order takes them, on the
    condition that they are still there: so of two tills that sell the last one, the second notices.
    What has gone is the shop's no more, as the books have it (`_costs`).
    """
    moves = list[Move]()
    for line in order.lines:
        sku, units = line.sku, line.quantity
        if sku not in short:
            moves.append(Move(sku, store.id, "allocate", units))
        kind: Kind = "sell" if sku in short else "ship"
        moves.append(posted(Move(sku, store.id, kind, units), -units, line.unit_cost))
    return moves


def _sold(
    order: Order,
    store: Node,
    shipment: Shipment,
    payments: Sequence[Payment],
    used: Sequence[Use],
    short: Mapping[str, int],
    facts: Facts,
) -> Order:
    """The order as it is paid and carried out; what it is known by outside is not in it yet."""
    paid, contact = sum(payment.captured for payment in payments), _buyer(order)
    alerts = [Hold(OVERSOLD, f"{sku} at {store.id}: {n}", facts.now) for sku, n in short.items()]
    return advance(
        order,
        state="confirmed",
        lines=tuple(_taken_along(line, shipment) for line in order.lines),
        contact=contact,
        billing_address=order.billing_address or replace(store.address, name=contact.name),
        payment_method=payments[0].method if payments else CASH,
        payment_status="captured" if paid else "none",
        payment_attempts=len(payments),
        authorized=paid,
        captured=paid,
        secured=paid,
        hold_until=None,
        placed_at=facts.now,
        confirmed_at=facts.now,
        coupons=codes_applied(order),
        uses=tuple(use.counter for use in used if use.expires is None),
        limited=limits_counted(used),
        alerts=(*unconfirmed(order, facts.now), *alerts),
    )


def _buyer(order: Order) -> Contact:
    return order.contact or Contact(_ANYBODY.get(order.language, _ANYBODY["en"]), "")


def _taken_along(line: Line, shipment: Shipment) -> Line:
    units = line.quantity
    portion = Portion(shipment.group, "picked_up", units, shipment.node, shipment.id)
    return replace(line, portions=(portion,))


def _told(
    order: Order, shipment: Shipment, payments: Sequence[Payment], change: Money
) -> list[Fact]:
    sold = {"shipment": shipment.id, "store": shipment.node, "change": change.minor}
    return [
        ("order.placed", {"gross": totals(order).gross.minor}),
        *(("payment.captured", {"payment": p.number, "amount": p.captured}) for p in payments),
        ("order.sold", sold),
    ]


def _money(order: Order, payments: Sequence[Payment], facts: Facts) -> list[ledger.Posting]:
    """What came in: until the invoice comes it is held for the customer."""
    owed, found = zero(order.currency), list[ledger.Posting]()
    for payment in payments:
        key, into = f"{payment.reference}:{payment.captured}", till_account(payment)
        found.append(ledger.captured(order.id, key, facts.now, owed, payment.amount, into))
        owed -= payment.amount
    return found


def _costs(order: Order, shipment: Shipment, facts: Facts) -> list[ledger.Posting]:
    return [
        ledger.goods_sold(order.id, f"{shipment.id}:{cost.currency}", facts.now, cost)
        for cost in shipment_costs(order, shipment)
        if cost
    ]
