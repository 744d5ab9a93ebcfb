"""Production orders: one run that makes an item, its own copy of the recipe, and what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from krafte_core.allocation import RUN
from krafte_core.diary import Steps
from krafte_core.errors import InvalidInput
from krafte_core.quantities import Quantity
from krafte_core.recipes import Coming, Line, Recipe

PRODUCTION_STEPS: Steps = {
    "": {"propose": "proposed", "plan": "planned"},
    "proposed": {"plan": "planned", "withdraw": "withdrawn"},
    "withdrawn": {},
    "planned": {
        "change": "planned", "split": "planned", "merge": "merged", "reschedule": "planned",
        "allocate": "planned", "free": "planned", "release": "released", "start": "started", "cancel": "cancelled",
    },
    "released": {
        "replan": "planned", "reschedule": "released", "allocate": "released", "free": "released", "start": "started",
        "cancel": "cancelled",
    },
    "started": {
        "issue": "started", "give_back": "started", "scrap": "started", "report": "started", "operate": "started",
        "complete": "done", "stop": "done", "reverse": "reversed", "reverse a part": "started",
    },
    "done": {"use": "done", "close": "closed", "reverse": "reversed", "reverse a part": "done"},
    "closed": {"reopen": "done"},
    "reversed": {},
    "cancelled": {},
    "merged": {},
}  # fmt: skip
"""The steps of a production order."""
COMING = frozenset({"proposed", "planned", "released", "started"})
"""The states in which a run will still bring something."""
NOT_BEGUN = ("proposed", "planned", "released")
"""The states in which nothing lies on a run's line yet."""
ENDED = frozenset({"withdrawn", "done", "closed", "reversed", "cancelled", "merged"})
"""The states in which nothing more comes out of a run; there is no way back from them to one in which something does."""


@attrs.frozen
class Need:
    """What a run needs of one material: a line of its recipe, and the whole steps that it takes."""

    of: Line
    steps: int

    @property
    def line(self) -> str:
        """The line's name within the recipe."""
        return self.of.ref

    @property
    def item(self) -> str:
        """The material."""
        return self.of.item

    @property
    def required(self) -> Quantity:
        """How much, in the item's unit."""
        return self.of.scale.quantity(self.steps)


@attrs.frozen
class ProductionOrder:
    """One run: what it makes, how much was planned, the recipe as it was then and its compiled lines, and when.

    `at` is the place of the partner who makes it, from materials that stand there; None where it is made in the house. `outputs` come
    out besides, or are all that comes out where the recipe takes the item apart. `by_choice` says that what goes in depends on the
    lots that are there (see `Formula`).
    """

    number: str
    item: str
    planned: Quantity
    steps: int
    recipe: Recipe
    lines: tuple[Line, ...]
    planned_at: datetime = attrs.field(kw_only=True)
    planned_start: datetime | None = attrs.field(default=None, kw_only=True)
    planned_end: datetime | None = attrs.field(default=None, kw_only=True)
    at: str | None = attrs.field(default=None, kw_only=True)
    outputs: tuple[Coming, ...] = attrs.field(default=(), kw_only=True)
    by_choice: bool = attrs.field(default=False, kw_only=True)
    attributes: tuple[tuple[str, Any], ...] = attrs.field(default=(), kw_only=True)
    version: int = attrs.field(default=1, kw_only=True)

    @property
    def items(self) -> tuple[str, ...]:
        """What it makes: its item and what comes out besides; where it takes the item apart, the outputs alone."""
        if not self.outputs:
            return (self.item,)
        others = tuple([one.item for one in self.outputs])
        return others if self.recipe.apart else (self.item, *others)

    @property
    def supplies(self) -> tuple[tuple[str, str, str], ...]:
        """What others may be promised of it, as links name it: (`"run"`, item, number) of everything that it makes."""
        if not self.outputs:
            return ((RUN, self.item, self.number),)
        return tuple([(RUN, item, self.number) for item in self.items])

    def brings(self, item: str) -> int:
        """Steps of an item that it is planned to bring.

        >>> from krafte_core import Item, Recipe, Workshop
        >>> from krafte_core.recipes import Output
        >>> shop = Workshop.in_memory()
        >>> recipe = Recipe("cheese", makes="10 kg", outputs=[Output("whey", "80 L")])
        >>> shop.register(Item("cheese", unit="kg", step="1 g"), Item("whey", unit="L", step="1 L"), recipe)
        >>> shop.production.plan("cheese", "5 kg").production.brings("whey")
        40
        """
        if item == self.item:
            return 0 if self.recipe.apart else self.steps
        return next((one.expected(self.steps) for one in self.outputs if one.item == item), 0)

    def smallest(self, claimed: Mapping[str, int]) -> int:
        """The fewest steps that the run must make (or take apart) to bring so many steps of each item."""
        needed = [one.making(claimed[one.item]) for one in self.outputs if claimed.get(one.item)]
        return max([0 if self.recipe.apart else claimed.get(self.item, 0), *needed])

    @property
    def needs(self) -> tuple[Need, ...]:
        """What it needs of every material, line by line."""
        return tuple([Need(line, line.requirement(self.steps)) for line in self.lines])

    def need(self, name: str) -> Need:
        """What it needs of this item (or recipe line).

        Raises:
            InvalidInput: (`invalid_input`) with the materials that it needs.
        """
        for need in self.needs:
            if name in (need.line, need.item):
                return need
        raise InvalidInput("item", name, "one of " + ", ".join(line.ref for line in self.lines))


def between(line: Line, before: int, after: int) -> int:
    """Steps of a material that are planned for the output from `before` to `after`: the parts of a run add up to the whole.

    >>> from decimal import Decimal
    >>> from krafte_core.quantities import Scale
    >>> oil = Line("oil", "oil", Scale("kg", Decimal(1)), 1, 3)
    >>> [between(oil, 0, 4), between(oil, 4, 9), between(oil, 0, 9)]
    [2, 1, 3]
    """
    if after <= before:
        return 0
    return max(0, line.planned(after) - line.planned(before)) if before else line.planned(after)
