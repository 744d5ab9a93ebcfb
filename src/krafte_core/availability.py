"""Availability: do we have it, and do we have what it takes? What is needed per item over all levels, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import attrs

from krafte_core.errors import InvalidInput
from krafte_core.items import Item
from krafte_core.quantities import Quantity
from krafte_core.scheduling import Batch, Cover


@attrs.frozen
class Need:
    """What is needed of one item, and where it comes from: stock, what is on its way, new batches; `missing` must be bought."""

    item: str
    required: Quantity
    from_stock: Quantity
    incoming: Quantity
    to_make: Quantity
    missing: Quantity


@attrs.frozen
class Shortage:
    """What an intention lacks: needed, available and missing of one item.

    >>> from krafte_core.quantities import qty
    >>> str(Shortage("sauce", qty("51 each"), qty("50 each"), qty("1 each")))
    'sauce: 1 each missing (needed 51 each, available 50 each)'
    """

    item: str
    needed: Quantity
    available: Quantity
    missing: Quantity

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.item}: {self.missing} missing (needed {self.needed}, available {self.available})"


@attrs.frozen
class Availability:
    """What an order needs, item by item, products first; it holds nothing."""

    order: str
    needs: tuple[Need, ...]
    shortages: tuple[Shortage, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is there, on its way, or can be made from what is there."""
        return not self.shortages

    def need(self, item: str) -> Need:
        """What is needed of this item.

        Raises:
            InvalidInput: (`invalid_input`) with the items that are needed.
        """
        for need in self.needs:
            if need.item == item:
                return need
        raise InvalidInput("item", item, "one of " + ", ".join(need.item for need in self.needs))

    def __str__(self) -> str:
        """A table: one line per item."""
        head = ("item", "required", "from stock", "on its way", "to make", "missing")
        rows = [(n.item, *(_blank(q) for q in (n.required, n.from_stock, n.incoming, n.to_make, n.missing))) for n in self.needs]
        verdict = "everything is there" if self.ok else "missing: " + "; ".join(map(str, self.shortages))
        return "\n".join([f"{self.order}: {verdict}", *aligned(head, rows)])


def _blank(amount: Quantity) -> str:
    return "" if amount.is_zero else str(amount)


def aligned(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    r"""The rows as lines of a text table; the first column to the left, the others to the right.

    >>> print("\n".join(aligned(("item", "amount"), [("lye", "5 kg")])))
    item  amount
    lye     5 kg
    """
    table = [[*map(str, head)], *([*map(str, row)] for row in rows)]
    widths = [max(len(row[n]) for row in table) for n in range(len(table[0]))]
    lines = []
    for first, *rest in table:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return lines


class Tally:
    """Adds up, per item, what covers need and where it comes from; products before what they are made of."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.sums: dict[str, list[int]] = {}
        self._seen: set[int] = set()

    def add(self, item: str, *, required: int = 0, stock: int = 0, incoming: int = 0, made: int = 0, missing: int = 0) -> None:
        """Steps of one item."""
        row = self.sums.get(item)
        if row is None:
            self.sums[item] = [required, stock, incoming, made, missing]
            return
        for n, steps in enumerate((required, stock, incoming, made, missing)):
            row[n] += steps

    def cover(self, cover: Cover, *, required: bool = True) -> None:
        """A cover and everything behind it."""
        stock = sum(steps for _, steps in cover.taken)
        coming = sum(steps for _, steps in cover.expected)
        made = sum(steps for _, steps in cover.made)
        missing = cover.missing + (cover.bought.needed if cover.bought else 0)
        steps = cover.steps if required else 0
        self.add(cover.item, required=steps, stock=stock, incoming=coming, made=made, missing=missing)
        for batch, _ in cover.made:
            self._batch(batch)

    def _batch(self, batch: Batch) -> None:
        if id(batch) not in self._seen:
            self._seen.add(id(batch))
            for _, inner in batch.inputs:
                self.cover(inner)

    def answer(self, order: str, item: Callable[[str], Item]) -> Availability:
        """The sums as amounts."""
        needs, shortages = [], []
        for code, row in self.sums.items():
            quantity = item(code).quantity
            needs.append(Need(code, *map(quantity, row)))
            if row[4]:
                shortages.append(Shortage(code, quantity(row[0]), quantity(row[0] - row[4]), quantity(row[4])))
        return Availability(order, tuple(needs), tuple(shortages))


def shortages(sums: Mapping[str, int], covers: Iterable[Cover], item: Callable[[str], Item]) -> tuple[Shortage, ...]:
    """The shortages behind covers, for items that `sums` says are lacking."""
    tally = Tally()
    for cover in covers:
        tally.cover(cover)
    return tuple(one for one in tally.answer("", item).shortages if one.item in sums)
