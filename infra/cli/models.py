"""What the rows and documents of a load may look like: unknown fields and wrong types are refused,
numbers are never taken from text (CSV cells are converted before, by the rules in `rows`)."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from zoneinfo import available_timezones

from parcelway.domain.catalogue import MOST_COMPONENTS, MOST_OF_ONE
from parcelway.domain.parties import Channel
from parcelway.domain.postal_codes import needs_code
from parcelway.domain.shop import EVERY_DAY
from pydantic import (
    Field,
    RootModel,
    ValidationInfo,
    field_validator,
    model_validator,
)

from infra.cli.fields import (
    MOST_MINOR,
    Clock,
    Country,
    Date,
    Dates,
    Id,
    Price,
    PublicHolidays,
    Sku,
    Strict,
    Text,
    Weekdays,
)

# What a kit has none of its own of.
_OF_COMPONENTS = (
    "tax_category",
    "weight_grams",
    "launch",
    "backorders",
    "channel_buffers",
    "unit_cost",
)


class ProductRow(Strict):
    """One product; the fields of `domain.catalogue.Product`."""

    sku: Sku
    name: Text
    price: Price
    description: str = Field("", max_length=5000)
    brand: str = Field("", max_length=200)
    category: list[Text] = Field(default_factory=list, max_length=8)
    tax_category: str = Field("standard", min_length=1, max_length=40)
    weight_grams: int = Field(0, ge=0, le=10_000_000)
    attributes: dict[Text, Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, max_length=40
    )
    active: bool = True
    launch: Date | None = None
    backorders: bool = True
    channel_buffers: dict[Channel, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    assortments: list[Id] = Field(default_factory=list, max_length=20)
    unit_cost: Price | None = None
    min_quantity: int = Field(1, ge=1)
    max_quantity: int | None = Field(None, ge=1)
    quantity_step: int = Field(1, ge=1)
    components: dict[Sku, Annotated[int, Field(ge=1, le=MOST_OF_ONE)]] = Field(
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


class StockRow(Strict):
    """Units of a SKU counted at a node."""

    sku: Sku
    node: Id
    quantity: int = Field(ge=0, le=10**9)


class AddressDocument(Strict):
    """The fields of `domain.parties.Address`."""

    name: Text
    line1: Text
    city: Text
    country: Country
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


_Opening = Annotated[list[Clock], Field(min_length=2, max_length=2)]


class NodeDocument(Strict):
    """The fields of `domain.shop.Node`; `public_holidays` of its region are added to `holidays`."""

    id: Id
    name: Text
    kind: Literal["dc", "warehouse", "store"]
    address: AddressDocument
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    time_zone: str
    capabilities: list[Literal["ship", "pickup"]] = Field(default=["ship"])
    priority: int = Field(100, ge=0)
    processing_days: int = Field(1, ge=0, le=60)
    cut_off: str = Field("15:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    working_days: Weekdays = Field(default_factory=lambda: [0, 1, 2, 3, 4], min_length=1)
    holidays: Dates = Field(default_factory=list, max_length=500)
    public_holidays: PublicHolidays = Field(default_factory=list)
    hours: dict[Annotated[str, Field(pattern=r"^[0-6]$")], list[_Opening]] = Field(
        default_factory=dict
    )
    processing_minutes: int = Field(0, ge=0, le=10_080)
    capacity: int = Field(0, ge=0)
    parcel_cost: int = Field(0, ge=0, le=MOST_MINOR)
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


class RateDocument(Strict):
    """The price of a parcel of at most `up_to_grams`."""

    up_to_grams: int = Field(gt=0)
    price: Price


class ServiceDocument(Strict):
    """The fields of `domain.shop.Service`; `public_holidays` of all its countries are added to
    `holidays`."""

    id: Id
    name: dict[str, Text] = Field(min_length=1)
    method: Literal["delivery", "pickup"]
    carrier: str = ""
    rates: list[RateDocument] = Field(min_length=1)
    countries: list[Country] = Field(default_factory=list)
    transit_days: list[Annotated[int, Field(ge=0, le=365)]] = Field(min_length=2, max_length=2)
    tax_category: str = "general"
    pickup_days: Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    working_days: Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    delivery_days: Weekdays = Field(default_factory=lambda: [*EVERY_DAY], min_length=1)
    holidays: dict[Country, Dates] = Field(default_factory=dict)
    public_holidays: PublicHolidays = Field(default_factory=list)
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
