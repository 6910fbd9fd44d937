"""What the routes of billing take."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from parcelway.domain.self_billing import Supplied
from parcelway.domain.shop import Seller, TaxCode
from parcelway.http.documents import Format
from parcelway.http.schemas import AddressInput, Email, Input, MoneyInput, Text
from pydantic import Field, model_validator

_MOST_LINES, _MOST_UNITS = 200, 1_000_000  # by shape; what was invoiced limits them further


class DocumentForm(Input):
    """The form in which a document is wanted."""

    format: Format = "pdf"


class SupplierInput(Input):
    """Who delivered: the seller on the invoice. `iban` is where the money goes."""

    name: Text(100)  # type: ignore[valid-type]
    address: AddressInput
    tax_id: Text(30)  # type: ignore[valid-type]
    email: Email
    iban: Annotated[str, Field(pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{10,30})?$")] = ""

    def seller(self) -> Seller:
        """The supplier as a document has them."""
        return Seller(self.name, self.address.address(), self.tax_id, self.email, self.iban)


class SuppliedLine(Input):
    """Units of something at a net price. `tax_rate` is in basis points (1900 = 19 %); what bears no
    tax has a code that says why (EN 16931, BT-151) and a reason."""

    description: Text(200)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)
    unit_price: MoneyInput
    tax_rate: int = Field(ge=0, le=10_000)
    tax_code: TaxCode = "S"
    tax_reason: Text(100, 0) = ""  # type: ignore[valid-type]
    sku: Text(64, 0) = ""  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _consistent(self) -> SuppliedLine:
        if (self.tax_code == "S") != (self.tax_rate > 0):
            raise ValueError("a rate above 0 has the code S, and only that")
        if self.tax_code not in ("S", "Z") and not self.tax_reason:
            raise ValueError("a reason is needed for charging no tax")
        return self

    def supplied(self) -> Supplied:
        """The line as the decision takes it."""
        price = self.unit_price.money()
        named = {"tax_code": self.tax_code, "tax_reason": self.tax_reason, "sku": self.sku}
        return Supplied(self.description, self.quantity, price, self.tax_rate, **named)


class SelfBilling(Input):
    """What a supplier delivered, and when it is paid for. `purchase_order` is the shop's number."""

    card_exempt: ClassVar[frozenset[str]] = frozenset({"purchase_order"})
    supplier: SupplierInput
    lines: list[SuppliedLine] = Field(min_length=1, max_length=_MOST_LINES)
    due_on: Annotated[date, Field(strict=False)]
    purchase_order: Text(60, 0) = ""  # type: ignore[valid-type]


class CreditedLine(Input):
    """Units of an article."""

    sku: Text(64)  # type: ignore[valid-type]
    quantity: int = Field(ge=1, le=_MOST_UNITS)


class Crediting(Input):
    """What is given back of an invoice, and why. The reason is printed on the credit note."""

    invoice: Text(60)  # type: ignore[valid-type]
    lines: list[CreditedLine] = Field(default=[], max_length=_MOST_LINES)
    shipping: bool = False
    amount: MoneyInput | None = None
    reason: Text(200)  # type: ignore[valid-type]
