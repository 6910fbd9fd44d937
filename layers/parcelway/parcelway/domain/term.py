"""When an invoice on account is to be paid."""

from __future__ import annotations

from datetime import date, datetime

from parcelway.values import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """An invoice that is `due` on a day, of `gross` minor units less its credit notes; `shipment`
    is what it is for. `look_at` is when its customer is reminded next, unless it is paid by then
    (None: never again), `asked` whether they were."""

    number: str
    shipment: str
    gross: int
    due: date
    look_at: datetime | None
    asked: bool = False
