"""Reading expressions: the grammar that conditions, key conditions, updates and projections share.

What a tree means is decided in `conditions`, `updates`, `queries`; here only what can be said
without an item: syntax, names, reserved words, functions and their number of operands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from infra.sim.dynamodb.errors import Refused
from infra.sim.dynamodb.reserved import WORDS
from infra.sim.dynamodb.trees import Call, Node, Operation, Path, Value

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z][A-Za-z0-9_]*)|(?P<name>\#[A-Za-z0-9_]+)|(?P<value>:[A-Za-z0-9_]+)"
    r"|(?P<index>[0-9]+)|(?P<sign><=|>=|<>|[=<>()\[\],.+-])|(?P<end>$))",
    re.ASCII,
)
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+", re.ASCII)
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
KEYWORDS = frozenset(("AND", "OR", "NOT", "BETWEEN", "IN", *SECTIONS))
OPERANDS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
    "if_not_exists": 2,
    "list_append": 2,
}
"""Every function with its number of operands."""
_OF_UPDATES = ("if_not_exists", "list_append")
_INDEX_LIMIT = 1 << 31
_MOST_BYTES = 4096
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression: its kind, its text, where it starts."""

    kind: str
    text: str
    start: int


class Parser:
    """Reads one expression. `label` is the parameter it came in, for the messages.

    What is wrong beyond syntax is kept until the whole expression is known to be readable, as
    DynamoDB does; `finish` raises it. Afterwards `names` and `values` are the placeholders used.
    """

    def __init__(self, text: str, label: str, given: Mapping[str, str]) -> None:
        self.label = label
        self.names: set[str] = set()
        self.values: set[str] = set()
        self._text = text
        self._given = given
        self._problem: Refused | None = None
        self._condition = label != "UpdateExpression"
        if not text.strip():
            raise self.refusal("The expression can not be empty;")
        if len(text) > _MOST_BYTES:
            raise self.refusal("Expression size has exceeded the maximum allowed size;")
        self._tokens = self._read()
        self._at = 0

    def refusal(self, message: str) -> Refused:
        """An error of this expression."""
        return Refused(f"Invalid {self.label}: {message}")

    def problem(self, message: str) -> None:
        """Note an error that gives way to syntax errors further on."""
        self._problem = self._problem or self.refusal(message)

    def finish(self) -> None:
        """Nothing may follow. Raises what was noted on the way."""
        if self.token.kind != "end":
            raise self.syntax_error()
        if self._problem:
            raise self._problem

    @property
    def token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    def syntax_error(self) -> Refused:
        """The next token does not belong here."""
        near = self._tokens[max(0, self._at - 1) : self._at + 2]
        last = near[-1]
        text = self._text[near[0].start : last.start + len(last.text)].strip()
        return self.refusal(f'Syntax error; token: "{self.token.text or "<EOF>"}", near: "{text}"')

    def keyword(self, *words: str) -> str | None:
        """Take the next token if it is one of `words` (in capitals), in any case."""
        token = self.token
        if token.kind == "word" and token.text.upper() in words:
            self._at += 1
            return token.text.upper()
        return None

    def sign(self, *signs: str) -> str | None:
        """Take the next token if it is one of `signs`."""
        token = self.token
        if token.kind == "sign" and token.text in signs:
            self._at += 1
            return token.text
        return None

    def expect(self, sign: str) -> None:
        """Take `sign`, or raise a syntax error."""
        if not self.sign(sign):
            raise self.syntax_error()

    def several(self, one: Callable[[], T]) -> list[T]:
        """A list with commas."""
        found = [one()]
        while self.sign(","):
            found.append(one())
        return found

    def condition(self) -> Node:
        """A whole condition."""
        node = self._either()
        if not _is_condition(node):
            if isinstance(node, Call):
                self.problem(_misused(node.name))
            else:
                raise self.syntax_error()
        return node

    def operand(self) -> Node:
        """A path, a value, a function, or one of them in parentheses."""
        if self.sign("("):
            again = self.token.text == "("
            inner = self._sum() if not self._condition else self.operand()
            self.expect(")")
            if again:
                self.problem(_REDUNDANT)
            return inner
        token = self.token
        if token.kind == "value":
            return self.value()
        follows = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if token.kind == "word" and follows.text == "(":
            return self._call()
        return self.path()

    def value(self) -> Value:
        """A placeholder for a value."""
        token = self._take("value")
        self.values.add(token.text)
        return Value(token.text)

    def path(self) -> Path:
        """A document path."""
        parts: list[str | int] = [self._name()]
        while sign := self.sign(".", "["):
            if sign == ".":
                parts.append(self._name())
            else:
                position = int(self._take("index").text)
                if position >= _INDEX_LIMIT:
                    self.problem(
                        f"List index is not within the allowable range; index: [{position}]"
                    )
                parts.append(position)
                self.expect("]")
        return Path(tuple(parts))

    def assigned(self) -> Node:
        """What a SET action assigns."""
        return self._sum()

    def _read(self) -> list[Token]:
        tokens, position = [], 0
        while True:
            match = _TOKEN.match(self._text, position)
            if not match:
                rest = self._text[position:].lstrip()
                message = f'Syntax error; token: "{rest[0]}", near: "{rest[:3].strip()}"'
                raise self.refusal(message)
            kind = match.lastgroup or ""
            tokens.append(Token(kind, match[kind], match.start(kind)))
            if kind == "end":
                return tokens
            position = match.end()

    def _take(self, kind: str) -> Token:
        token = self.token
        if token.kind != kind:
            raise self.syntax_error()
        self._at += 1
        return token

    def _name(self) -> str:
        token = self.token
        if token.kind == "name":
            self._at += 1
            self.names.add(token.text)
            if token.text in self._given:
                return self._given[token.text]
            self.problem(
                "An expression attribute name used in the document path is not defined; "
                f"attribute name: {token.text}"
            )
            return token.text
        text = self._take("word").text
        if text.upper() in KEYWORDS:
            self._at -= 1
            raise self.syntax_error()
        if text.upper() in WORDS:
            self.problem(f"Attribute name is a reserved keyword; reserved keyword: {text}")
        return text

    def _call(self) -> Call:
        name = self._take("word").text
        self.expect("(")
        arguments = tuple(self.several(self.operand))
        self.expect(")")
        self._check_call(name, arguments)
        return Call(name, arguments)

    def _check_call(self, name: str, arguments: tuple[Node, ...]) -> None:
        if name not in OPERANDS:
            self.problem(f"Invalid function name; function: {name}")
        elif self._condition and name in _OF_UPDATES:
            self.problem(f"The function is not allowed in a condition expression; function: {name}")
        elif not self._condition and name not in _OF_UPDATES:
            self.problem(f"The function is not allowed in an update expression; function: {name}")
        elif len(arguments) != OPERANDS[name]:
            self.problem(
                "Incorrect number of operands for operator or function; operator or function: "
                f"{name}, number of operands: {len(arguments)}"
            )
        elif name in ("attribute_exists", "attribute_not_exists", "if_not_exists") and not (
            isinstance(arguments[0], Path)
        ):
            self.problem(
                f"Operator or function requires a document path; operator or function: {name}"
            )
        for argument in arguments:
            if isinstance(argument, Call) and _is_condition(argument):
                self.problem(_misused(argument.name))

    def _sum(self) -> Node:
        left = self.operand()
        operator = self.sign("+", "-")
        if not operator:
            return left
        right = self.operand()
        for side in (left, right):
            if isinstance(side, Call) and side.name == "list_append":
                self.problem(_misused(side.name))
        return Operation(operator, (left, right))

    def _either(self) -> Node:
        return self._joined("OR", self._both)

    def _both(self) -> Node:
        return self._joined("AND", self._negated)

    def _joined(self, word: str, part: Callable[[], Node]) -> Node:
        node = part()
        while self.token.text.upper() == word and self.token.kind == "word":
            self._check_condition(node)
            self._at += 1
            right = part()
            self._check_condition(right)
            node = Operation(word, (node, right))
        return node

    def _negated(self) -> Node:
        if self.keyword("NOT"):
            node = self._negated()
            self._check_condition(node)
            return Operation("NOT", (node,))
        return self._compared(self._unit())

    def _unit(self) -> Node:
        """An operand, or anything in parentheses."""
        if not self.sign("("):
            return self.operand()
        again, start = self.token.text == "(", self._at
        node = self._either()
        if again and self._closes(start) == self._at - 1:
            self.problem(_REDUNDANT)
        self.expect(")")
        return node

    def _closes(self, opened: int) -> int:
        """Where the parenthesis that opens at token `opened` is closed."""
        depth = 0
        for number in range(opened, len(self._tokens)):
            text = self._tokens[number].text
            depth += (text == "(") - (text == ")")
            if not depth:
                return number
        return -1

    def _compared(self, left: Node) -> Node:
        if operator := self.sign(*COMPARISONS):
            return self._compare(operator, left, (self.operand(),))
        if self.keyword("BETWEEN"):
            low = self.operand()
            if not self.keyword("AND"):
                raise self.syntax_error()
            return self._compare("BETWEEN", left, (low, self.operand()))
        if self.keyword("IN"):
            self.expect("(")
            options = tuple(self.several(self.operand))
            self.expect(")")
            return self._compare("IN", left, options)
        return left

    def _compare(self, operator: str, left: Node, others: tuple[Node, ...]) -> Node:
        if isinstance(left, Operation):
            raise self.syntax_error()
        for operand in (left, *others):
            if isinstance(operand, Call) and _is_condition(operand):
                self.problem(_misused(operand.name))
        if isinstance(left, Path) and left in others:
            self.problem(same_operands(operator, left))
        return Operation(operator, (left, *others))

    def _check_condition(self, node: Node) -> None:
        if isinstance(node, Call) and not _is_condition(node):
            self.problem(_misused(node.name))
        elif not _is_condition(node):
            raise self.syntax_error()


_REDUNDANT = "The expression has redundant parentheses;"


def same_operands(operator: str, first: Path) -> str:
    """Why an operator may not compare a path with itself."""
    return (
        "The first operand must be distinct from the remaining operands for this operator "
        f"or function; operator: {operator}, first operand: {first}"
    )


def _misused(name: str) -> str:
    return f"The function is not allowed to be used this way in an expression; function: {name}"


def _is_condition(node: Node) -> bool:
    if isinstance(node, Call):
        return node.name not in ("size", *_OF_UPDATES)
    return isinstance(node, Operation) and node.operator not in ("+", "-")


@lru_cache(maxsize=4096)
def check_placeholder(parameter: str, key: str, mark: str) -> None:
    """Raises Refused when `key` of ExpressionAttributeNames or -Values is no placeholder."""
    if not key.startswith(mark) or not _PLACEHOLDER.fullmatch(key):
        raise Refused(f'{parameter} contains invalid key: Syntax error; key: "{key}"')
