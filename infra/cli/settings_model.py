"""The shop's settings, as a load may say them."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from parcelway.domain.ledger import CHART, main
from parcelway.domain.money import CURRENCIES
from parcelway.domain.parties import Channel
from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from infra.cli.fields import MOST_MINOR, BasisPoints, Id, Price, Region, Strict, Text
from infra.cli.models import AddressDocument


class SellerDocument(Strict):
    """The fields of `domain.shop.Seller`."""

    name: Text
    address: AddressDocument
    tax_id: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    iban: str = Field(default="", pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{10,30})?$")


_Series = Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,10}$")]


class LegalEntityDocument(Strict):
    """The fields of `domain.shop.LegalEntity`."""

    seller: SellerDocument
    invoice_series: _Series
    credit_note_series: _Series


class SourcingDocument(Strict):
    """The fields of `domain.shop.SourcingRules`."""

    most_parcels: int | None = Field(default=None, ge=1)
    cost_per_100_km: int = Field(default=0, ge=0, le=MOST_MINOR)


class ZeroRatedDocument(Strict):
    """The fields of `domain.shop.ZeroRated`."""

    code: Literal["Z", "E", "AE", "G", "K", "O"]
    reason: Text


class CapDocument(Strict):
    """The fields of `domain.adjustment.Cap`."""

    amounts: dict[str, Annotated[int, Field(ge=0, le=MOST_MINOR)]] = Field(default_factory=dict)
    basis_points: int = Field(10_000, ge=0, le=10_000)

    @field_validator("amounts")
    @classmethod
    def _currencies(cls, amounts: dict[str, int]) -> dict[str, int]:
        for unknown in amounts.keys() - CURRENCIES:
            raise ValueError(f"unknown currency {unknown!r}")
        return amounts


class DatevDocument(Strict):
    """The fields of `domain.shop.Datev`."""

    consultant: int = Field(ge=1001, le=9_999_999)
    client: int = Field(ge=1, le=99_999)
    chart: Literal["03", "04"] = "04"
    accounts: dict[str, Annotated[str, Field(pattern=r"^\d{4,5}$")]] = Field(default_factory=dict)

    @field_validator("accounts")
    @classmethod
    def _accounts(cls, accounts: dict[str, str]) -> dict[str, str]:
        for unknown in (name for name in accounts if main(name) not in CHART):
            raise ValueError(f"unknown account {unknown!r}")
        return accounts


_Method = Literal["card", "invoice"]


class MethodRuleDocument(Strict):
    """The fields of `domain.shop.MethodRule`."""

    currencies: list[str] = Field(default_factory=list, max_length=20)
    countries: list[Annotated[str, Field(pattern=r"^[A-Z]{2}$")]] = Field(default_factory=list)
    channels: list[Channel] = Field(default_factory=list)
    segments: list[Literal["b2c", "b2b"]] = Field(default_factory=list)
    minimum: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    maximum: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> MethodRuleDocument:
        for unknown in {*self.currencies, *self.minimum, *self.maximum} - CURRENCIES:
            raise ValueError(f"unknown currency {unknown!r}")
        return self


class ImportSourceDocument(Strict):
    """The fields of `domain.shop.ImportSource`."""

    account: Text
    currency: str
    service: Id
    own_prices: bool = True
    language: str = ""
    shortage: Literal["", "ship_complete", "ship_available"] = ""


class SettingsDocument(Strict):
    """The fields of `domain.shop.Settings`."""

    name: Text
    currency: str
    seller: SellerDocument
    tax_rates: dict[str, BasisPoints] = Field(min_length=1)
    tax_regions: dict[Region, dict[str, BasisPoints]] = Field(default_factory=dict)
    prices_include_tax: bool = False
    languages: list[str] = Field(default_factory=lambda: ["en", "de"], min_length=1)
    reservation_policy: dict[str, Literal["none", "on_cart", "on_checkout"]] = Field(
        default_factory=dict
    )
    hold_minutes: int = Field(30, ge=1, le=10_080)
    payment_link_minutes: int = Field(1440, ge=1, le=10_080)
    max_quantity: int = Field(999, ge=1)
    payment_methods: dict[_Method, MethodRuleDocument] = Field(
        default={"card": MethodRuleDocument()}, min_length=1
    )
    invoice_series: _Series = "INV"
    credit_note_series: _Series = "CRN"
    legal_entities: dict[Id, LegalEntityDocument] = Field(default_factory=dict, max_length=50)
    channel_nodes: dict[Channel, Annotated[list[Id], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    sourcing: SourcingDocument = Field(default_factory=SourcingDocument)
    pickup_reminder_days: int = Field(2, ge=1, le=60)
    pickup_days: int = Field(5, ge=1, le=60)
    quota_channels: list[Channel | Literal["preorder"]] = Field(default_factory=list)
    channel_buffers: dict[Channel, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    cart_event_minutes: int = Field(0, ge=0, le=10_080)
    currencies: list[str] = Field(default_factory=list, max_length=20)
    max_coupons: int = Field(3, ge=0, le=10)
    settlement_accounts: dict[str, Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]] = Field(
        default_factory=dict
    )
    books_unassigned: bool = True
    services: list[str] = Field(default_factory=list)
    zero_rated: dict[str, ZeroRatedDocument] = Field(default_factory=dict)
    adjustment_reasons: dict[Id, Annotated[dict[str, Text], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    adjustment_caps: dict[Literal["csr", "csr_supervisor", "finance", "admin"], CapDocument] = (
        Field(default_factory=dict)
    )
    datev: DatevDocument | None = None
    import_sources: dict[Id, ImportSourceDocument] = Field(default_factory=dict, max_length=100)

    _known = field_validator("currency")(Price._known.__func__)  # type: ignore[attr-defined]

    @field_validator("currencies")
    @classmethod
    def _known_too(cls, currencies: list[str]) -> list[str]:
        for unknown in {*currencies} - CURRENCIES:
            raise ValueError(f"unknown currency {unknown!r}")
        return currencies

    @field_validator("settlement_accounts")
    @classmethod
    def _paid_out(cls, accounts: dict[str, str]) -> dict[str, str]:
        for name in accounts:
            if name.rpartition(":")[2] not in CURRENCIES:
                raise ValueError(f"{name!r} is neither a currency nor a gateway and one")
        return accounts

    @model_validator(mode="after")
    def _own_series(self) -> Self:
        taken = {self.invoice_series, self.credit_note_series}
        if len(taken) < 2:
            raise ValueError("invoices and credit notes are two series")
        for name, entity in self.legal_entities.items():
            own = {entity.invoice_series, entity.credit_note_series}
            if len(own) < 2 or own & taken:
                raise ValueError(f"legal_entities.{name}: its two series must be its own")
            if entity.seller.address.country != self.seller.address.country:
                raise ValueError(f"legal_entities.{name}: must be in the seller's country")
            taken |= own
        return self

    @model_validator(mode="after")
    def _sold_in(self) -> Self:
        for name, source in self.import_sources.items():
            if source.currency not in (self.currency, *self.currencies):
                raise ValueError(f"import_sources.{name}: nothing is sold in {source.currency!r}")
            if source.language not in ("", *self.languages):
                raise ValueError(f"import_sources.{name}: {source.language!r} is not offered")
        if self.import_sources and "invoice" not in self.payment_methods:
            raise ValueError(
                "import_sources: their accounts pay by 'invoice', which is not offered"
            )
        return self

    @model_validator(mode="after")
    def _same_categories(self) -> Self:
        for category in {*self.services, *self.zero_rated} - self.tax_rates.keys():
            raise ValueError(f"there is no tax rate of {category!r}")
        for region, rates in self.tax_regions.items():
            for category in rates.keys() - self.tax_rates.keys():
                raise ValueError(f"{region} has a rate of {category!r}, which tax_rates has not")
        return self
