"""What the rows and documents of a load may look like: unknown fields and wrong types are refused,
numbers are never taken from text (CSV cells are converted before, by the rules in `rows`)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import available_timezones

from parcelway.domain.catalogue import MOST_COMPONENTS, MOST_OF_ONE, SKU_PATTERN
from parcelway.domain.ledger import CHART, main
from parcelway.domain.money import CURRENCIES
from parcelway.domain.parties import Channel
from parcelway.domain.postal_codes import needs_code
from parcelway.domain.shop import EVERY_DAY
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationInfo,
    field_validator,
    model_validator,
)

T = TypeVar("T")
_MOST_MINOR = 10**12
_Text = Annotated[str, Field(min_length=1, max_length=200)]
_Sku = Annotated[str, Field(pattern=SKU_PATTERN)]
_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
_BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
_Region = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166-1 or -2
_Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
_Clock = Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]


def _a_date(day: str) -> str:
    date.fromisoformat(day)
    return day


def _once(values: list[T]) -> list[T]:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise ValueError(f"{value} is there twice")
    return values


_Weekdays = Annotated[list[Annotated[int, Field(ge=0, le=6)]], AfterValidator(_once)]
_Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_a_date)]
_Dates = Annotated[list[_Date], AfterValidator(_once)]
_PublicHolidays = Literal["all"] | Annotated[list[_Text], AfterValidator(_once)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Price(_Strict):
    """An amount in minor units of an ISO 4217 currency."""

    minor: int = Field(ge=0, le=_MOST_MINOR)
    currency: str

    @field_validator("currency")
    @classmethod
    def _known(cls, currency: str) -> str:
        if currency not in CURRENCIES:
            raise ValueError(f"unknown currency {currency!r}")
        return currency


# What a kit has none of its own of.
_OF_COMPONENTS = (
    "tax_category",
    "weight_grams",
    "launch",
    "backorders",
    "channel_buffers",
    "unit_cost",
)


class ProductRow(_Strict):
    """One product; the fields of `domain.catalogue.Product`."""

    sku: _Sku
    name: _Text
    price: Price
    description: str = Field("", max_length=5000)
    brand: str = Field("", max_length=200)
    category: list[_Text] = Field(default_factory=list, max_length=8)
    tax_category: str = Field("standard", min_length=1, max_length=40)
    weight_grams: int = Field(0, ge=0, le=10_000_000)
    attributes: dict[_Text, Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, max_length=40
    )
    active: bool = True
    launch: _Date | None = None
    backorders: bool = True
    channel_buffers: dict[Channel, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    assortments: list[_Id] = Field(default_factory=list, max_length=20)
    unit_cost: Price | None = None
    min_quantity: int = Field(1, ge=1)
    max_quantity: int | None = Field(None, ge=1)
    quantity_step: int = Field(1, ge=1)
    components: dict[_Sku, Annotated[int, Field(ge=1, le=MOST_OF_ONE)]] = Field(
        default_factory=dict, max_length=MOST_COMPONENTS
    )

    @field_validator("category")
    @classmethod
    def _no_separator(cls, category: list[str]) -> list[str]:
        if any(">" in name for name in category):
            raise ValueError("a category's name has no '>'")
        return category

    @model_validator(mode="after")
    def _orderable(self) -> Self:
        most = self.min_quantity if self.max_quantity is None else self.max_quantity
        if most < self.min_quantity:
            raise ValueError("max_quantity: less than min_quantity")
        if self.min_quantity % self.quantity_step:
            raise ValueError("min_quantity: no multiple of quantity_step")
        return self

    @model_validator(mode="after")
    def _kit(self) -> Self:
        if self.sku in self.components:
            raise ValueError("components: a kit is not a component of itself")
        for name in _OF_COMPONENTS if self.components else ():
            if getattr(self, name) != ProductRow.model_fields[name].get_default(
                call_default_factory=True
            ):
                raise ValueError(f"{name}: a kit has that of its components")
        return self


class StockRow(_Strict):
    """Units of a SKU counted at a node."""

    sku: _Sku
    node: _Id
    quantity: int = Field(ge=0, le=10**9)


class AddressDocument(_Strict):
    """The fields of `domain.parties.Address`."""

    name: _Text
    line1: _Text
    city: _Text
    country: _Country
    postal_code: str = Field(default="", validate_default=True)
    line2: str = ""
    region: str = ""
    company: str = ""

    @field_validator("postal_code")
    @classmethod
    def _needed(cls, code: str, others: ValidationInfo) -> str:
        if not code and needs_code(others.data.get("country", "")):
            raise ValueError("an address in this country has a postal code")
        return code


_Opening = Annotated[list[_Clock], Field(min_length=2, max_length=2)]


class NodeDocument(_Strict):
    """The fields of `domain.shop.Node`; `public_holidays` of its region are added to `holidays`."""

    id: _Id
    name: _Text
    kind: Literal["dc", "warehouse", "store"]
    address: AddressDocument
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    time_zone: str
    capabilities: list[Literal["ship", "pickup"]] = Field(default=["ship"])
    priority: int = Field(100, ge=0)
    processing_days: int = Field(1, ge=0, le=60)
    cut_off: str = Field("15:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    working_days: _Weekdays = Field(default_factory=lambda: [0, 1, 2, 3, 4], min_length=1)
    holidays: _Dates = Field(default_factory=list, max_length=500)
    public_holidays: _PublicHolidays = Field(default_factory=list)
    hours: dict[Annotated[str, Field(pattern=r"^[0-6]$")], list[_Opening]] = Field(
        default_factory=dict
    )
    processing_minutes: int = Field(0, ge=0, le=10_080)
    capacity: int = Field(0, ge=0)
    parcel_cost: int = Field(0, ge=0, le=_MOST_MINOR)
    keep_back: int = Field(0, ge=0)
    legal_entity: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")] = ""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"unknown time zone {zone!r}")
        return zone

    @field_validator("hours")
    @classmethod
    def _apart(cls, hours: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
        for weekday, openings in hours.items():
            until = ""
            for opens, closes in openings:
                if opens >= closes:
                    raise ValueError(
                        f"weekday {weekday}: {opens} to {closes} ends before it starts"
                    )
                if opens < until:
                    raise ValueError(f"weekday {weekday}: {opens} is before {until}, the last end")
                until = closes
        return hours

    @model_validator(mode="after")
    def _one_calendar(self) -> Self:
        if self.hours:
            opened = {int(weekday) for weekday, openings in self.hours.items() if openings}
            for weekday in sorted(opened ^ set(self.working_days)):
                why = "is no working day" if weekday in opened else "is a working day without any"
                raise ValueError(f"hours: weekday {weekday} {why}")
        if self.processing_minutes and "pickup" not in self.capabilities:
            raise ValueError("processing_minutes: are for nodes that can do pickup")
        return self


_Area = Annotated[str, Field(pattern=r"^[A-Z]{2}:[A-Z0-9]{0,12}$")]
_Latitude = Annotated[float, Field(ge=-90, le=90, strict=True)]
_Longitude = Annotated[float, Field(ge=-180, le=180, strict=True)]


class PlacesDocument(
    RootModel[Annotated[dict[_Area, tuple[_Latitude, _Longitude]], Field(min_length=1)]]
):
    """Postal areas, `<country>:<start of the postal code>`, and their [latitude, longitude].

    Codes are in capitals without spaces and hyphens; `US:` is the country itself.
    """


class RateDocument(_Strict):
    """The price of a parcel of at most `up_to_grams`."""

    up_to_grams: int = Field(gt=0)
    price: Price


class ServiceDocument(_Strict):
    """The fields of `domain.shop.Service`; `public_holidays` of all its countries are added to
    `holidays`."""

    id: _Id
    name: dict[str, _Text] = Field(min_length=1)
    method: Literal["delivery", "pickup"]
    carrier: str = ""
    rates: list[RateDocument] = Field(min_length=1)
    countries: list[_Country] = Field(default_factory=list)
    transit_days: list[Annotated[int, Field(ge=0, le=365)]] = Field(min_length=2, max_length=2)
    tax_category: str = "general"
    pickup_days: _Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    working_days: _Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    delivery_days: _Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    holidays: dict[_Country, _Dates] = Field(default_factory=dict)
    public_holidays: _PublicHolidays = Field(default_factory=list)
    via: Literal["", "ship_to_store"] = ""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.via and not (self.method == "pickup" and self.carrier):
            raise ValueError("ship_to_store is for pick-up, and needs a carrier")
        for currency in {rate.price.currency for rate in self.rates}:
            of_it = [rate.up_to_grams for rate in self.rates if rate.price.currency == currency]
            if of_it != sorted(set(of_it)):
                raise ValueError("the rates of a currency must go up in weight")
        if self.transit_days[0] > self.transit_days[1]:
            raise ValueError("the fewest transit days come first")
        return self


class SellerDocument(_Strict):
    """The fields of `domain.shop.Seller`."""

    name: _Text
    address: AddressDocument
    tax_id: str
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    iban: str = Field(default="", pattern=r"^([A-Z]{2}[0-9]{2}[A-Z0-9]{10,30})?$")


_Series = Annotated[str, Field(pattern=r"^[A-Z0-9-]{1,10}$")]


class LegalEntityDocument(_Strict):
    """The fields of `domain.shop.LegalEntity`."""

    seller: SellerDocument
    invoice_series: _Series
    credit_note_series: _Series


class SourcingDocument(_Strict):
    """The fields of `domain.shop.SourcingRules`."""

    most_parcels: int | None = Field(default=None, ge=1)
    cost_per_100_km: int = Field(default=0, ge=0, le=_MOST_MINOR)


class ZeroRatedDocument(_Strict):
    """The fields of `domain.shop.ZeroRated`."""

    code: Literal["Z", "E", "AE", "G", "K", "O"]
    reason: _Text


class CapDocument(_Strict):
    """The fields of `domain.adjustment.Cap`."""

    amounts: dict[str, Annotated[int, Field(ge=0, le=_MOST_MINOR)]] = Field(default_factory=dict)
    basis_points: int = Field(10_000, ge=0, le=10_000)

    @field_validator("amounts")
    @classmethod
    def _currencies(cls, amounts: dict[str, int]) -> dict[str, int]:
        for unknown in amounts.keys() - CURRENCIES:
            raise ValueError(f"unknown currency {unknown!r}")
        return amounts


class DatevDocument(_Strict):
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


class MethodRuleDocument(_Strict):
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


class ImportSourceDocument(_Strict):
    """The fields of `domain.shop.ImportSource`."""

    account: _Text
    currency: str
    service: _Id
    own_prices: bool = True
    language: str = ""
    shortage: Literal["", "ship_complete", "ship_available"] = ""


class SettingsDocument(_Strict):
    """The fields of `domain.shop.Settings`."""

    name: _Text
    currency: str
    seller: SellerDocument
    tax_rates: dict[str, _BasisPoints] = Field(min_length=1)
    tax_regions: dict[_Region, dict[str, _BasisPoints]] = Field(default_factory=dict)
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
    legal_entities: dict[_Id, LegalEntityDocument] = Field(default_factory=dict, max_length=50)
    channel_nodes: dict[Channel, Annotated[list[_Id], Field(min_length=1)]] = Field(
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
    adjustment_reasons: dict[_Id, Annotated[dict[str, _Text], Field(min_length=1)]] = Field(
        default_factory=dict
    )
    adjustment_caps: dict[Literal["csr", "csr_supervisor", "finance", "admin"], CapDocument] = (
        Field(default_factory=dict)
    )
    datev: DatevDocument | None = None
    import_sources: dict[_Id, ImportSourceDocument] = Field(default_factory=dict, max_length=100)

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


def reason(error: Any) -> str:
    """A pydantic ValidationError as one line: each field with what is wrong with it."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"])
        text = problem["msg"].removeprefix("Value error, ")
        problems.append(f"{where}: {text}" if where else text)
    return "; ".join(problems)
