"""Two commands at the same moment, the second committed while the first one decides."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from krafte_core import BatchSize, Customer, Ingredient, Item, Offer, OrderLine, Recipe, Supplier, Workshop, qty
from krafte_core.desks.needs import Kept
from krafte_core.errors import InvalidInput, NotAllowed, RecipeCycle, TooMuch
from krafte_core.store import Changes
from krafte_core.stores.memory import MemoryStore
from krafte_core.testing import FakeClock


class Overtaken(MemoryStore):
    """Somebody else's command comes first, once, between a decision and its commit."""

    def __init__(self) -> None:
        super().__init__()
        self.first: Callable[[], object] | None = None

    def commit(self, changes: Changes) -> None:
        first, self.first = self.first, None
        if first is not None:
            first()
        super().commit(changes)


def test_two_orders_of_one_run_that_lacked_material_are_confirmed_at_the_same_time():
    """Both want the new oil for the run that they share: the second reads again, and the oil is promised once."""
    store = Overtaken()
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Supplier("Frantoio", offers=[Offer("oil", lead_time="4 days")]),
        Item("oil", unit="kg"),
        Item("soap", unit="each"),
        Recipe("soap", makes="100 each", ingredients=[Ingredient("oil", "10 kg")], batch=BatchSize(exactly="100 each")),
    )
    shop.stock.receive("oil", "6 kg", lot="O-1")
    anna, ben = (shop.orders.place(customer=name, lines=[OrderLine("soap", "50 each")]) for name in ("Anna", "Ben"))
    shop.orders.confirm(anna)
    shop.orders.confirm(ben)
    shop.stock.receive("oil", "20 kg", lot="O-2")
    store.first = lambda: shop.orders.confirm(ben)

    shop.orders.confirm(anna)

    assert shop.stock.level("oil").allocated == qty("10 kg")
    shop.verify()


def test_two_recipes_that_need_each_other_are_registered_at_the_same_time():
    """Each fits what it has read; together they would be a cycle. The second reads again and is refused."""
    store = Overtaken()
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("dough", unit="kg"), Item("starter", unit="kg"))
    store.first = lambda: shop.register(Recipe("starter", makes="1 kg", ingredients=[Ingredient("dough", "1 kg")]))

    with pytest.raises(RecipeCycle):
        shop.register(Recipe("dough", makes="1 kg", ingredients=[Ingredient("starter", "1 kg")]))


@pytest.mark.parametrize(
    ("used", "error"), [({"oil": "100 kg"}, TooMuch), ({"oli": "1 kg"}, InvalidInput)], ids=["too much", "no such material"]
)
def test_a_refused_make_takes_no_number_and_says_what_there_was(used, error):
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        Item("oil", unit="kg"), Item("soap", unit="each"), Recipe("soap", makes="1 each", ingredients=[Ingredient("oil", "1 kg")])
    )
    shop.stock.receive("oil", "6 kg", lot="O-1")

    with pytest.raises(error) as refused:
        shop.production.make("soap", "1 each", used=used)

    if error is TooMuch:
        assert (refused.value.given, refused.value.there) == (qty("100 kg"), qty("6 kg"))
    assert shop.production.make("soap", "1 each").production == "PB-2026-11-001"


def test_a_plan_is_kept_only_as_long_as_nothing_was_written():
    """Between check and confirm somebody takes the stock: the order gets what is there, not what was."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("candle", unit="each"))
    shop.stock.receive("candle", "5 each", lot="C-1")
    order = shop.orders.place(customer="Anna", lines=[OrderLine("candle", "5 each")])
    assert shop.orders.check(order).ok
    shop.stock.scrap("candle", "2 each", lot="C-1", reason="bent")

    (short,) = shop.orders.confirm(order).shortages

    assert short.missing.value == Decimal(2)
    shop.verify()


def soap_for_two() -> tuple[Workshop, Overtaken]:
    """Soap is made of a base that is made of oil; Cara may owe 100 EUR."""
    store = Overtaken()
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(
        *(Item(name, unit="kg") for name in ("oil", "base")), Item("soap", unit="each"), Customer("Cara", credit_limit="100 EUR"),
        Recipe("base", makes="1 kg", ingredients=[Ingredient("oil", "1 kg")]),
        Recipe("soap", makes="1 each", ingredients=[Ingredient("base", "1 kg")]),
    )  # fmt: skip
    shop.stock.receive("oil", "50 kg", lot="O-1")
    return shop, store


@pytest.mark.parametrize("item", ["soap", "base"])
@pytest.mark.parametrize("step", ["start", "release"])
def test_a_run_that_begins_while_its_order_is_put_on_hold_is_decided_again(item: str, step: str):
    """Whatever level the run is of; a hold that comes after the start leaves it alone."""
    shop, store = soap_for_two()
    anna, ben = (shop.orders.place(customer=name, lines=[OrderLine("soap", "5 each")]) for name in ("Anna", "Ben"))
    first, second = (
        next(run for run in shop.orders.confirm(order).productions if shop.production.get(run).item == item) for order in (anna, ben)
    )
    for run in shop.production.find(item="base") if item == "soap" else ():
        shop.production.start(run)
        shop.production.complete(run, made=run.planned)
    store.first = lambda: shop.orders.hold(anna, reason="unpaid")

    with pytest.raises(NotAllowed):
        getattr(shop.production, step)(first)

    assert shop.production.status(first) == "planned"
    store.first = lambda: getattr(shop.production, step)(second)
    assert shop.orders.hold(ben, reason="unpaid").holds
    assert shop.production.status(second) == {"start": "started", "release": "released"}[step]
    shop.verify()


def test_two_orders_at_the_same_moment_do_not_both_fit_the_credit_limit():
    shop, store = soap_for_two()
    line = OrderLine("soap", "20 each", price="3 EUR")
    placed = []
    store.first = lambda: placed.append(shop.orders.place(customer="Cara", lines=[line]))

    placed.append(shop.orders.place(customer="Cara", lines=[line]))

    assert [len(shop.orders.holds(order)) for order in placed] == [0, 1]


def test_a_plan_that_is_asked_for_again_belongs_to_the_command_that_asks():
    """Two threads may check and confirm the same order at once: neither writes its guards on the other's sheet."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("soap", unit="each"))
    order = shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")])
    kept = Kept()
    with shop._office.look() as one, shop._office.look() as other:
        first, second = (kept.plan(work, order, ("soap",)) for work in (one, other))
        assert first[1:] == second[1:]
        assert (first[0].work, second[0].work) == (one, other)
