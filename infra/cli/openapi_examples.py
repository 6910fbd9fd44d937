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
    "order_import_take_in": {
        "external_id": "701-9981",
        "contact": {"name": "Ann Example", "email": "ann@example.com"},
        "address": _ADDRESS,
        "lines": [
            {"sku": "819312", "quantity": 2, "unit_price": {"minor": 1000, "currency": "USD"}}
        ],
        "delivery_charge": {"minor": 0, "currency": "USD"},
        "total": {"minor": 2000, "currency": "USD"},
    },
    "cart_create": {"language": "en"},
    "desk_begin": {"channel": "phone", "cause": "phone_order"},
    "desk_open_grant": {"cause": "assistance"},
    "desk_note": {"text": "Call before delivery: the bell is broken."},
    "cart_add_line": {"sku": "819312", "quantity": 2},
    "cart_substitute": {"sku": "819313"},
    "cart_reorder": {"order_id": "ord_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
    "cart_set_line": {"quantity": 3},
    "customers_create": {
        "email": "ann@example.com",
        "given_name": "Ann",
        "family_name": "Example",
        "phone": "+16145550100",
        "language": "en",
        "addresses": [{"label": "Home", "address": _ADDRESS, "default_shipping": True}],
    },
    "customers_edit": {
        "family_name": "Exemplar",
        "phone": "(614) 555-0100",
        "phone_country": "US",
        "contacts": [
            {
                "kind": "phone",
                "value": "+49 (0)151 12345678",
                "label": "mobile",
                "best_time": {
                    "days": ["mon", "tue"],
                    "start": "18:00",
                    "end": "20:00",
                    "time_zone": "Europe/Berlin",
                },
            }
        ],
        "preferences": {"substitutions": "none", "gift_wrap": "yes"},
        "consent": {"marketing_sms": False},
    },
    "signup_edit": {
        "contacts": [{"kind": "phone", "value": "+1 614 555 0100", "label": "mobile"}],
        "consent": {"marketing": False},
    },
    "customers_add_address": {"label": "Home", "address": _ADDRESS, "default_shipping": True},
    "customers_replace_address": {"label": "Work", "address": _ADDRESS},
    "customers_set_challenge": {
        "question": "What was the name of your first teacher?",
        "answer": "Mrs. Exemplar",
    },
    "signup_set_challenge": {
        "question": "What was the name of your first teacher?",
        "answer": "Mrs. Exemplar",
    },
    "customers_verify_answer": {"answer": "mrs exemplar"},
    "customers_set_demographics": {
        "uses": ["statistics"],
        "consent": True,
        "age": "45-54",
        "income": "35-49k",
        "household_size": 2,
    },
    "customers_set_state": {"state": "locked", "reason": "The mailbox was taken over"},
    "customers_merge_into": {
        "duplicate": "cus_bbbbbbbbbbbbbbbbbbbbbbbbbb",
        "reason": "Called: both are hers",
    },
    "privacy_erase_customer": {"grounds": "requested"},
    "privacy_erase_guest": {"grounds": "requested", "email": "grace@example.com"},
    "customers_set_standing": {"groups": ["trade"], "account": "acme"},
    "offers_set_price_list": {
        "name": "Trade",
        "currency": "USD",
        "audience": {"groups": ["trade"]},
        "starts_at": "2026-12-01T00:00:00Z",
    },
    "offers_set_prices": {
        "prices": [
            {"sku": "819312", "tiers": [{"minor": 1199}, {"quantity": 12, "minor": 999}]},
        ]
    },
    "offers_set_promotion": {
        "name": {"en": "Ten off fifty", "de": "Zehn weniger ab f\u00fcnfzig"},
        "action": "amount",
        "steps": [{"minimum": {"USD": 5000}, "amounts": {"USD": 1000}}],
        "coupon": True,
        "ends_at": "2027-01-01T00:00:00Z",
    },
    "counter_sell_over_counter": {
        "store": "store-columbus",
        "tenders": [{"method": "cash", "amount": {"minor": 5000, "currency": "USD"}}],
        "expected_total": {"minor": 4785, "currency": "USD"},
    },
    "offers_set_channel": {
        "orders_per_minute": 600,
        "purchase_limits": {"819312": {"units": 2, "days": 7}},
    },
    "offers_set_assortment": {"name": "Trade only", "audience": {"groups": ["trade"]}},
    "offers_set_coupon": {"promotion": "ten-off-fifty", "limit": 500, "per_customer": 1},
    "offers_make_codes": {"count": 100, "prefix": "XMAS"},
    "gift_cards_issue": {
        "kind": "gift_card",
        "value": {"minor": 2000, "currency": "USD"},
        "reason": "For the mug that arrived broken",
        "valid_until": "2029-12-31",
    },
    "gift_cards_block": {"reason": "Reported stolen"},
    "gift_cards_unblock": {"reason": "Found again"},
    "gift_cards_put_on": {"code": "BCDF-GHJK-MNPQ-RSTV-WXYZ"},
    "gift_cards_balance": {"code": "BCDF-GHJK-MNPQ-RSTV-WXYZ"},
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
    "payment_switch_method": {"payment_method": "invoice"},
    "credit_set_terms": {"limit": {"minor": 500_000, "currency": "USD"}, "days": 30},
    "credit_book_transfer": {
        "amount": {"minor": 2598, "currency": "USD"},
        "value_date": "2026-11-20",
        "bank_reference": "2026112000417",
    },
    "credit_confirm_repayment": {
        "amount": {"minor": 1000, "currency": "USD"},
        "value_date": "2026-11-24",
        "bank_reference": "2026112400081",
    },
    "checkout_confirm": {"expected_total": {"minor": 2598, "currency": "USD"}},
    "accounts_note": {
        "company": "Acme GmbH",
        "billing_address": _ADDRESS,
        "tax_id": "ATU13585627",
        "contacts": [{"email": "ann@example.com", "roles": ["approver"]}],
        "po_required": True,
        "approval_above": {"minor": 50_000, "currency": "USD"},
    },
    "accounts_approve": {"approval_id": "apr_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
    "accounts_reject": {
        "approval_id": "apr_aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "reason": "Not this quarter",
    },
    "taxes_identify": {"tax_id": "ATU13585627"},
    "taxes_exempt": {
        "certificate": "OH-4711-22",
        "reason": "Resale",
        "valid_from": "2026-01-01",
        "valid_until": "2026-12-31",
    },
    "adjustments_adjust": {
        "kind": "price_override",
        "target": "819312",
        "value": {"minor": 1199, "currency": "USD"},
        "reason": "price-match",
        "note": "seen at the shop across the road",
    },
    "billing_credit_order": {
        "invoice": "INV-000042",
        "lines": [{"sku": "819312", "quantity": 1}],
        "shipping": True,
        "amount": {"minor": 500, "currency": "USD"},
        "reason": "Arrived broken",
    },
    "billing_self_bill": {
        "supplier": {
            "name": "Teegarten GmbH",
            "address": _ADDRESS | {"name": "Teegarten GmbH"},
            "tax_id": "00-0000001",
            "email": "billing@teegarten.example",
        },
        "lines": [
            {
                "description": "Assam leaf tea, 5 kg",
                "quantity": 4,
                "unit_price": {"minor": 6000, "currency": "USD"},
                "tax_rate": 0,
                "tax_code": "Z",
            }
        ],
        "due_on": "2999-12-31",
    },
    "orders_cancel_own": {"reason": "changed my mind"},
    "fulfillment_ship": {"carrier": "ups", "parcel_number": "1Z999AA10123456784"},
    "fulfillment_hand_over": {"code": "048213"},
    "fulfillment_came_back": {"lines": [{"sku": "819312", "fit": 0}], "unfit": "damaged"},
    "fulfillment_lost": {"then": "cancel", "note": "the carrier has paid for it"},
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
    "settlement_take_as_it_is": {"reason": "A charge made by hand at the fair."},
    "carrier_webhook_receive": {
        "event_id": "evt_0001",
        "carrier": "ups",
        "parcel_number": "1Z999AA10123456784",
        "status": "out_for_delivery",
        "at": "2026-11-21T08:30:00-05:00",
        "place": "Columbus, OH",
    },
}
