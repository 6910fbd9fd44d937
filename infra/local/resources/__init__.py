"""One small function per CloudFormation type; importing the package registers them all."""

from infra.local.resources import compute, messaging, operations, people, storage

__all__ = ["compute", "messaging", "operations", "people", "storage"]
