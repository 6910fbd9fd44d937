"""Random operations on two tables: what a peer of the model is compared by.

Everything is drawn from one `random.Random`, so a seed is a history. About one operation in ten
is made wrong in one way.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from tests.sim.dynamodb_items import NUMBERS, Items

Operation = tuple[str, dict[str, Any]]


@dataclass
class Draw:
    """Draws operations. `tables` are the names of the main and the plain table."""

    random: random.Random
    tables: tuple[str, str]
    tokens: list[Operation] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items = Items(self.random, self.tables)

    def operation(self) -> Operation:
        """The next operation and its parameters."""
        name = self.random.choices(
            (
                "PutItem",
                "UpdateItem",
                "DeleteItem",
                "TransactWriteItems",
                "GetItem",
                "Query",
                "Scan",
                "BatchGetItem",
                "BatchWriteItem",
                "TransactGetItems",
            ),
            (20, 25, 6, 20, 6, 16, 4, 4, 4, 4),
        )[0]
        parameters = getattr(self, f"_{name}")()
        if self.items.chance(0.3):
            parameters["ReturnConsumedCapacity"] = self.items.of("TOTAL", "INDEXES")
        if self.items.chance(0.07):
            self._break(parameters)
        return name, parameters

    # ---- expressions ------------------------------------------------------------------------

    def condition(self, given: dict[str, Any], depth: int = 0) -> str:
        """A condition; its placeholders go into `given`."""
        kind = self.random.randrange(12 if depth < 2 else 8)
        left = self.operand(given)
        if kind < 3:
            sign = self.items.of("=", "<>", "<", "<=", ">", ">=")
            return f"{left} {sign} {self.bound(given, ordered=sign not in ('=', '<>'))}"
        if kind == 3:
            return (
                f"{self.items.of('attribute_exists', 'attribute_not_exists')}({self.path(given)})"
            )
        if kind == 4:
            return f"begins_with({self.path(given)}, {self.put_value(given, {'S': 'a'})})"
        if kind == 5:
            return f"contains({self.path(given)}, {self.put_value(given, self.items.value(2))})"
        if kind == 6:
            low, high = sorted(self.random.sample((-1, 0, 1, 7, 100, 1000), 2))
            bounds = [self.put_value(given, {"N": str(bound)}) for bound in (low, high)]
            return f"{left} BETWEEN {bounds[0]} AND {bounds[1]}"
        if kind == 7:
            options = ", ".join(self.put_value(given, self.items.value(2)) for _ in range(2))
            return f"{left} IN ({options})"
        if kind == 8:
            return f"NOT {self.condition(given, 3)}"
        if kind == 9:
            kinds = self.put_value(
                given, {"S": self.items.of("S", "N", "M", "L", "SS", "BOOL", "NULL")}
            )
            return f"attribute_type({self.path(given)}, {kinds})"
        parts = [self.condition(given, depth + 1) for _ in range(2)]
        joined = f" {self.items.of('AND', 'OR', 'and')} ".join(parts)
        return f"({joined})" if depth else joined

    def operand(self, given: dict[str, Any]) -> str:
        if self.items.chance(0.2):
            return f"size({self.path(given)})"
        return self.path(given)

    def bound(self, given: dict[str, Any], ordered: bool) -> str:
        if self.items.chance(0.1):
            return f"size({self.path(given)})"
        if ordered:
            return self.put_value(
                given, self.items.of({"N": self.items.of(*NUMBERS)}, {"S": "a"}, {"B": b"a"})
            )
        return self.put_value(given, self.items.value())

    def path(self, given: dict[str, Any]) -> str:
        name = self.items.of(
            "x", "y", "m", "l", "s", "c", "m.a", "m.b", "l[0]", "l[1]", "l[0].a", "g"
        )
        if self.items.chance(0.3):
            root, dot, rest = name.partition(".")
            if "[" not in root:
                names = given.setdefault("ExpressionAttributeNames", {})
                names[f"#{root}"] = root
                return f"#{root}{dot}{rest}"
        return name

    def put_value(self, given: dict[str, Any], value: dict[str, Any]) -> str:
        values = given.setdefault("ExpressionAttributeValues", {})
        values[f":v{len(values)}"] = value
        return f":v{len(values) - 1}"

    def update(self, given: dict[str, Any]) -> str:
        """An update expression, no path of it inside another most of the time."""
        targets = self.random.sample(
            ("x", "y", "m.a", "m.b", "l[0]", "l[7]", "s", "c", "fresh", "g"),
            self.random.randrange(1, 4),
        )
        actions: dict[str, list[str]] = {}
        for target in targets:
            section, text = self._action(given, target)
            actions.setdefault(section, []).append(text)
        return " ".join(f"{section} {', '.join(texts)}" for section, texts in actions.items())

    def _action(self, given: dict[str, Any], target: str) -> tuple[str, str]:
        section = self.random.choices(("SET", "REMOVE", "ADD", "DELETE"), (60, 20, 12, 8))[0]
        if target == "g":
            if section == "REMOVE":
                return section, target
            return "SET", f"g = {self.put_value(given, {'S': self.items.of('g1', 'g2')})}"
        if section == "REMOVE":
            return section, target
        if section == "ADD":
            target = target if target in ("c", "s", "m.a") else "c"
            value = (
                {"N": self.items.of(*NUMBERS)} if self.items.chance(0.6) else self.items.some_set()
            )
            return section, f"{self._once(given, target)} {self.put_value(given, value)}"
        if section == "DELETE":
            return (
                section,
                f"{self._once(given, 's')} {self.put_value(given, self.items.some_set())}",
            )
        return section, f"{target} = {self._assigned(given)}"

    def _once(self, given: dict[str, Any], target: str) -> str:
        """ADD and DELETE share few targets: mostly a fresh one, so that paths rarely overlap."""
        return target if self.items.chance(0.7) else f"fresh{len(given)}"

    def _assigned(self, given: dict[str, Any]) -> str:
        kind = self.random.randrange(8)
        if kind < 3:
            return self.put_value(given, self.items.value())
        if kind == 3:
            one = self.items.of("c", "m.a", self.put_value(given, {"N": self.items.of(*NUMBERS)}))
            two = self.put_value(given, {"N": self.items.of("1", "-2.5", "1e3")})
            return f"{one} {self.items.of('+', '-')} {two}"
        if kind == 4:
            fallback = self.put_value(given, {"N": "5"})
            return f"if_not_exists({self.path(given)}, {fallback})"
        if kind == 5:
            fallback = self.put_value(given, {"N": "5"})
            one = self.put_value(given, {"N": "1"})
            return f"if_not_exists(c, {fallback}) + {one}"
        if kind == 6:
            return f"list_append(l, {self.put_value(given, {'L': [self.items.value(2)]})})"
        return self.path(given)

    # ---- operations -------------------------------------------------------------------------

    def _conditional(self, given: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
        if self.items.chance(share):
            given["ConditionExpression"] = self.condition(given)
            if self.items.chance(0.5):
                given["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        _trim(given)
        return given

    def _PutItem(self) -> dict[str, Any]:
        table = self.items.table()
        given = self._conditional({"TableName": table, "Item": self.items.item(table)})
        if self.items.chance(0.4):
            given["ReturnValues"] = self.items.of("ALL_OLD", "NONE")
        return given

    def _UpdateItem(self) -> dict[str, Any]:
        given = self._conditional(self._update(), 0.4)
        if self.items.chance(0.5):
            options = ["ALL_OLD", "ALL_NEW", "NONE"]
            if not {"[", "."} & set(given["UpdateExpression"]):  # see writes.returned
                options += ["UPDATED_OLD", "UPDATED_NEW"]
            given["ReturnValues"] = self.items.of(*options)
        return given

    def _update(self) -> dict[str, Any]:
        table = self.items.table()
        given: dict[str, Any] = {"TableName": table, "Key": self.items.key(table)}
        given["UpdateExpression"] = self.update(given)
        return given

    def _DeleteItem(self) -> dict[str, Any]:
        table = self.items.table()
        given = self._conditional({"TableName": table, "Key": self.items.key(table)})
        if self.items.chance(0.5):
            given["ReturnValues"] = "ALL_OLD"
        return given

    def _GetItem(self) -> dict[str, Any]:
        table = self.items.table()
        given: dict[str, Any] = {"TableName": table, "Key": self.items.key(table)}
        if self.items.chance(0.5):
            given["ConsistentRead"] = self.items.of(True, False)
        self._projected(given, 0.4)
        return given

    def _projected(self, given: dict[str, Any], share: float) -> None:
        if self.items.chance(share):
            size = self.random.randrange(1, 4)
            paths = self.random.sample(("x", "y", "m.a", "m.b", "l[1]", "l[0]", "c", "nope"), size)
            given["ProjectionExpression"] = ", ".join(paths)

    def _BatchGetItem(self) -> dict[str, Any]:
        requests: dict[str, Any] = {}
        for table in self.tables:
            if not requests or self.items.chance(0.5):
                keys = _distinct([self.items.key(table) for _ in range(3)])
                requests[table] = {"Keys": keys, "ConsistentRead": self.items.of(True, False)}
                self._projected(requests[table], 0.2)
        return {"RequestItems": requests}

    def _TransactGetItems(self) -> dict[str, Any]:
        table = self.items.table()
        keys = _distinct([self.items.key(table) for _ in range(3)])
        return {"TransactItems": [{"Get": {"TableName": table, "Key": key}} for key in keys]}

    def _BatchWriteItem(self) -> dict[str, Any]:
        table = self.items.table()
        requests: list[dict[str, Any]] = []
        for key in _distinct([self.items.key(table) for _ in range(3)]):
            if self.items.chance(0.6):
                requests.append({"PutRequest": {"Item": self.items.item(table, key)}})
            else:
                requests.append({"DeleteRequest": {"Key": key}})
        return {"RequestItems": {table: requests}}

    def _TransactWriteItems(self) -> dict[str, Any]:
        if self.tokens and self.items.chance(0.2):
            _, given = self.items.of(*self.tokens)
            if self.items.chance(0.7):
                return dict(given)
            token = given["ClientRequestToken"]
            return {**self._transaction(), "ClientRequestToken": token}
        given = self._transaction()
        if self.items.chance(0.4):
            given["ClientRequestToken"] = f"{self.tables[0]}-{len(self.tokens)}"[-36:]
            self.tokens.append(("TransactWriteItems", dict(given)))
        return given

    def _transaction(self) -> dict[str, Any]:
        entries: list[dict[str, Any]] = []
        wanted = [self.items.table() for _ in range(self.items.of(1, 1, 2, 3))]
        for table in wanted:
            kind = self.items.of("Put", "Update", "Update", "Delete", "ConditionCheck")
            given: dict[str, Any] = {"TableName": table}
            if kind == "Put":
                given["Item"] = self.items.item(table)
            else:
                given["Key"] = self.items.key(table)
            if kind == "Update":
                given["UpdateExpression"] = self.update(given)
            entries.append({kind: self._conditional(given, kind == "ConditionCheck" or 0.4)})
        return {"TransactItems": entries}

    def _Query(self) -> dict[str, Any]:
        index = self.items.of(None, None, "included", "keys-only", "everything")
        given: dict[str, Any] = {"TableName": self.tables[0]}
        if index is None:
            partition = self.put_value(given, {"S": self.items.of("p", "q", "none")})
            parts = [f"pk = {partition}", *self._range(given, "sk", {"S": self.items.of("1", "2")})]
            if self.items.chance(0.4):
                given["ConsistentRead"] = True
        else:
            given["IndexName"] = index
            partition = self.put_value(given, {"S": self.items.of("g1", "g2")})
            parts = [f"g = {partition}"]
            if index == "included":
                parts += self._range(given, "h", {"S": self.items.of("h", "hp1", "i")})
            elif index == "keys-only":
                parts += self._range(given, "n", {"N": self.items.of("0", "100", "200")})
        given["KeyConditionExpression"] = " AND ".join(parts)
        if index in (None, "everything") and self.items.chance(0.3):
            given["FilterExpression"] = _no_index_key(self.condition, given)
        if index != "everything" and self.items.chance(0.5):
            given["Limit"] = self.items.of(1, 2, 3)
        if self.items.chance(0.4):
            given["ScanIndexForward"] = self.items.of(True, False)
        if self.items.chance(0.2):
            given["Select"] = "COUNT"
        elif index is None:
            self._projected(given, 0.3)
        _trim(given)
        return given

    def _range(self, given: dict[str, Any], key: str, value: dict[str, Any]) -> list[str]:
        kind = self.random.randrange(5)
        if kind < 2:
            return []
        if kind == 2:
            return [
                f"{key} {self.items.of('<', '<=', '>', '>=', '=')} {self.put_value(given, value)}"
            ]
        if kind == 3 and "S" in value:
            return [f"begins_with({key}, {self.put_value(given, value)})"]
        high = {"S": value["S"] + "z"} if "S" in value else {"N": "300"}
        bounds = self.put_value(given, value), self.put_value(given, high)
        return [f"{key} BETWEEN {bounds[0]} AND {bounds[1]}"]

    def _Scan(self) -> dict[str, Any]:
        given: dict[str, Any] = {"TableName": self.items.table()}
        if self.items.chance(0.4):
            given["FilterExpression"] = self.condition(given)
        _trim(given)
        return given

    # ---- mistakes ---------------------------------------------------------------------------

    def _break(self, given: dict[str, Any]) -> None:
        """Make one thing wrong."""
        text = next((name for name in given if name.endswith("Expression")), None)
        kind = self.random.randrange(5)
        if kind == 0 and text:
            given[text] += self.items.of(" AND", ")", " x", ",", " = :zz")
        elif kind == 1 and text:
            given[text] = re.sub(r"\b(x|pk)\b", "status", given[text])
        elif kind == 2 and "ExpressionAttributeValues" in given:
            given["ExpressionAttributeValues"][":unused"] = {"S": "u"}
        elif kind == 3 and "Item" in given:
            given["Item"]["bad"] = self.items.of(
                {"N": "x1"}, {"SS": []}, {"SS": ["a", "a"]}, {"N": "1" * 39}, {"N": "1e200"}, {}
            )
        elif kind == 4 and "Key" in given:
            given["Key"] = self.items.of(
                {}, {"pk": {"S": ""}, "sk": {"S": "1"}}, {"pk": {"S": "p"}}
            )


def _trim(given: dict[str, Any]) -> None:
    """Take out placeholders that a draw made and did not use in the end."""
    text = " ".join(str(v) for name, v in given.items() if name.endswith("Expression")) + " "
    for parameter in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        if parameter in given:
            used = {
                name: value
                for name, value in given[parameter].items()
                if any(name + after in text for after in (" ", ")", ",", ".", "[", "\n"))
            }
            given[parameter] = used
            if not used:
                del given[parameter]


def _no_index_key(condition: Any, given: dict[str, Any]) -> str:
    """A filter without the index's own key attribute."""
    while True:
        trial: dict[str, Any] = {
            name: dict(value)
            for name, value in given.items()
            if name.startswith("ExpressionAttribute")
        }
        text: str = condition(trial)
        if "g" not in text.replace("begins_with", "").split() and "(g" not in text:
            given.update(trial)
            return text


def _distinct(keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    for key in keys:
        mark = tuple(float(value["N"]) if "N" in value else value["S"] for value in key.values())
        found.setdefault(mark, key)
    return list(found.values())
