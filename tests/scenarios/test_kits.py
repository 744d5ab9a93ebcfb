"""Gift sets: ordered as one, promised and delivered as what is in them."""

from __future__ import annotations

from typing import Any

import pytest

from krafte_core import Ingredient, Item, Offer, OrderLine, OrderStatus, PurchaseLine, Recipe, Short, Supplier, Workshop, qty
from krafte_core.errors import Immutable, InvalidInput, KrafteError, LotUnknown, NoSource, TooMuch
from krafte_core.testing import FakeClock
from tests.scenarios.day import reserved

GIFT = {"soap": "2 each", "candle": "1 each"}


def gift_shop(soap: str = "20 each", candle: str = "20 each") -> Workshop:
    """A gift set is two soaps and a candle; a hamper is two gift sets and a jar."""
    shop = Workshop.in_memory(clock=FakeClock("2026-03-02 08:00"))
    shop.register(
        Item("soap", unit="each"),
        Item("candle", unit="each"),
        Item("jar", unit="each"),
        Item("oil", unit="kg"),
        Item("gift-set", unit="each", kit=GIFT),
        Item("hamper", unit="each", kit={"gift-set": "2 each", "jar": "1 each", "soap": "1 each"}),
        Recipe("soap", makes="10 each", ingredients=[Ingredient("oil", "1 kg")], lead_time="2 days"),
    )
    for item, amount in (("soap", soap), ("candle", candle)):
        shop.stock.receive(item, amount, lot=f"{item}-1")
    return shop


def ordered(shop, amount, item="gift-set", **more):
    placed = shop.orders.place(customer="Anna", lines=[OrderLine(item, amount, price="24.90 EUR")], **more)
    shop.orders.confirm(placed)
    return placed


def test_a_gift_set_is_promised_as_its_components_and_priced_as_one():
    shop = gift_shop()

    anna = ordered(shop, "3 each")

    assert [(need.ref, need.item, need.steps) for need in anna.needs] == [("1+soap", "soap", 6), ("1+candle", "candle", 3)]
    assert str(anna.total) == "74.70 EUR"
    assert reserved(shop, "soap") == {"soap-1": "6 each"}
    assert reserved(shop, "candle") == {"candle-1": "3 each"}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    sent = shop.shipping.ship(anna)
    assert [(line.line, line.item, str(line.amount)) for line in sent.lines] == [
        ("1+soap", "soap", "6 each"),
        ("1+candle", "candle", "3 each"),
    ]
    shop.shipping.deliver(sent)
    assert shop.orders.status(anna) is OrderStatus.DELIVERED
    shop.verify()


# What is there of each component, and how far three gift sets are: as far as the smallest ratio allows.
FAR = [
    # soap       candle    ready  waiting
    ("6 each", "3 each", 3, 0),
    ("5 each", "3 each", 2, 1),
    ("6 each", "1 each", 1, 2),
    ("1 each", "9 each", 0, 3),
]


@pytest.mark.parametrize(("soap", "candle", "ready", "waiting"), FAR)
def test_as_many_sets_are_ready_as_the_scarcest_component_allows(soap, candle, ready, waiting):
    shop = gift_shop(soap, candle)
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("gift-set", "3 each")])

    shop.orders.confirm(anna, make=False)

    stages = shop.orders.stages(anna)["1"]
    assert (stages.ordered, stages.ready, stages.waiting) == (3, ready, waiting)
    if not ready:
        with pytest.raises(Short):
            shop.shipping.ship(anna)
        return
    shop.shipping.ship(anna)  # only whole sets leave
    stages = shop.orders.stages(anna)["1"]
    assert (stages.shipped, stages.waiting) == (ready, waiting)
    shop.verify()


def test_a_part_of_the_sets_leaves_and_the_rest_follows():
    shop = gift_shop()
    anna = ordered(shop, "5 each")

    shop.shipping.ship(anna, amounts={"gift-set": "2 each"})

    assert shop.orders.stages(anna)["1"].shipped == 2
    assert shop.orders.status(anna) is OrderStatus.PARTLY_SHIPPED
    with pytest.raises(Short) as refusal:
        shop.shipping.ship(anna, amounts={"gift-set": "4 each"})
    assert [(str(one.needed), str(one.available)) for one in refusal.value.shortages] == [("4 each", "3 each")]
    shop.shipping.ship(anna)
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.verify()


def test_what_is_missing_of_a_component_is_made():
    shop = gift_shop(soap="1 each")
    shop.stock.receive("oil", "5 kg", lot="O-1")

    anna = ordered(shop, "3 each")

    (run,) = shop.production.covering(anna)
    assert (run.item, run.planned) == ("soap", qty("5 each"))
    assert shop.orders.check(anna).need("candle").required == qty("3 each")
    assert shop.orders.stages(anna)["1"].reserved == 3  # one set waits for a soap of its own: no set is ready before its last part
    shop.production.start(run)
    shop.production.complete(run, made="5 each", lot="S-2")
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_an_order_is_in_production_as_soon_as_one_component_of_its_sets_is():
    """The soaps are being made; of the candles one is there and two are missing: no whole set is in production, but the order is."""
    shop = gift_shop(soap="1 each", candle="1 each")
    shop.stock.receive("oil", "5 kg", lot="O-1")
    anna = ordered(shop, "3 each")
    assert shop.orders.status(anna) is OrderStatus.WAITING_FOR_MATERIAL

    shop.production.start(shop.production.covering(anna)[0])

    assert shop.orders.status(anna) is OrderStatus.IN_PRODUCTION
    assert "in production" in shop.orders.table()
    stages = shop.orders.stages(anna)["1"]
    assert (stages.making, stages.waiting) == (1, 2)


def test_a_set_within_a_set_is_opened():
    shop = gift_shop()
    shop.stock.receive("jar", "2 each", lot="J-1")

    anna = ordered(shop, "2 each", item="hamper")

    assert {need.item: need.steps for need in anna.needs} == {"soap": 10, "candle": 4, "jar": 2}
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    shop.verify()


def test_an_order_keeps_the_composition_that_it_was_placed_with():
    shop = gift_shop()
    anna = shop.orders.place(customer="Anna", lines=[OrderLine("gift-set", "3 each")])

    shop.register(Item("gift-set", unit="each", kit={"soap": "1 each"}))
    shop.orders.confirm(anna)

    assert reserved(shop, "soap") == {"soap-1": "6 each"}
    assert reserved(shop, "candle") == {"candle-1": "3 each"}
    shop.verify()


def with_recipe(item, of):
    """Register a recipe that makes one item of another."""
    return lambda shop: shop.register(Recipe(item, makes="1 each", ingredients=[Ingredient(of, "1 each")]))


def with_kit(item, unit="each", **parts):
    return lambda shop: shop.register(Item(item, unit=unit, kit={name.replace("_", "-"): amount for name, amount in parts.items()}))


def ordering(item, amount, **more):
    return lambda shop: shop.orders.place(customer="A", lines=[OrderLine(item, amount, **more)])


def buying(item):
    return lambda shop: shop.purchasing.order("mill", lines=[PurchaseLine(item, "3 each")], expected="2026-04-01")


WRONG: list[tuple[str, Any, type[KrafteError]]] = [
    ("received", lambda shop: shop.stock.receive("gift-set", "3 each"), InvalidInput),
    ("found", lambda shop: shop.stock.found("gift-set", "3 each"), InvalidInput),
    ("made", lambda shop: shop.production.plan("gift-set", "3 each"), NoSource),
    ("bought", buying("gift-set"), InvalidInput),
    ("half a set", ordering("gift-set", "0.5 each"), InvalidInput),
    ("a recipe for it", with_recipe("gift-set", "jar"), InvalidInput),
    ("made of it", with_recipe("jar", "gift-set"), InvalidInput),
    ("offered", lambda shop: shop.register(Supplier("mill", offers=[Offer("gift-set", lead_time="1 day")])), InvalidInput),
    ("within itself", with_kit("gift-set", hamper="1 each"), InvalidInput),
    ("weighed", with_kit("box", unit="kg", soap="1 each"), InvalidInput),
    ("stock becomes a kit", with_kit("soap", jar="1 each"), Immutable),
    ("parts of nothing", with_kit("box", soap="0 each"), InvalidInput),
    ("a plus in a ref", ordering("soap", "1 each", ref="1+soap"), InvalidInput),
]


@pytest.mark.parametrize(("command", "wrong"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_kit_is_never_stocked_made_or_bought(command, wrong):
    shop = gift_shop()
    shop.register(Supplier("mill", offers=[Offer("oil", lead_time="1 day")]))

    with pytest.raises(wrong):
        command(shop)


# Of three gift sets that were shipped (six soaps, three candles) some come back: as sets, by ref, or piece by piece.
BACK = [
    ({"gift-set": "2 each"}, {"soap": "4 each", "candle": "2 each"}, 1),
    ({"1": "3 each"}, {"soap": "6 each", "candle": "3 each"}, 0),
    ({"soap": "1 each"}, {"soap": "1 each"}, 2),  # five soaps and three candles are two sets
]


@pytest.mark.parametrize(("amounts", "came", "sets"), BACK)
def test_a_kit_comes_back_as_a_kit_or_by_its_components(amounts: dict, came: dict, sets: int):
    shop = gift_shop()
    anna = ordered(shop, "3 each")
    shop.shipping.ship(anna)

    back = shop.shipping.receive_return(anna, amounts=amounts, to="stock", reopen=True)

    assert {lot.item: str(amount) for lot, amount in back.lots} == came
    assert shop.orders.stages(anna)["1"].shipped == sets
    shop.orders.confirm(anna)
    shop.shipping.ship(anna)
    assert shop.orders.status(anna) is OrderStatus.SHIPPED
    shop.verify()


def test_a_kit_names_the_lot_of_the_component_that_came_in_several():
    shop = gift_shop(soap="5 each")
    shop.stock.receive("soap", "5 each", lot="soap-2")
    anna = ordered(shop, "3 each")
    shop.shipping.ship(anna)

    with pytest.raises(LotUnknown) as refusal:
        shop.shipping.receive_return(anna, amounts={"gift-set": "1 each"})
    assert refusal.value.code == "lot_unknown"
    assert refusal.value.choices == ("soap-1", "soap-2")
    back = shop.shipping.receive_return(anna, amounts={"gift-set": "1 each"}, lot="soap-1")

    assert [(lot.code, str(amount)) for lot, amount in back.lots] == [("soap-1", "2 each"), ("candle-1", "1 each")]
    with pytest.raises(InvalidInput):
        shop.shipping.receive_return(anna, amounts={"gift-set": "1 each"}, lot="soap-9")
    with pytest.raises(TooMuch) as beyond:
        shop.shipping.receive_return(anna, amounts={"gift-set": "3 each"}, lot="soap-1")
    assert beyond.value.code == "too_much"
    shop.verify()
