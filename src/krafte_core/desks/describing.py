"""What is said of lots: measured content and density, and the host's own attributes; and how much an amount of such a lot is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from krafte_core.errors import InvalidInput
from krafte_core.items import Item, attributes, code
from krafte_core.potency import of_lot, told_of_lot
from krafte_core.quantities import parts
from krafte_core.stock import Lot
from krafte_core.units import UNITS
from krafte_core.work import Work

Attributes = tuple[tuple[str, Any], ...]
# Attributes per (item, lot): the finished lot stands under two empty texts, every lot of an item under an empty lot.
Told = Mapping[tuple[str, str], Attributes]


def described(given: Mapping[str, Any] | None) -> Told:
    """What was said of the finished lot, and of other items that came out: under their code, for all their lots or lot by lot.

    Raises:
        InvalidInput: (`invalid_input`) no mapping; a content or density that is none.

    >>> dict(described({"potency": "35 %", "whey": {"W-1": {"potency": "0.8 %"}}}))
    {('', ''): (('potency', '35 %'),), ('whey', 'W-1'): (('potency', '0.8 %'),)}
    """
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise InvalidInput("attributes", given, "attributes of the finished lot, or a mapping of them for another item")
    found = {("", ""): told_of_lot({name: value for name, value in given.items() if not isinstance(value, Mapping)})}
    for item, rows in given.items():
        if isinstance(rows, Mapping):
            by_lot = all(isinstance(own, Mapping) for own in rows.values())
            for lot, own in rows.items() if by_lot else [("", rows)]:
                found[code(item, "attributes"), code(lot, "lot") if lot else ""] = told_of_lot(own)
    return {key: own for key, own in found.items() if own}


def of_output(told: Told, item: str, lot: str, *, product: bool) -> tuple[tuple[str, str] | None, Attributes]:
    """Where something is said of a lot, and what.

    >>> of_output({("whey", ""): (("potency", "0.8 %"),)}, "whey", "W-1", product=False)
    (('whey', ''), (('potency', '0.8 %'),))
    """
    keys = [("", "")] if product else [(item, lot), (item, "")]
    return next(((key, told[key]) for key in keys if key in told), (None, ()))


def all_named(told: Told, named: Collection[tuple[str, str]], lots: Collection[Lot]) -> None:
    """Whatever was said was said of a lot that came out.

    Raises:
        InvalidInput: (`invalid_input`) with the lots that there are.
    """
    for key in told:
        if key not in named:
            came = ", ".join(f"{lot.item} {lot.code}" for lot in lots) or "nothing came out"
            raise InvalidInput("attributes", " ".join(filter(None, key)) or "the finished lot", f"something that came out ({came})")


def added(before: Lot, own: Attributes) -> None:
    """A part that goes into a lot that is there already is of the same kind.

    Raises:
        InvalidInput: (`invalid_input`) it differs; it needs a lot of its own.
    """
    there = dict(before.attributes)
    for name, value in attributes(own):
        if there.get(name) != value:
            raise InvalidInput(f"attributes[{name!r}]", value, f"{there.get(name)!r} as lot {before.code} has it, or a lot of its own")


def as_lot(work: Work, item: Item, lot: str | None, amount: Any) -> Item:
    """The item as a lot of it is, where the lot's own density decides how much an amount is: litres of something kept in kilograms."""
    if lot is None or item.dimension not in ("mass", "volume"):
        return item
    known = UNITS.get(parts(amount)[1])
    if known is not None and known.dimension == item.dimension:
        return item
    row = work.reader.lots([(item.code, lot)]).get((item.code, lot))
    return item if row is None else of_lot(item, row)
