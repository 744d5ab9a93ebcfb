"""A preview says what a command would change and how to take it back; nothing of it happens."""

from __future__ import annotations

import pytest

from krafte_core import PurchaseLine, Workshop, qty
from krafte_core.diary import LOT_STEPS
from krafte_core.orders import ORDER_STEPS, QUOTE_STEPS
from krafte_core.production import PRODUCTION_STEPS
from krafte_core.purchasing import PURCHASE_STEPS
from krafte_core.shipping import SHIPMENT_STEPS
from krafte_core.undoing import UNDO
from tests.scenarios.day import candle_shop, confirmed, order

TABLES = {
    "order": ORDER_STEPS,
    "quote": QUOTE_STEPS,
    "production": PRODUCTION_STEPS,
    "purchase": PURCHASE_STEPS,
    "shipment": SHIPMENT_STEPS,
    "lot": LOT_STEPS,
}


@pytest.mark.parametrize("kind", TABLES)
def test_every_step_says_what_takes_it_back(kind):
    steps = {step for steps in TABLES[kind].values() for step in steps}
    assert steps <= set(UNDO[kind])


@pytest.mark.parametrize(
    "hint", sorted({one for table in UNDO.values() for hint in table.values() for one in hint.split(", ") if one})
)
def test_every_hint_is_a_command(hint):
    shop, desk, name = hint.split(".")
    assert shop == "shop"
    assert callable(getattr(getattr(Workshop.in_memory(), desk), name))


def test_a_preview_of_a_count_shows_who_would_lose_what():
    shop, _ = candle_shop()
    shop.stock.receive("candle", "20 each", lot="C-1")
    anna = confirmed(shop, "Anna", "18 each")
    before = shop.stock.table()

    would = shop.preview(lambda trial: trial.stock.count("candle", "15 each", lot="C-1"))

    rows = [(row.kind, row.name, row.field, row.before, row.after) for row in would.differences if row.kind != "step"]
    assert rows == [
        ("stock", "candle C-1 in stock", "on hand", qty("20 each"), qty("15 each")),
        ("stock", "candle C-1 in stock", "allocated", qty("18 each"), qty("15 each")),
        ("promise", f"{anna.number}/1 from candle C-1 in stock", "amount", qty("18 each"), qty("15 each")),
    ]
    assert would.undo == ("shop.stock.count",)
    assert shop.stock.table() == before
    assert "18 each" in str(would)


def test_a_preview_of_a_confirmation_shows_the_run_its_time_and_its_materials():
    shop, _ = candle_shop()
    shop.stock.receive("wax", "10 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="WI-1")
    anna = order(shop, "Anna", "40 each")

    would = shop.preview(lambda trial: trial.orders.confirm(anna))

    kinds = {row.kind for row in would.differences}
    assert kinds == {"production", "stock", "promise", "time", "step"}
    (time,) = [row for row in would.differences if row.kind == "time"]
    assert (time.name.split(" for ")[0], time.before) == ("melter", None)
    assert "shop.orders.free, shop.orders.cancel" in would.undo
    assert shop.production.find() == ()


def test_a_preview_of_several_commands_is_the_difference_of_all_of_them():
    shop, _ = candle_shop()
    purchase = shop.purchasing.order("mill", lines=[PurchaseLine("wax", "10 kg")])

    def receive_and_hold(trial):
        lot = trial.purchasing.receive(purchase, "wax", "10 kg", lot="W-1").lot
        return trial.stock.hold([lot], reason="to be tested")

    would = shop.preview(receive_and_hold)
    assert would.undo == ("shop.stock.release", "shop.purchasing.send_back")
    assert [(row.field, row.after) for row in would.differences if row.kind == "lot" and row.field == "disposition"] == [
        ("disposition", "held")
    ]
    assert shop.preview(lambda trial: trial.stock.level("wax")).differences == ()
