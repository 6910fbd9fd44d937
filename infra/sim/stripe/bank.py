"""The customers' bank: which payments wait for 3-D Secure, with which card; what it declines."""

from __future__ import annotations

from dataclasses import dataclass, field

from infra.local.stripe.intents import PresentedCard


@dataclass(slots=True)
class Bank:
    """Challenges by payment. See infra.local.stripe.endpoints.Bank.

    `declines` is how many captures are still to be declined, of holds that stay.
    """

    challenged: dict[str, PresentedCard] = field(default_factory=dict)
    declines: int = 0

    def url(self, reference: str) -> str:
        """A page that nobody looks at: Provider.authenticate answers."""
        return f"https://bank.example/3ds/{reference}"

    def open(self, reference: str, card: PresentedCard, _return_url: str) -> None:
        """Remember the card for the answer."""
        self.challenged[reference] = card
