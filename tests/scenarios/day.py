"""What the day stories share: two small workshops, and a way to read a printed table."""

from __future__ import annotations

import re

from krafte_core import Ingredient, Item, Offer, Operation, OrderLine, Place, Recipe, ShippingMethod, Supplier, WorkCenter, Workshop
from krafte_core.testing import FakeClock


def candle_shop(now: str = "2026-03-02 08:00") -> tuple[Workshop, FakeClock]:
    """Candles from wax and wicks. One candle takes 200 g of wax and a wick; the melter is open on weekdays from 8 to 16.

    Wax comes from the mill in four days; nobody sells wicks. A parcel is two days on the road. Monday, 2 March 2026.
    """
    clock = FakeClock(now, zone="Europe/Berlin")
    shop = Workshop.in_memory(clock=clock)
    shop.register(
        Item("wax", unit="kg", step="1 g"),
        Item("wick", unit="each"),
        Item("candle", unit="each"),
        Place("shelf", within="stock"),
        Place("top-shelf", within="shelf"),
        WorkCenter("melter", hours="Mon-Fri 08:00-16:00"),
        Supplier("mill", offers=[Offer("wax", lead_time="4 days")]),
        ShippingMethod("parcel", transit="2 days"),
        Recipe(
            "candle",
            makes="10 each",
            ingredients=[Ingredient("wax", "2 kg"), Ingredient("wick", "10 each")],
            operations=[Operation("pour", at="melter", run="1 h")],
        ),
    )
    return shop, clock


def order(shop: Workshop, customer: str, amount: str, item: str = "candle", **more):
    """An order of one line."""
    return shop.orders.place(customer=customer, lines=[OrderLine(item, amount)], **more)


def confirmed(shop: Workshop, customer: str, amount: str, item: str = "candle", **more):
    """An order of one line, confirmed."""
    placed = order(shop, customer, amount, item, **more)
    shop.orders.confirm(placed)
    return placed


def rows(table: str) -> list[dict[str, str]]:
    """The lines of a printed table as dictionaries: the heading says where a column ends."""
    head, *lines = table.splitlines()
    columns = [(match.group(), match.end()) for match in re.finditer(r"\S+(?: \S+)*", head)]
    widest = max(len(line) for line in [head, *lines])
    starts = [0, *(end for _, end in columns[:-1])]
    if len(columns) > 1:  # the first column stands to the left: it ends where the second one begins
        starts[1] = min(_gap(line, columns[0][1], columns[1][1]) for line in [head, *lines])
    ends = [*starts[1:], widest]
    return [{name: line[start:end].strip() for (name, _), start, end in zip(columns, starts, ends, strict=True)} for line in lines]


def _gap(line: str, first: int, second: int) -> int:
    """Where the blanks before the second column begin."""
    return max(first, line.rfind("  ", 0, second) + 1) if line[:1].strip() else second


def reserved(shop: Workshop, item: str) -> dict[str, str]:
    """Per lot how much is promised to somebody; lots without promises are left out."""
    return {row.lot.code: str(row.allocated) for row in shop.stock.lots(item) if not row.allocated.is_zero}


def lost(displaced) -> list[tuple[str, str]]:
    """Who lost, in which order, and how much."""
    return [(row.order or row.production, str(row.amount)) for row in displaced]


def short(refusal) -> list[tuple[str, str, str, str]]:
    """What a refusal says per item: needed, available, missing."""
    return [(one.item, str(one.needed), str(one.available), str(one.missing)) for one in refusal.shortages]
