"""Phone numbers as people say them, in their one form."""

from __future__ import annotations

from parcelway.domain.refusals import Reason, Refusal


def e164(text: str, country: str, pointer: str) -> str:
    """A number in E.164. Without a `+` it is one of `country` (ISO 3166-1 alpha-2).

    Raises Refusal INVALID at `pointer` for what is no number anybody could have.
    """
    import phonenumbers  # its tables cost a start more than all routes here that need none

    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number) or number.extension:
        hint = "" if country or text.startswith("+") else " Without a + it needs its country."
        raise Refusal(Reason.INVALID, f"That is no phone number.{hint}", pointer)
    formatted: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return formatted
