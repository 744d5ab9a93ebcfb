"""What is said of the lots that come out of a run: measured content and density, and the host's own attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from krafte_core.errors import InvalidInput
from krafte_core.items import attributes, code
from krafte_core.potency import told_of_lot
from krafte_core.stock import Lot

Attributes = tuple[tuple[str, Any], ...]
Told = Mapping[tuple[str, str], Attributes]
"""Attributes per (item, lot): the finished lot stands under two empty texts, every lot of an item under an empty lot."""


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
