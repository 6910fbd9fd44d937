"""The tables that random operations are made on, and random items in them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

MAIN, PLAIN = "main-table", "plain-table"


def definitions(suffix: str = "") -> list[dict[str, Any]]:
    """CreateTable's parameters: one table with three kinds of index, one with a lone number key."""
    return [
        {
            "TableName": MAIN + suffix,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": _schema("pk", "sk"),
            "AttributeDefinitions": _types(pk="S", sk="S", g="S", h="S", n="N"),
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
            "GlobalSecondaryIndexes": [
                _index("included", ("g", "h"), "INCLUDE", NonKeyAttributes=["x"]),
                _index("keys-only", ("g", "n"), "KEYS_ONLY"),
                _index("everything", ("g",), "ALL"),
            ],
        },
        {
            "TableName": PLAIN + suffix,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": _schema("id"),
            "AttributeDefinitions": _types(id="N"),
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        },
    ]


def _schema(*keys: str) -> list[dict[str, str]]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)]


def _types(**types: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def _index(name: str, keys: tuple[str, ...], projection: str, **more: Any) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _schema(*keys),
        "Projection": {"ProjectionType": projection, **more},
    }


NUMBERS = ("0", "1", "-1", "2.5", "7", "1000", "12345678901234567890123456789012345678", "100")
NOISY = (*NUMBERS, "2.50", "007", "1e3", "-0.0", "1e-20", "+5")
TEXTS = ("a", "b", "ab", "", "é€😀", "a" * 200, "x" * 700)


@dataclass
class Items:
    """Draws keys, values, whole items. `tables` are the names of the main and the plain table."""

    random: random.Random
    tables: tuple[str, str]

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in `share` of all cases."""
        return self.random.random() < share

    def of(self, *options: Any) -> Any:
        """One of some."""
        return self.random.choice(options)

    def main_key(self) -> dict[str, Any]:
        return {"pk": {"S": self.of("p", "q")}, "sk": {"S": self.of("1", "2", "10", "2é")}}

    def plain_key(self) -> dict[str, Any]:
        return {"id": {"N": self.of("1", "0.5", "-2", "30")}}

    def key(self, table: str) -> dict[str, Any]:
        return self.main_key() if table == self.tables[0] else self.plain_key()

    def table(self) -> str:
        return self.tables[0] if self.chance(0.8) else self.tables[1]

    def item(self, table: str, key: dict[str, Any] | None = None) -> dict[str, Any]:
        item = dict(key or self.key(table))
        if table == self.tables[0] and self.chance(0.6):
            item["g"] = {"S": self.of("g1", "g2")}
            mark = item["pk"]["S"] + item["sk"]["S"]  # unique, or the order would not be defined
            if self.chance(0.8):
                item["h"] = {"S": self.of("h", "i") + mark}
            if self.chance(0.8):
                item["n"] = {"N": str(self.random.randrange(-3, 4) * 100 + sum(mark.encode()))}
        for name in ("x", "y", "m", "l", "s", "c"):
            if self.chance(0.45):
                item[name] = self.attribute(name)
        return item

    def attribute(self, name: str) -> dict[str, Any]:
        """A value that suits an attribute's name most of the time."""
        if self.chance(0.12):
            return self.value()
        if name == "m":
            return {"M": {key: self.value(1) for key in ("a", "b") if self.chance(0.7)}}
        if name == "l":
            return {"L": [self.value(1) for _ in range(self.random.randrange(4))]}
        if name == "s":
            return self.some_set()
        if name == "c":
            return {"N": self.of(*NOISY)}
        return self.value()

    def some_set(self) -> dict[str, Any]:
        kind = self.of("SS", "SS", "NS", "BS")
        pool: dict[str, tuple[Any, ...]] = {
            "SS": ("a", "b", "ab", "é"),
            "NS": ("1", "2", "-3", "100"),
            "BS": (b"a", b"\x00b", b"c"),
        }
        size = self.random.randrange(1, 4)
        return {kind: self.random.sample(pool[kind], size)}

    def value(self, depth: int = 0) -> dict[str, Any]:
        kind = self.of("S", "S", "N", "N", "BOOL", "NULL", "B", "M", "L", "set")
        if kind == "S":
            return {"S": self.of(*TEXTS)}
        if kind == "N":
            return {"N": self.of(*NUMBERS)}
        if kind == "B":
            return {"B": self.of(b"a", b"ab", b"\x00\xff")}
        if kind == "BOOL":
            return {"BOOL": self.of(True, False)}
        if kind == "NULL":
            return {"NULL": True}
        if kind == "set" or depth > 1:
            return self.some_set()
        if kind == "M":
            return {"M": {name: self.value(depth + 1) for name in ("a", "b") if self.chance(0.5)}}
        return {"L": [self.value(depth + 1) for _ in range(self.random.randrange(3))]}
