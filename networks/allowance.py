"""What a conversation may spend: asked for before each request, told of each answer."""

from __future__ import annotations

from typing import Protocol

from networks.conversation import Answer
from networks.wire import Prepared


class OverBudget(Exception):
    """Nothing was sent: the next call is allowed in so many `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"over budget for {seconds:.0f} seconds")
        self.seconds = seconds


class Allowance(Protocol):
    """One token's share of the budgets of its network."""

    async def spend(self, prepared: Prepared) -> None:
        """Take one call; may sleep for a short while. Raises OverBudget."""

    def heard(self, prepared: Prepared, answer: Answer) -> None:
        """Learn what the network says of its budgets."""
