"""What the API shows of an order: to who holds its cart token, to its customer, to staff."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from parcelway.domain.dues import pay_until, payable, to_pay
from parcelway.domain.gift_card import Kind
from parcelway.domain.gift_cards import shares
from parcelway.domain.line import Discount, Kit, Line, Share
from parcelway.domain.money import Money, total
from parcelway.domain.order import (
    DeliveryGroup,
    Order,
    PaymentStatus,
    Shortage,
    State,
    Totals,
    totals,
)
from parcelway.domain.parties import Address, Contact
from parcelway.domain.redemption import codes_applied
from parcelway.domain.shipment import Astray, Shipment, ShipmentStatus
from parcelway.domain.status import (
    FulfilmentStatus,
    ReturnStatus,
    fulfilment_status,
    on_time,
    return_status,
)
from parcelway.http.access import by_grant
from parcelway.values import dataclass

if TYPE_CHECKING:
    from parcelway.http.call import Call


@dataclass(frozen=True, slots=True)
class ExpectedView:
    """Units that wait, and the day they are expected on; null where nobody knows."""

    quantity: int
    due: date | None


@dataclass(frozen=True, slots=True)
class LineView:
    """One line: `unit_price` x `quantity` - `discounts` is its net, with its tax where prices
    include it. `stages` counts its units by how far they have come, `expected` tells of those that
    wait for goods. In an order with several deliveries `tax_rate` is the first one's; each delivery
    has its own."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_source: str
    discounts: list[Discount]
    net: Money
    tax: Money
    tax_rate: int
    stages: Mapping[str, int]
    expected: list[ExpectedView]


@dataclass(frozen=True, slots=True)
class KitView:
    """Kits: `quantity` times the `components` (units by SKU), which are among the units of the
    order's lines. One comes to `unit_price`, before promotions and the like: what it saves is a
    discount of those lines."""

    sku: str
    name: str
    quantity: int
    unit_price: Money
    price_source: str
    components: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class DeliveryLineView:
    """Units of a SKU that go with a delivery, and what they come to where it goes. `tax_code` is
    how they are taxed (EN 16931, BT-151), `tax_reason` why they bear none, '' where it needs none.
    """

    sku: str
    quantity: int
    net: Money
    tax: Money
    tax_rate: int
    tax_code: str
    tax_reason: str


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """What of the order goes where and how, with the promised window of dates."""

    group: str
    method: str | None
    address: Address | None
    store: str
    service: str
    instructions: str
    lines: list[DeliveryLineView]
    charge: Money | None
    charge_discounts: list[Discount]
    charge_tax: Money | None
    charge_tax_rate: int
    charge_tax_code: str
    charge_tax_reason: str
    promised_from: date | None
    promised_to: date | None
    revised: bool
    expected_from: date | None
    expected_to: date | None
    revision_reason: str
    on_time: bool | None


@dataclass(frozen=True, slots=True)
class CouponView:
    """A code that was entered, and whether it takes something off as the order is now."""

    code: str
    applied: bool


@dataclass(frozen=True, slots=True)
class TenderView:
    """A gift card, or store credit, that pays for an order. `card` takes it out of a cart again,
    `ending` is the end of its code. `amount` is what it paid or, of a cart, would pay."""

    card: str
    kind: Kind
    ending: str
    amount: Money


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """What the approvers of a business account were asked about a cart, and said: `void` once the
    cart has changed, or comes to more than `total`. `reason` is the approver's."""

    id: str
    status: str
    total: Money
    asked_at: datetime
    decided_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order or, while its state is `draft`, a cart.

    `payable` is what it comes to as it is now: its total less what was cancelled or credited since.
    Of that `to_pay` is neither held nor paid, and has to be by `pay_until`: by other means than
    the `gift_cards`, which pay first. Of what was captured on account `outstanding` is still to
    come by transfer; negative: more came.
    """

    id: str
    version: int
    state: State
    channel: str
    currency: str
    language: str
    lines: list[LineView]
    kits: list[KitView]
    deliveries: list[DeliveryView]
    contact: Contact | None
    billing_address: Address | None
    tax_id: str
    purchase_order: str
    approval: ApprovalView | None
    payment_method: str
    gift_cards: list[TenderView]
    coupons: list[CouponView]
    totals: Totals
    payment_status: PaymentStatus
    fulfilment_status: FulfilmentStatus
    return_status: ReturnStatus
    authorized: Money
    captured: Money
    refunded: Money
    outstanding: Money
    payable: Money
    to_pay: Money
    created_at: datetime
    placed_at: datetime | None
    pay_until: datetime | None
    cancel_reason: str
    shortage: Shortage
    linked_orders: list[str]
    tracking_number: str
    tracking_path: str


@dataclass(frozen=True, slots=True)
class ShipmentView:
    """A parcel or a pick-up as the warehouse sees it; `group` is the delivery it belongs to. `held`
    is why it must not go on for now, '' when it may. `astray` says how its parcel failed to arrive.

    `to_store` is where another node sends what is collected there. What lies ready is kept until
    `collect_by`; `wrong_codes` were given for it. `preferences` are what
    the customer wants of every order.
    """

    id: str
    order_id: str
    group: str
    node: str
    to_store: str
    method: str
    status: ShipmentStatus
    service: str
    carrier: str
    parcel_number: str
    tracking: str
    ship_to: Address | None
    instructions: str
    lines: list[Mapping[str, str | int]]
    released_at: datetime | None
    collect_by: datetime | None
    wrong_codes: int
    accepted_at: datetime | None
    held: str
    held_note: str
    astray: Astray
    invoice_number: str
    preferences: Mapping[str, str]


def order_view(order: Order, *, staff: bool = False) -> OrderView:
    """The order for those who may see all of it; for `staff` without the secret of its link, which
    leads to what only the customer shall know: the code to collect."""
    tenders = shares(order)
    # The cards of a cart have paid nothing yet, but what they will pay is not asked for.
    promised = [tender.amount for tender in tenders if order.state == "draft"]
    covered = total(promised, order.currency)
    tracked = f"/track/{order.tracking_number}" + ("" if staff else f"?k={order.link_token}")
    return OrderView(
        id=order.id,
        version=order.version,
        state=order.state,
        channel=order.channel,
        currency=order.currency,
        language=order.language,
        lines=[_line(line) for line in order.lines],
        kits=[_kit(kit) for kit in order.kits],
        deliveries=[_delivery(order, group) for group in order.groups],
        contact=order.contact,
        billing_address=order.billing_address,
        tax_id=order.tax_id,
        purchase_order=order.purchase_order,
        approval=approval_view(order),
        payment_method=order.payment_method,
        gift_cards=[TenderView(t.card, t.kind, t.ending, t.amount) for t in tenders],
        coupons=[CouponView(code, code in codes_applied(order)) for code in order.coupons],
        totals=totals(order),
        payment_status=order.payment_status,
        fulfilment_status=fulfilment_status(order),
        return_status=return_status(order),
        authorized=Money(order.authorized, order.currency),
        captured=Money(order.captured, order.currency),
        refunded=Money(order.refunded, order.currency),
        outstanding=Money(order.outstanding, order.currency),
        payable=payable(order),
        to_pay=to_pay(order) - covered,
        created_at=order.created_at,
        placed_at=order.placed_at,
        pay_until=order.hold_until if order.state == "placed" else pay_until(order),
        cancel_reason=order.cancel_reason,
        shortage=order.shortage,
        linked_orders=list(order.linked),
        tracking_number=order.tracking_number,
        tracking_path=tracked if order.tracking_number else "",
    )


def approval_view(order: Order) -> ApprovalView | None:
    """How the approval of an order stands; None where nobody was asked."""
    approval = order.approval
    if approval is None:
        return None
    from parcelway.domain.account_rules import standing  # few orders need one

    return ApprovalView(
        approval.id,
        standing(order),
        approval.total,
        approval.asked_at,
        approval.decided_at,
        approval.reason,
    )


def held_view(call: Call[Any], order: Order) -> OrderView:
    """What the holder of an order is shown of it."""
    return order_view(order, staff=by_grant(call))


def shipment_view(order: Order, shipment: Shipment) -> ShipmentView:
    """A shipment with what the people who pick and send it need, and no prices."""
    names = {line.number: line.name for line in order.lines}
    group = order.group_named(shipment.group)
    return ShipmentView(
        id=shipment.id,
        order_id=order.id,
        group=shipment.group,
        node=shipment.node,
        to_store=shipment.to_store,
        method=shipment.method,
        status=shipment.status,
        service=shipment.service,
        carrier=shipment.carrier,
        parcel_number=shipment.parcel_number,
        tracking=shipment.tracking,
        ship_to=group.address,
        instructions=group.instructions,
        lines=[
            {"sku": line.sku, "name": names[line.line], "quantity": line.quantity}
            for line in shipment.lines
        ],
        released_at=shipment.released_at,
        collect_by=shipment.collect_by,
        wrong_codes=shipment.mistakes,
        accepted_at=shipment.accepted_at,
        held=shipment.held,
        held_note=shipment.held_note,
        astray=shipment.astray,
        invoice_number=shipment.invoice_number,
        preferences=order.preferences,
    )


def _line(line: Line) -> LineView:
    stages: dict[str, int] = {}
    for portion in line.portions:
        stages[portion.stage] = stages.get(portion.stage, 0) + portion.quantity
    return LineView(
        line.sku,
        line.name,
        line.quantity,
        line.unit_price,
        line.price_source,
        list(line.discounts),
        line.net,
        line.tax,
        line.tax_rate,
        stages,
        [ExpectedView(p.quantity, p.due) for p in line.portions if p.stage == "backordered"],
    )


def _kit(kit: Kit) -> KitView:
    return KitView(
        kit.sku, kit.name, kit.quantity, kit.unit_price, kit.price_source, kit.components
    )


def _delivery_line(line: Line, share: Share) -> DeliveryLineView:
    return DeliveryLineView(
        line.sku,
        line.units(share.group),
        share.net,
        share.tax,
        share.tax_rate,
        share.tax_code,
        share.tax_reason,
    )


def _delivery(order: Order, group: DeliveryGroup) -> DeliveryView:
    present = group.present_promise
    return DeliveryView(
        group=group.id,
        method=group.method,
        address=group.address,
        store=group.store,
        service=group.service,
        instructions=group.instructions,
        lines=[
            _delivery_line(line, share)
            for line in order.lines
            for share in line.by_group
            if share.group == group.id
        ],
        charge=group.charge_price,
        charge_discounts=list(group.charge_discounts),
        charge_tax=group.charge_tax,
        charge_tax_rate=group.charge_tax_rate,
        charge_tax_code=group.charge_tax_code,
        charge_tax_reason=group.charge_tax_reason,
        promised_from=group.promise.earliest if group.promise else None,
        promised_to=group.promise.latest if group.promise else None,
        revised=bool(group.revisions),
        expected_from=present.earliest if present else None,
        expected_to=present.latest if present else None,
        revision_reason=group.revisions[-1].reason if group.revisions else "",
        on_time=on_time(order, group),
    )
