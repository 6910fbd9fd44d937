"""A tax engine, for shops whose taxes are more than a table of rates.

The shop's own rules are `domain.tax`; an engine takes their place. `LambdaTaxEngine` is the
adapter: a function of the shop's own account, which speaks to the service of its choice with
secrets of its own. Amounts are in minor units, rates in basis points; of addresses it gets no more
than it needs.

    asked   {"currency", "prices_include_tax", "day", "buyer": {"tax_id", "exemptions": [...]},
             "supplies": [{"sku", "amount", "category", "sent", "place": {...}}, ...]}
    answer  {"supplies": [{"net", "tax", "rate", "code", "reason"}, ...]}, in the same order

The SKU of a shipping charge is ''. `code` and `reason` are those of EN 16931 (BT-151, BT-120/121).
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import Any, Protocol, get_args

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from parcelway import aws
from parcelway.domain.money import Money
from parcelway.domain.shop import TaxCode
from parcelway.domain.tax import Assessed, Inquiry, Supply, sound

_CODES = get_args(TaxCode)


class TaxUnavailable(Exception):
    """No usable answer of the engine in time. Nothing has been changed."""


class TaxEngine(Protocol):
    """What knows the tax of a cart. Asking twice is harmless: it keeps no record."""

    def assess(self, asked: Inquiry) -> tuple[Assessed, ...]:
        """What each supply bears, in their order. Raises TaxUnavailable."""


class LambdaTaxEngine:
    """A Lambda function that answers inquiries."""

    def __init__(self, client: Any, function: str) -> None:
        self._client, self._function = client, function

    def assess(self, asked: Inquiry) -> tuple[Assessed, ...]:
        """Invoke the function. Raises TaxUnavailable, also for an answer that does not add up."""
        payload = json.dumps(_question(asked))
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=payload)
            said = json.loads(answer["Payload"].read())
            found = tuple(_assessed(each, asked.currency) for each in said["supplies"])
        except (BotoCoreError, ClientError) as error:
            raise TaxUnavailable from error
        except (
            ValueError,
            KeyError,
            TypeError,
        ) as error:  # not as agreed
            raise TaxUnavailable from error
        if not sound(asked, found):
            raise TaxUnavailable
        return found


@cache
def engine() -> TaxEngine | None:
    """The shop's engine, None where its own rules are enough."""
    function = os.environ.get("TAX_ENGINE", "")
    if not function:
        return None
    patience = Config(connect_timeout=1, read_timeout=4, retries={"total_max_attempts": 2})
    return LambdaTaxEngine(aws.client("lambda", patience), function)


def _question(asked: Inquiry) -> dict[str, Any]:
    return {
        "currency": asked.currency,
        "prices_include_tax": asked.inclusive,
        "day": asked.day.isoformat(),
        "buyer": {
            "tax_id": asked.buyer.tax_id,
            "exemptions": [
                {
                    "certificate": each.certificate,
                    "region": each.region,
                    "reason": each.reason,
                    "valid_from": each.valid_from.isoformat(),
                    "valid_until": each.valid_until.isoformat() if each.valid_until else None,
                }
                for each in asked.buyer.exemptions
            ],
        },
        "supplies": [_supply(each) for each in asked.supplies],
    }


def _supply(supply: Supply) -> dict[str, Any]:
    place = supply.place
    return {
        "sku": supply.sku,
        "amount": supply.amount.minor,
        "category": supply.category,
        "sent": supply.sent,
        "place": place
        and {
            "city": place.city,
            "postal_code": place.postal_code,
            "region": place.region,
            "country": place.country,
        },
    }


def _assessed(said: Any, currency: str) -> Assessed:
    """Raises KeyError, TypeError or ValueError for what is not as agreed."""
    rate, code, reason = said["rate"], said["code"], said.get("reason", "")
    if type(rate) is not int or type(reason) is not str or code not in _CODES:
        raise ValueError("not an assessment")
    return Assessed(Money(said["net"], currency), Money(said["tax"], currency), rate, code, reason)
