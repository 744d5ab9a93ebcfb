"""Production orders: one run that makes an item, its own copy of the recipe, and what it needs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from krafte_core.diary import Steps, ends
from krafte_core.errors import InvalidInput
from krafte_core.quantities import Quantity
from krafte_core.recipes import Recipe

PRODUCTION_STEPS: Steps = {
    "": {"propose": "proposed", "plan": "planned"},
    "proposed": {"plan": "planned", "withdraw": "withdrawn"},
    "withdrawn": {},
    "planned": {"release": "released", "start": "started", "cancel": "cancelled"},
    "released": {"start": "started", "cancel": "cancelled"},
    "started": {"report": "started", "complete": "done"},
    "done": {"close": "closed", "reverse": "reversed"},
    "closed": {},
    "reversed": {},
    "cancelled": {},
}
"""The steps of a production order."""
COMING = frozenset({"proposed", "planned", "released", "started"})
"""The states in which a run will still bring something."""


@attrs.frozen
class Need:
    """What a run needs of one material: the recipe line's name, the item, how much, and the exact ratio to the product's steps."""

    line: str
    item: str
    required: Quantity
    steps: int
    numerator: int
    denominator: int
    follows: str = "charge"

    def for_output(self, steps: int) -> int:
        """Steps of the material for so many steps of the product, rounded up once.

        >>> from krafte_core.quantities import qty
        >>> Need("oil", "oil", qty("3 kg"), 3, 1, 2).for_output(5)
        3
        """
        return -(-steps * self.numerator // self.denominator)


@attrs.frozen
class ProductionOrder:
    """One run: what it makes, how much was planned, the recipe as it was then, its needs, and when it is planned for."""

    number: str
    item: str
    planned: Quantity
    steps: int
    recipe: Recipe
    needs: tuple[Need, ...]
    planned_at: datetime = attrs.field(kw_only=True)
    planned_start: datetime | None = attrs.field(default=None, kw_only=True)
    planned_end: datetime | None = attrs.field(default=None, kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """What it makes."""
        return (self.item,)

    def need(self, name: str) -> Need:
        """What it needs of this item (or recipe line).

        Raises:
            InvalidInput: (`invalid_input`) with the materials that it needs.
        """
        for need in self.needs:
            if name in (need.line, need.item):
                return need
        raise InvalidInput("item", name, "one of " + ", ".join(need.line for need in self.needs))


ENDED = ends(PRODUCTION_STEPS) | {"done"}
"""The states in which nothing more comes out of a run."""
