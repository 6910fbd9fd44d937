"""DynamoDB modelled in this process, with AWS's semantics: see `model`."""

from infra.sim.dynamodb.capacity import Consumed
from infra.sim.dynamodb.model import DynamoDB

__all__ = ["Consumed", "DynamoDB"]
