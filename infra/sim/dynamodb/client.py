"""The model as a boto3 client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from infra.sim.dynamodb.model import DynamoDB


@dataclass(frozen=True, slots=True)
class ModelClient:
    """A DynamoDB client whose calls go straight to the model."""

    model: DynamoDB

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in name.split("_"))
        return lambda **parameters: self.model.call(operation, parameters)

    def get_paginator(self, name: str) -> Paginator:
        """Pages of a Query or Scan."""
        return Paginator(self.model, name.capitalize())


@dataclass(frozen=True, slots=True)
class Paginator:
    """Asks page after page."""

    model: DynamoDB
    operation: str

    def paginate(self, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every page, each asked for when it is wanted."""
        while True:
            page = self.model.call(self.operation, parameters)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            parameters["ExclusiveStartKey"] = page["LastEvaluatedKey"]
