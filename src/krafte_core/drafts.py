"""What a table or a file would bring, before anybody takes it in: values, and every problem beside them."""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from krafte_core.incoming import Problem
from krafte_core.orders import OrderLine


@attrs.frozen
class Opening:
    """A row of opening stock: what `shop.stock.opening` takes."""

    item: str
    amount: str
    lot: str | None = None
    expires: date | None = None
    place: str = "stock"


@attrs.frozen
class OrderRow:
    """An order of a table: what `shop.orders.place` takes, under the name that it has there."""

    name: str
    customer: str
    lines: tuple[OrderLine, ...]
    requested: date | None = None


@attrs.frozen
class Draft:
    """What a table would bring, and every problem with its row; rows with a problem bring nothing."""

    values: tuple[Any, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether everything could be read."""
        return not self.problems
