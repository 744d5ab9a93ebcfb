"""Availability: do we have it, and do we have what it takes? What is needed per item over all levels, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import attrs

from krafte_core.coverage import Batch, Cover
from krafte_core.errors import InvalidInput
from krafte_core.items import Item
from krafte_core.quantities import Quantity, Scale
from krafte_core.straight import straight
from krafte_core.tables import aligned


class Need(NamedTuple):
    """What is needed of one item, and where it comes from: stock, what is on its way, new batches; `missing` must be bought.

    Kept in whole steps; the properties tell the same as amounts.
    """

    item: str
    scale: Scale
    required_steps: int
    stock_steps: int
    incoming_steps: int
    make_steps: int
    missing_steps: int

    @property
    def required(self) -> Quantity:
        """How much is needed."""
        return self.scale.quantity(self.required_steps)

    @property
    def from_stock(self) -> Quantity:
        """How much of it is in stock, free or already reserved for this."""
        return self.scale.quantity(self.stock_steps)

    @property
    def incoming(self) -> Quantity:
        """How much of it is on its way."""
        return self.scale.quantity(self.incoming_steps)

    @property
    def to_make(self) -> Quantity:
        """How much of it new or planned batches bring."""
        return self.scale.quantity(self.make_steps)

    @property
    def missing(self) -> Quantity:
        """How much of it must be bought."""
        return self.scale.quantity(self.missing_steps)


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


class Reason(NamedTuple):
    """Why something else than the plain amount of an item is taken: a substitute, or a lot of another content.

    >>> str(Reason("shea", "0.66 kg of mango for 0.6 kg"))
    'shea: 0.66 kg of mango for 0.6 kg'
    """

    item: str
    text: str

    def __str__(self) -> str:
        """The sentence."""
        return f"{self.item}: {self.text}"


@attrs.frozen
class Availability:
    """What an order needs, item by item, products first; it holds nothing.

    `reasons` say where a substitute or a lot of another content is taken, and why.
    """

    order: str
    needs: tuple[Need, ...]
    shortages: tuple[Shortage, ...]
    reasons: tuple[Reason, ...] = ()

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
        return "\n".join([f"{self.order}: {verdict}", *aligned(head, rows), *map(str, self.reasons)])


def _blank(amount: Quantity) -> str:
    return "" if amount.is_zero else str(amount)


_new = tuple.__new__  # half the cost of a NamedTuple's own constructor
_availability = straight(Availability)


class Tally:
    """Adds up, per item, what covers need and where it comes from; products before what they are made of."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.sums: dict[str, list[int]] = {}
        self.chosen: list[Cover] = []
        """The covers that take something else than the plain amount."""
        self._seen: set[int] = set()

    def add(self, item: str, *, required: int = 0, stock: int = 0, incoming: int = 0, made: int = 0, missing: int = 0) -> None:
        """Steps of one item."""
        row = self.sums.get(item)
        if row is None:
            self.sums[item] = [required, stock, incoming, made, missing]
            return
        row[0] += required
        row[1] += stock
        row[2] += incoming
        row[3] += made
        row[4] += missing

    def cover(self, cover: Cover, *, required: bool = True) -> None:
        """A cover and everything behind it."""
        item, steps = cover.item, cover.steps
        coming = sum([steps for _, steps in cover.expected]) if cover.expected else 0
        made = sum([steps for _, steps in cover.made]) if cover.made else 0
        missing = cover.missing + (cover.bought.needed if cover.bought else 0)
        stock, needed = steps - coming - made - missing, steps if required else 0
        if item in self.sums:
            self.add(item, required=needed, stock=stock, incoming=coming, made=made, missing=missing)
        else:
            self.sums[item] = [needed, stock, coming, made, missing]
        if cover.choice is not None:
            self.chosen.append(cover)
            before = len(self.chosen)
            for other, _ in cover.choice.instead:
                self.cover(other)
            del self.chosen[before:]  # told with what they stand in for
        for batch, _ in cover.made:
            self._batch(batch)

    def _batch(self, batch: Batch) -> None:
        if id(batch) not in self._seen:
            self._seen.add(id(batch))
            sums = self.sums
            for _, cover in batch.inputs:
                if cover.made or cover.missing or cover.expected or cover.bought or cover.choice or cover.item in sums:
                    self.cover(cover)
                else:  # in stock, as nearly always
                    sums[cover.item] = [cover.steps, cover.steps, 0, 0, 0]

    def answer(self, order: str, item: Callable[[str], Item]) -> Availability:
        """The sums as amounts."""
        needs, short = [], []
        for code, row in self.sums.items():
            scale = item(code).scale
            needs.append(_new(Need, (code, scale, *row)))
            if row[4]:
                short.append(shortage(code, scale, row[0], row[0] - row[4]))
        return _availability(order, tuple(needs), tuple(short), reasons(self.chosen, item) if self.chosen else ())


def reasons(covers: Iterable[Cover], item: Callable[[str], Item]) -> tuple[Reason, ...]:
    """The reasons behind covers that take something else than the plain amount.

    >>> reasons([], {}.get)
    ()
    """
    found = []
    for cover in covers:
        choice, own = cover.choice, item(cover.item).quantity
        if choice is None:
            continue
        why = ", ".join(f"{name}: {text}" for name, text in choice.reasons)
        if choice.need != choice.real:
            found.append(Reason(cover.item, f"{own(choice.real)} for {own(choice.need)}"))
        for other, covers_ in choice.instead:
            text = f"{item(other.item).quantity(other.steps)} of {other.item} for {own(covers_)}"
            found.append(Reason(cover.item, text + (f" ({why})" if why else "")))
        if why and not choice.instead:
            found.append(Reason(cover.item, why))
    return tuple(dict.fromkeys(found))


def shortage(item: str, scale: Scale, needed: int, available: int) -> Shortage:
    """What is lacking of an item, from whole steps.

    >>> from decimal import Decimal
    >>> str(shortage("jar", Scale("each", Decimal(1)), 5, 3).missing)
    '2 each'
    """
    return Shortage(item, *map(scale.quantity, (needed, available, needed - available)))


def shortages(sums: Mapping[str, int], covers: Iterable[Cover], item: Callable[[str], Item]) -> tuple[Shortage, ...]:
    """The shortages behind covers, for items that `sums` says are lacking."""
    tally = Tally()
    for cover in covers:
        tally.cover(cover)
    return tuple(one for one in tally.answer("", item).shortages if one.item in sums)
