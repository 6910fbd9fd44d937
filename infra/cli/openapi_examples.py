"""Requests worth seeing once, by operation; a test holds them to the schemas."""

from __future__ import annotations

from typing import Any

_ADDRESS = {
    "name": "Ann Example",
    "line1": "1 Main Street",
    "city": "Columbus",
    "region": "OH",
    "postal_code": "43215",
    "country": "US",
}

BODIES: dict[str, dict[str, Any]] = {
    "signup_register": {
        "name": "Ann Example",
        "email": "ann@example.com",
        "password": "a long sentence of mine",
        "phone": "+16145550100",
        "language": "en",
        "addresses": [{"label": "Home", "address": _ADDRESS, "default_shipping": True}],
        "consent": {"terms_accepted": True, "marketing": False},
    },
    "signup_sign_in": {"email": "ann@example.com", "password": "a long sentence of mine"},
    "cart_create": {"language": "en"},
    "cart_add_line": {"sku": "819312", "quantity": 2},
    "cart_set_line": {"quantity": 3},
    "checkout_describe": {
        "contact": {"name": "Ann Example", "email": "ann@example.com", "phone": "+16145550100"},
        "billing_address": _ADDRESS,
        "payment_method": "card",
    },
    "checkout_deliver": {
        "service": "parcel-standard",
        "address": _ADDRESS,
        "instructions": "Leave it with the neighbour.",
    },
    "checkout_divide": {
        "deliveries": [
            {
                "service": "parcel-standard",
                "address": _ADDRESS,
                "lines": [{"sku": "819312", "quantity": 2}],
            },
            {
                "service": "store-pickup",
                "store": "store-dayton",
                "lines": [{"sku": "819312", "quantity": 1}],
            },
        ]
    },
    "checkout_confirm": {"expected_total": {"minor": 2598, "currency": "USD"}},
    "orders_cancel_own": {"reason": "changed my mind"},
    "fulfillment_ship": {"carrier": "ups", "parcel_number": "1Z999AA10123456784"},
    "fulfillment_hand_over": {"code": "048213"},
    "fulfillment_reject": {"reason": "capacity", "note": "two are off sick"},
    "fulfillment_short_pick": {"lines": [{"sku": "819312", "picked": 1}], "reason": "damaged"},
    "fulfillment_hold": {"reason": "address", "note": "no such house number"},
    "fulfillment_move": {"node": "wh-louisville", "note": "the conveyor stands still"},
    "fulfillment_split": {"lines": [{"sku": "819312", "quantity": 1}]},
    "stock_receive": {"quantity": 48, "supply": "PO-4711-1", "source": "DN-20261121-17"},
    "stock_adjust": {"quantity": -2, "reason": "shrinkage"},
    "stock_count": {"quantity": 37, "counted_at": "2026-11-21T18:00:00Z"},
    "stock_sell": {"quantity": 1, "source": "till-2/20261121-0815/1"},
    "stock_expect": {"due": "2026-12-01", "quantity": 48},
    "stock_transfer": {
        "from_node": "dc-columbus",
        "to_node": "store-dayton",
        "due": "2026-12-01",
        "lines": [{"sku": "819312", "quantity": 12}],
    },
    "stock_feed": {
        "rows": [
            {
                "sku": "819312",
                "node": "dc-columbus",
                "mode": "absolute",
                "quantity": 37,
                "as_of": "2026-11-21T18:00:00Z",
            },
            {
                "sku": "819312",
                "node": "store-dayton",
                "mode": "delta",
                "quantity": -1,
                "source": "wms-8821",
            },
        ]
    },
    "carrier_webhook_receive": {
        "event_id": "evt_0001",
        "carrier": "ups",
        "parcel_number": "1Z999AA10123456784",
        "status": "out_for_delivery",
        "at": "2026-11-21T08:30:00-05:00",
        "place": "Columbus, OH",
    },
}
