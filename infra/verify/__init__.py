"""The invariants of the tables, checked and mended: see README.md."""

from infra.verify.check import breaks
from infra.verify.finding import Break
from infra.verify.mend import repair
from infra.verify.tables import AT_REST, LIVE, Care

__all__ = ["AT_REST", "LIVE", "Break", "Care", "breaks", "repair"]
