"""Two people at the same run at the same moment: the second command reads again, and nothing is promised or used twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krafte_core import Ingredient, Item, KrafteError, OrderLine, Recipe, Workshop, qty
from krafte_core.testing import FakeClock
from tests.shop.test_two_writers import Overtaken

PLANNED, BEGUN, DONE = "PB-2026-11-001", "PB-2026-11-002", "PB-2026-11-003"


def kitchen() -> tuple[Workshop, Overtaken]:
    """A planned run for Anna, one at work and one that is done; ten kilograms of oil are free."""
    store = Overtaken()
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("oil", unit="kg", step="1 g"), Item("bar", unit="each"),
        Recipe("bar", makes="10 each", ingredients=[Ingredient("oil", "1 kg")]),
    )  # fmt: skip
    shop.stock.receive("oil", "40 kg", lot="O-1")
    shop.orders.confirm(shop.orders.place(customer="Anna", lines=[OrderLine("bar", "100 each")]))
    for _ in range(2):
        shop.production.start(shop.production.plan("bar", "100 each").production)
    shop.production.complete(DONE, made="100 each", lot="B-1")
    return shop, store


COMMANDS: dict[str, Callable[[Workshop], object]] = {
    "an order takes what is free": lambda shop: shop.orders.confirm(
        shop.orders.place(customer="Ben", lines=[OrderLine("bar", "150 each")])
    ),
    "somebody buys the oil": lambda shop: shop.orders.confirm(shop.orders.place(customer="Cem", lines=[OrderLine("oil", "7 kg")])),
    "change": lambda shop: shop.production.change(PLANNED, "150 each"),
    "make smaller": lambda shop: shop.production.change(PLANNED, "40 each"),
    "split": lambda shop: shop.production.split(PLANNED, "30 each"),
    "release": lambda shop: shop.production.release(PLANNED),
    "start": lambda shop: shop.production.start(PLANNED),
    "issue": lambda shop: shop.production.issue(BEGUN, "oil", "6 kg"),
    "give back": lambda shop: shop.production.give_back(BEGUN, "oil", "6 kg"),
    "scrap": lambda shop: shop.production.scrap(BEGUN, "oil", "6 kg", reason="spilt"),
    "report": lambda shop: shop.production.report(BEGUN, made="60 each", lot="B-2"),
    "complete": lambda shop: shop.production.complete(BEGUN, made="90 each", lot="B-2"),
    "use": lambda shop: shop.production.use(DONE, "oil", "7 kg", reason="forgotten"),
    "reverse": lambda shop: shop.production.reverse(DONE, force=True),
    "reverse a part": lambda shop: shop.production.reverse(DONE, "60 each", force=True),
    "close": lambda shop: shop.production.close(DONE),
}


@pytest.mark.parametrize("second", COMMANDS)
@pytest.mark.parametrize("first", COMMANDS)
def test_two_commands_at_once_are_as_if_one_came_after_the_other(first, second):
    at_once, store = kitchen()
    one_by_one, _ = kitchen()
    told = outcome(one_by_one, first), outcome(one_by_one, second)
    other: list[str] = []
    store.first = lambda: other.append(outcome(at_once, first))

    late = outcome(at_once, second)

    if other:  # else the second was refused before it wanted to write anything
        assert (other[0], late) == told
        assert stock(at_once) == stock(one_by_one)
    at_once.verify()
    assert at_once.stock.level("oil").on_hand <= qty("40 kg")


def outcome(shop: Workshop, command: str) -> str:
    try:
        COMMANDS[command](shop)
    except KrafteError as refusal:
        return refusal.code
    return "done"


def stock(shop: Workshop):
    return sorted(
        (row.lot.item, row.lot.code, row.place, str(row.on_hand), str(row.allocated))
        for item in ("oil", "bar")
        for row in shop.stock.lots(item)
    )
