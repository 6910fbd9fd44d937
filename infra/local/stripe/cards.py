"""The test cards Stripe documents and what each does (docs.stripe.com/testing)."""

from __future__ import annotations

from dataclasses import dataclass

from infra.local.stripe.errors import Json, Refusal


@dataclass(frozen=True, slots=True)
class CardBehaviour:
    """What happens when a card is charged.

    `code` and `decline_code` are the card error's, '' when the charge succeeds; with
    `three_d_secure` the customer must authenticate before the issuer is asked at all: also when the
    card was set up for payments without them, unless `unless_set_up`.
    """

    code: str = ""
    decline_code: str = ""
    message: str = ""
    three_d_secure: bool = False
    unless_set_up: bool = False


@dataclass(frozen=True, slots=True)
class PresentedCard:
    """A payment method as localstripe keeps it, and what our table says it will do. One that is
    `set_up` may be charged without its holder."""

    payment_method: Json
    behaviour: CardBehaviour
    set_up: bool = False


AUTHENTICATION_REQUIRED = CardBehaviour(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)


_DECLINED = "Your card was declined."
_NO_FUNDS = "Your card has insufficient funds."

TEST_CARDS = {
    "4242424242424242": CardBehaviour(),
    "4000056655665556": CardBehaviour(),
    "5555555555554444": CardBehaviour(),
    "4000000000007726": CardBehaviour(),  # its refunds are on their way for a while
    "4000000000005126": CardBehaviour(),  # its refunds fail after they seemed to succeed
    "4000000000000077": CardBehaviour(),  # its funds are available at once
    "4000000000000259": CardBehaviour(),  # disputed as fraudulent
    "4000000000002685": CardBehaviour(),  # disputed: not received
    "4000000000001976": CardBehaviour(),  # asked about by its bank, which is no chargeback
    "4000000000000002": CardBehaviour("card_declined", "generic_decline", _DECLINED),
    "4000000000009995": CardBehaviour("card_declined", "insufficient_funds", _NO_FUNDS),
    "4000000000009987": CardBehaviour("card_declined", "lost_card", _DECLINED),
    "4000000000009979": CardBehaviour("card_declined", "stolen_card", _DECLINED),
    "4000000000000069": CardBehaviour("expired_card", "expired_card", "Your card has expired."),
    "4000000000000127": CardBehaviour(
        "incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."
    ),
    "4000000000000119": CardBehaviour(
        "processing_error", "processing_error", "An error occurred while processing your card."
    ),
    "4000002500003155": CardBehaviour(three_d_secure=True, unless_set_up=True),
    "4000002760003184": CardBehaviour(three_d_secure=True),
    "4000000000003220": CardBehaviour(three_d_secure=True),
    "4000008260003178": CardBehaviour("card_declined", "insufficient_funds", _NO_FUNDS, True),
    "4000008400001629": CardBehaviour("card_declined", "generic_decline", _DECLINED, True),
}

# The ready-made names of the same page, with and without the brand in them.
NAMED = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "authenticationRequired": "4000002500003155",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003220",
}


def behaviour(number: str) -> CardBehaviour:
    """What the card `number` does. Raises Refusal for a number that is not one of the test cards.

    Stripe's test mode, too, declines real cards; here it also keeps them out of a demo.
    """
    if number in TEST_CARDS:
        return TEST_CARDS[number]
    if not _luhn(number):
        raise _card_error("incorrect_number", "", "Your card number is incorrect.", "number")
    raise _card_error(
        "card_declined",
        "test_mode_live_card",
        "Your card was declined. Only the documented test cards work in test mode.",
        "",
    )


def check_expiry(month: str, year: str, *, now_year: int, now_month: int) -> None:
    """Raise Refusal unless the card is good this month."""
    if not (month.isdecimal() and 1 <= int(month) <= 12):
        message = "Your card's expiration month is invalid."
        raise _card_error("invalid_expiry_month", "", message, "exp_month")
    full = int(year) if year.isdecimal() and len(year) <= 4 else 0
    full += 2000 if len(year) == 2 else 0
    if (full, int(month)) < (now_year, now_month) or full > now_year + 50:
        message = "Your card's expiration year is invalid."
        raise _card_error("invalid_expiry_year", "", message, "exp_year")


def brand(number: str) -> str:
    """The card network's name as Stripe writes it."""
    return "mastercard" if number.startswith("5") else "visa"


def _luhn(number: str) -> bool:
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19):
        return False
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _card_error(code: str, decline_code: str, message: str, param: str) -> Refusal:
    error = {"type": "card_error", "code": code, "message": message}
    error |= {"decline_code": decline_code} if decline_code else {}
    error |= {"param": param} if param else {}
    return Refusal(402, error)
