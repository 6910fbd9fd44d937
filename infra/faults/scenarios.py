"""All scenarios: what people do in a history, and what must be true of it in the end whatever goes
wrong."""

from __future__ import annotations

from infra.faults.approvals import APPROVALS
from infra.faults.astray import ASTRAY
from infra.faults.backorders import BACKORDERS
from infra.faults.buying import BUYING
from infra.faults.claims import CLAIMS
from infra.faults.counter import COUNTER
from infra.faults.coupons import COUPONS
from infra.faults.credits import CREDITS
from infra.faults.crowd import CROWD
from infra.faults.customers import CUSTOMERS
from infra.faults.forgetting import FORGETTING
from infra.faults.gift_cards import GIFTS
from infra.faults.imports import IMPORTS
from infra.faults.kits import KITS
from infra.faults.lapses import LAPSES
from infra.faults.mails import MAILS
from infra.faults.nodes import NODES
from infra.faults.on_account import ON_ACCOUNT
from infra.faults.reconciling import RECONCILING
from infra.faults.recosted import RECOSTED
from infra.faults.sending import SENDING
from infra.faults.settlement import SETTLEMENT
from infra.faults.trouble import TROUBLE

SCENARIOS = (
    *BUYING,
    *SENDING,
    *TROUBLE,
    *LAPSES,
    *MAILS,
    *CROWD,
    *COUNTER,
    *COUPONS,
    *KITS,
    *GIFTS,
    *CLAIMS,
    *NODES,
    *ASTRAY,
    *BACKORDERS,
    *SETTLEMENT,
    *CREDITS,
    *ON_ACCOUNT,
    *IMPORTS,
    *RECONCILING,
    *RECOSTED,
    *CUSTOMERS,
    *APPROVALS,
    *FORGETTING,
)
