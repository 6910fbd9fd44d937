"""VAT numbers of the EU's member states, and of Northern Ireland, in their one spelling."""

from __future__ import annotations

from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from parcelway.domain.refusals import Reason, Refusal


def vat_number(text: str) -> str:
    """The number with its prefix (Greece's is EL), without spaces and hyphens.

    Raises Refusal INVALID when the form or the check digits are not those of the state's numbers.
    """
    try:
        number: str = vat.validate(text)
    except ValidationError:
        detail = "This is no VAT number of a member state of the EU, with its prefix."
        raise Refusal(Reason.INVALID, detail, "/tax_id") from None
    return f"EL{number[2:]}" if number.startswith("GR") else number
