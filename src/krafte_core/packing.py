"""Packages: which lots lie in which parcel, and what it weighs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import attrs

from krafte_core.errors import InvalidInput, TooMuch
from krafte_core.items import Item, note
from krafte_core.quantities import Quantity, qty
from krafte_core.shipping import Package, ShipmentLine

GRAMS = 1000


def _amounts(given: Any) -> tuple[tuple[str, str], ...] | None:
    if given is None:
        return None
    rows = [*given.items()] if isinstance(given, Mapping) else [*given] if isinstance(given, tuple | list) else None
    if rows is None or not all(isinstance(row, tuple | list) and len(row) == 2 and isinstance(row[0], str) for row in rows):
        raise InvalidInput("amounts", given, "an amount per item, such as {'soap': '2 each'}")
    return tuple((name, amount if isinstance(amount, str) else str(qty(amount))) for name, amount in rows)


def _packaging(given: Any) -> tuple[tuple[str, str], ...]:
    return _amounts(given) or ()


def _weight(given: Any) -> Quantity | None:
    if given is None:
        return None
    weight = qty(given)
    if weight.dimension != "mass" or weight.value <= 0:
        raise InvalidInput("weight", str(given), "a weight, such as '2.4 kg'")
    return weight


@attrs.frozen
class Box:
    """A parcel as it shall be packed.

    Args:
        amounts: how much of which item, or of a lot (`"soap S-1"`); None is everything that no other box holds.
        packaging: the carton and what else weighs, by item; it is not taken from stock here.
        weight: as the scale says; default from the items.
        sscc, tracking: its numbers.

    >>> Box({"soap": "2 each"}, weight="2.4 kg").weight
    Quantity('2.4 kg')
    """

    amounts: tuple[tuple[str, str], ...] | None = attrs.field(default=None, converter=_amounts)
    packaging: tuple[tuple[str, str], ...] = attrs.field(default=(), kw_only=True, converter=_packaging)
    weight: Quantity | None = attrs.field(default=None, kw_only=True, converter=_weight)
    sscc: str = attrs.field(default="", kw_only=True)
    tracking: str = attrs.field(default="", kw_only=True)


def weight_of(contents: Iterable[tuple[str, int]], items: Mapping[str, Item]) -> Quantity:
    """What so many steps of these items weigh, rounded up to the gram, once.

    Raises:
        InvalidInput: (`invalid_input`) items that do not say what they weigh, all of them, and how they could.

    >>> soap = Item("soap", unit="each", packs={"each": "95.5 g"})
    >>> str(weight_of([("soap", 3)], {"soap": soap}))
    '0.287 kg'
    """
    whole, unknown = Fraction(0), dict[str, None]()
    for code, steps in contents:
        mass = items[code].mass(steps)
        if mass is None:
            unknown[code] = None
        else:
            whole += mass
    if unknown:
        wanted = "items that say what one weighs (packs={'each': '58 g'}, or a density), or the weight of the parcel on the scale"
        raise InvalidInput("weight", ", ".join(unknown), wanted)
    return Quantity(Decimal(math.ceil(whole * GRAMS)) / GRAMS, "kg")


def packed(
    lines: Sequence[ShipmentLine], boxes: Sequence[Box], items: Mapping[str, Item], *, weigh: bool = True
) -> tuple[Package, ...]:
    """The lines of a shipment in boxes: each step in exactly one of them, lots in the order in which they left.

    Args:
        lines: of the shipment.
        boxes: at most one of them without amounts takes the rest.
        items: all items that are named.
        weigh: False leaves the weight of a box open where items do not say what they weigh.

    Raises:
        InvalidInput: (`invalid_input`) something is in no box, an empty box, two that take the rest, an item that did not leave.
        TooMuch: (`too_much`) more than has left.
    """
    left = [line.steps for line in lines]
    if not boxes or sum(box.amounts is None for box in boxes) > 1:
        raise InvalidInput("boxes", len(boxes), "at least one box, and at most one without amounts")
    contents: dict[int, tuple[ShipmentLine, ...]] = {}
    for place, box in enumerate(boxes):
        if box.amounts is not None:
            contents[place] = tuple(_taken(lines, left, box.amounts, items))
    for place, box in enumerate(boxes):
        if box.amounts is None:
            contents[place] = tuple(_part(lines[at], steps, items) for at, steps in enumerate(left) if steps)
            left = [0] * len(left)
    open_ = [_named(lines[at], steps, items) for at, steps in enumerate(left) if steps]
    empty = [place + 1 for place, rows in contents.items() if not rows]
    if open_ or empty:
        raise InvalidInput("boxes", "; ".join(open_) or f"box {empty[0]} is empty", "every amount that left in exactly one box")
    return tuple(_package(contents[place], box, items, weigh=weigh) for place, box in enumerate(boxes))


def _taken(
    lines: Sequence[ShipmentLine], left: list[int], amounts: Sequence[tuple[str, str]], items: Mapping[str, Item]
) -> Iterable[ShipmentLine]:
    for name, amount in amounts:
        places = [at for at, line in enumerate(lines) if name in (line.item, f"{line.item} {line.lot}")]
        if not places:
            raise InvalidInput("amounts", name, "one of " + ", ".join(dict.fromkeys(line.item for line in lines)))
        item = items[lines[places[0]].item]
        wanted = item.positive(amount, f"amounts[{name!r}]")
        there = sum(left[at] for at in places)
        if wanted > there:
            raise TooMuch(f"{name} that is in no box yet", item.quantity(wanted), item.quantity(there))
        for at in places:
            steps = min(wanted, left[at])
            if steps:
                left[at] -= steps
                wanted -= steps
                yield _part(lines[at], steps, items)


def _part(line: ShipmentLine, steps: int, items: Mapping[str, Item]) -> ShipmentLine:
    return attrs.evolve(line, steps=steps, amount=items[line.item].quantity(steps))


def _named(line: ShipmentLine, steps: int, items: Mapping[str, Item]) -> str:
    return f"{items[line.item].quantity(steps)} {line.item} ({line.lot})"


def _package(lines: tuple[ShipmentLine, ...], box: Box, items: Mapping[str, Item], *, weigh: bool) -> Package:
    around = [(name, items[name].positive(amount, f"packaging[{name!r}]")) for name, amount in box.packaging]
    weight = box.weight
    if weight is None:
        try:
            weight = weight_of([*((line.item, line.steps) for line in lines), *around], items)
        except InvalidInput:
            if weigh:
                raise
    return Package(
        lines, weight=weight, sscc=note(box.sscc, "sscc"), tracking=note(box.tracking, "tracking"),
        packaging=tuple((name, str(items[name].quantity(steps))) for name, steps in around),
    )  # fmt: skip
