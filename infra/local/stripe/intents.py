"""The PaymentIntent and its charge: Stripe's state machine for cards.

docs.stripe.com/payments/paymentintents/lifecycle, /payments/place-a-hold-on-a-payment-method and
/payments/multicapture. Every function changes the account's own objects and emits the events.
"""

from __future__ import annotations

from infra.local.stripe import balance, customers, disputes
from infra.local.stripe.account import Account, integer, merge_metadata
from infra.local.stripe.cards import PresentedCard as PresentedCard
from infra.local.stripe.errors import Json, Refusal, invalid, unexpected_state

# docs.stripe.com/currencies#minimum-and-maximum-charge-amounts, the ones the demo may meet
_MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "cad": 50, "aud": 50, "chf": 50, "jpy": 50}
_THREE_DECIMAL = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
# How long money is held, in seconds, and how long Visa's without the customer at hand:
# docs.stripe.com/payments/place-a-hold-on-a-payment-method#authorization-validity-windows
HOLD_SECONDS = 7 * 24 * 3600
VISA_WITHOUT_HOLDER = (4 * 24 + 18) * 3600
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(account: Account, params: Json) -> Json:
    """A new intent in `requires_payment_method`. Raises Refusal for amounts Stripe would refuse."""
    amount, currency = integer(params, "amount"), params.get("currency", "")
    if amount is None:
        raise invalid("Missing required param: amount.", code="parameter_missing", param="amount")
    if not (isinstance(currency, str) and len(currency) == 3 and currency.islower()):
        raise invalid(f"Invalid currency: {currency}", param="currency")
    _check_amount(amount, currency)
    method = params.get("capture_method", "automatic_async")
    if method not in ("automatic", "automatic_async", "manual"):
        raise invalid(f"Invalid capture_method: {method}", param="capture_method")
    usage = params.get("setup_future_usage")
    if usage not in (None, "on_session", "off_session"):
        raise invalid(f"Invalid setup_future_usage: {usage}", param="setup_future_usage")
    options = params.get("payment_method_options", {})
    intent = account.add(
        "payment_intent",
        {
            "status": "requires_payment_method",
            "amount": amount,
            "amount_capturable": 0,
            "amount_received": 0,
            "currency": currency,
            "capture_method": method,
            "confirmation_method": "automatic",
            "customer": params.get("customer"),
            "description": params.get("description"),
            "receipt_email": params.get("receipt_email"),
            "shipping": params.get("shipping"),
            "statement_descriptor_suffix": params.get("statement_descriptor_suffix"),
            "transfer_group": params.get("transfer_group"),
            "setup_future_usage": params.get("setup_future_usage"),
            "metadata": {},
            "payment_method": None,
            "payment_method_types": ["card"],
            "payment_method_options": options,
            "latest_charge": None,
            "last_payment_error": None,
            "next_action": None,
            "canceled_at": None,
            "cancellation_reason": None,
        },
    )
    intent["client_secret"] = f"{intent['id']}_{account.ids('secret')}"
    merge_metadata(intent, params.get("metadata"))
    account.emit("payment_intent.created", intent)
    return intent


def update(account: Account, intent: Json, params: Json) -> Json:
    """Change metadata and description at any time, the amount while the customer has not paid."""
    amount = integer(params, "amount")
    if amount is not None:
        if intent["status"] not in _OPEN:
            raise unexpected_state(
                account.expanded(intent, None), "The amount can no longer be changed."
            )
        _check_amount(amount, intent["currency"])
        intent["amount"] = amount
    merge_metadata(intent, params.get("metadata"))
    intent["description"] = params.get("description", intent["description"])
    return intent


def confirm(
    account: Account, intent: Json, card: PresentedCard, challenge_url: str, return_url: str
) -> Json:
    """Charge the card, or ask for 3-D Secure first. Raises Refusal 402 when declined.

    `challenge_url` is where the customer authenticates; without a `return_url` the browser's SDK
    would show the challenge itself, so that the intent names no page.
    """
    _require_open(account, intent)
    intent |= {"last_payment_error": None, "payment_method": card.payment_method["id"]}
    if not card.behaviour.three_d_secure:
        if refusal := _charge(account, intent, card):
            raise refusal
        return intent
    redirect = {"url": challenge_url, "return_url": return_url}
    intent["status"] = "requires_action"
    intent["next_action"] = (
        {"type": "redirect_to_url", "redirect_to_url": redirect}
        if return_url
        else {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    )
    account.emit("payment_intent.requires_action", intent)
    return intent


def confirm_without_holder(account: Account, intent: Json, card: PresentedCard) -> Json:
    """Charge a kept card. Raises Refusal 402 when declined, `authentication_required` when only its
    holder could pay with it; the payment then waits for them."""
    _require_open(account, intent)
    if not card.set_up:
        raise invalid("This payment method was not set up for that.", param="payment_method")
    intent["payment_method"] = card.payment_method["id"]
    used = customers.without_holder(account, card)
    seconds = VISA_WITHOUT_HOLDER if _is_visa(card) else HOLD_SECONDS
    if refusal := _charge(account, intent, used, seconds):
        raise refusal
    return intent


def authenticate(account: Account, intent: Json, card: PresentedCard, passed: bool) -> Json:
    """The customer completed (or failed) 3-D Secure; a decline by the issuer may still follow."""
    if intent["status"] != "requires_action":
        raise unexpected_state(account.expanded(intent, None), "Nothing is to be authenticated.")
    intent["next_action"] = None
    if passed:
        _charge(account, intent, card)
        return intent
    error = {
        "type": "invalid_request_error",
        "code": "payment_intent_authentication_failure",
        "message": "The provided payment method has failed authentication.",
        "payment_method": card.payment_method,
    }
    _fail(account, intent, error)
    return intent


def capture(account: Account, intent: Json, params: Json) -> Json:
    """Take money from the hold. Raises Refusal unless it covers the amount."""
    if intent["status"] != "requires_capture":
        state = "it has already been captured"
        if intent["status"] != "succeeded":
            state = f"it has a status of {intent['status']}"
        message = f"This PaymentIntent could not be captured because {state}."
        raise unexpected_state(account.expanded(intent, None), message)
    charge = account.get("charge", intent["latest_charge"])
    final = params.get("final_capture", "true") != "false"
    amount = integer(params, "amount_to_capture")
    amount = intent["amount_capturable"] if amount is None else amount
    _check_capture(intent, _multicapture(charge), amount, final)
    merge_metadata(intent, params.get("metadata"))
    before = intent["amount_capturable"]
    intent["amount_received"] += amount
    intent["amount_capturable"] -= amount
    charge["amount_captured"] += amount
    if amount:
        balance.captured(account, charge, amount)
    if _multicapture(charge):
        shown = {**intent, "amount_capturable": 0 if final else intent["amount_capturable"]}
        previous = {"amount_capturable": before}
        account.emit("payment_intent.amount_capturable_updated", shown, previous)
        account.emit("charge.updated", charge)
    if final:
        _close(account, intent, charge)
    return intent


def cancel(account: Account, intent: Json, params: Json) -> Json:
    """Give the intent up and release its hold. Raises Refusal once money was taken."""
    status = intent["status"]
    if status not in (*_OPEN, "requires_capture") or intent["amount_received"]:
        message = f"You cannot cancel this PaymentIntent because it has a status of {status}."
        raise unexpected_state(account.expanded(intent, None), message)
    reason = params.get("cancellation_reason")
    if reason not in (None, "duplicate", "fraudulent", "requested_by_customer", "abandoned"):
        raise invalid(f"Invalid cancellation_reason: {reason}", param="cancellation_reason")
    _cancel(account, intent, reason)
    return intent


def expire_holds(account: Account) -> None:
    """Let every hold lapse whose time is over, as the card networks do."""
    for intent in list(account.objects["payment_intent"].values()):
        if intent["status"] != "requires_capture":
            continue
        charge = account.get("charge", intent["latest_charge"])
        if charge["payment_method_details"]["card"]["capture_before"] > account.now():
            continue
        if intent["amount_received"]:
            _close(account, intent, charge)
        else:
            account.emit("charge.expired", charge)
            _cancel(account, intent, "expired")


def _check_amount(amount: int, currency: str) -> None:
    if amount < _MINIMUM.get(currency, 1):
        raise invalid("Amount is below the minimum.", code="amount_too_small", param="amount")
    if amount > 99_999_999:
        raise invalid("Amount is above the maximum.", code="amount_too_large", param="amount")
    if currency in _THREE_DECIMAL and amount % 10:
        raise invalid("The last digit must be 0 in this currency.", param="amount")


def _check_capture(intent: Json, multicapture: bool, amount: int, final: bool) -> None:
    if not final and not multicapture:
        message = "Multicapture is not available for this PaymentIntent."
        raise invalid(message, param="final_capture")
    if amount > intent["amount_capturable"]:
        message = "The amount to capture is greater than the amount capturable."
        raise invalid(message, code="amount_too_large", param="amount_to_capture")
    if amount == 0 and not (final and intent["amount_received"]):
        message = "Invalid positive integer"
        raise invalid(message, code="parameter_invalid_integer", param="amount_to_capture")


def _require_open(account: Account, intent: Json) -> None:
    if intent["status"] in _OPEN:
        return
    raise unexpected_state(
        account.expanded(intent, None),
        f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}.",
    )


def _charge(
    account: Account, intent: Json, card: PresentedCard, seconds: int = HOLD_SECONDS
) -> Refusal | None:
    """Ask the issuer, who holds the money so many seconds. The refusal is what a caller waiting for
    the answer is told."""
    behaviour = card.behaviour
    charge = account.add("charge", _charge_fields(account, intent, card, seconds))
    intent["latest_charge"] = charge["id"]
    if behaviour.code:
        error = {
            "type": "card_error",
            "code": behaviour.code,
            "decline_code": behaviour.decline_code,
            "message": behaviour.message,
            "charge": charge["id"],
            "payment_method": card.payment_method,
        }
        account.emit("charge.failed", charge)
        _fail(account, intent, error)
        return Refusal(402, {**error, "payment_intent": account.expanded(intent, None)})
    customers.keep(account, intent, card)
    intent["amount_capturable"] = intent["amount"]
    if intent["capture_method"] == "manual":
        intent["status"] = "requires_capture"
        account.emit("charge.succeeded", charge)
        account.emit("payment_intent.amount_capturable_updated", intent)
    else:
        charge |= {"captured": True, "amount_captured": charge["amount"]}
        balance.captured(account, charge, charge["amount"])
        intent |= {"amount_received": intent["amount"], "amount_capturable": 0}
        intent["status"] = "succeeded"
        account.emit("charge.succeeded", charge)
        account.emit("payment_intent.succeeded", intent)
        disputes.of_card(account, charge)
    return None


def _is_visa(card: PresentedCard) -> bool:
    return bool(card.payment_method["card"].get("brand") == "visa")


def _charge_fields(account: Account, intent: Json, card: PresentedCard, seconds: int) -> Json:
    failed = bool(card.behaviour.code)
    asked = intent["payment_method_options"].get("card", {}).get("request_multicapture")
    offered = account.multicapture and asked == "if_available"
    shown = {
        name: card.payment_method["card"].get(name)
        for name in ("brand", "last4", "exp_month", "exp_year", "country", "funding")
    }
    shown["multicapture"] = {"status": "available" if offered else "unavailable"}
    if intent["capture_method"] == "manual" and not failed:
        shown["capture_before"] = account.now() + seconds
    return {
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "captured": False,
        "paid": not failed,
        "refunded": False,
        "status": "failed" if failed else "succeeded",
        "currency": intent["currency"],
        "description": intent["description"],
        "metadata": dict(intent["metadata"]),
        "payment_intent": intent["id"],
        "payment_method": card.payment_method["id"],
        "payment_method_details": {"type": "card", "card": shown},
        "failure_code": card.behaviour.code or None,
        "failure_message": card.behaviour.message or None,
        "balance_transaction": None,
        "disputed": False,
    }


def _fail(account: Account, intent: Json, error: Json) -> None:
    intent["status"] = "requires_payment_method"
    intent |= {"last_payment_error": error, "payment_method": None}
    account.emit("payment_intent.payment_failed", intent)


def _close(account: Account, intent: Json, charge: Json) -> None:
    intent |= {"status": "succeeded", "amount_capturable": 0}
    charge["captured"] = True
    account.emit("charge.captured", charge, {"captured": False})
    account.emit("payment_intent.succeeded", intent)
    disputes.of_card(account, charge)


def _cancel(account: Account, intent: Json, reason: str | None) -> None:
    intent |= {"status": "canceled", "cancellation_reason": reason, "amount_capturable": 0}
    intent |= {"canceled_at": account.now(), "next_action": None}
    account.emit("payment_intent.canceled", intent)


def _multicapture(charge: Json) -> bool:
    offer: str = charge["payment_method_details"]["card"]["multicapture"]["status"]
    return offer == "available"
