"""Promises seen from the workshop: a whole flow, retries, restarts, and many writers who want the same thing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from krafte_core.errors import KeyReused, Short
from krafte_core.events import OrderConfirmed
from krafte_core.items import Item
from krafte_core.orders import OrderLine, OrderStatus
from krafte_core.recipes import Ingredient, Operation, Recipe
from krafte_core.resources import WorkCenter
from krafte_core.store import Store
from krafte_core.testing._hooks import Hooks, at_once, told
from krafte_core.testing.clock import FakeClock
from krafte_core.testing.samples import DAY, telling
from krafte_core.workshop import Workshop

WRITERS, UNITS = 20, 10


class Working(Hooks):
    """What all the promises together are good for."""

    def test_a_whole_day_in_the_workshop(self, store: Store) -> None:
        """Ordered, confirmed, made, shipped, delivered; every law of the books holds at every step."""
        _shop(store)
        clock = FakeClock("2026-11-23 08:00")
        shop = Workshop(store, clock=clock, by="Ada")
        order = shop.orders.place(customer="Bio Markt", lines=[OrderLine("bar", "5 each")])
        shop.orders.confirm(order)
        runs = shop.production.covering(order)
        assert len(runs) == 1
        assert shop.orders.status(order) is OrderStatus.MATERIALS_RESERVED
        shop.verify()
        clock.set("2026-11-23 09:00")
        shop.production.start(runs[0])
        shop.verify()
        clock.set("2026-11-23 15:00")
        shop.production.complete(runs[0], made="3 each", lot="B-1")
        assert shop.orders.status(order) is OrderStatus.READY_TO_SHIP
        shipment = shop.shipping.ship(order)
        shop.shipping.deliver(shipment)
        assert shop.orders.status(order) is OrderStatus.DELIVERED
        assert str(shop.stock.level("oil").on_hand) == "94 kg"
        assert str(shop.stock.level("bar").on_hand) == "0 each"
        assert {lot.code for lot in shop.trace.back("bar", "B-1").lots} >= {"O-1"}
        shop.verify()

    def test_another_workshop_over_the_same_store_sees_the_same(self, store: Store) -> None:
        """Nothing is kept beside the store: what one workshop registers and reserves, another one reads at once."""
        first, second = _shop(store), Workshop(store, clock=FakeClock("2026-11-23 09:00"))
        order = first.orders.place(customer="web", lines=[OrderLine("bar", "1 each")])
        second.orders.confirm(order.number)
        assert first.orders.status(order) is OrderStatus.READY_TO_SHIP
        second.register(Item("wax", unit="kg"))
        first.stock.receive("wax", "1 kg", lot="W-1")
        assert str(second.stock.level("wax").available) == "1 kg"

    def test_a_repeated_key_changes_nothing(self, store: Store) -> None:
        """The same command with the same key gives the first result; with other content it is an error."""
        shop = _shop(store)
        first = shop.stock.receive("oil", "5 kg", lot="O-2", key="delivery-4711")
        before = told(store)
        assert shop.stock.receive("oil", "5 kg", lot="O-2", key="delivery-4711") == first
        assert told(store) == before
        with pytest.raises(KeyReused):
            shop.stock.receive("oil", "6 kg", lot="O-2", key="delivery-4711")

    def test_a_repeated_key_changes_nothing_after_a_restart(self, store: Store) -> None:
        """The result of every kind of command comes back as it was from a store that was closed and opened again."""
        shop = _shop(store)
        order = shop.orders.place(customer="web", lines=[OrderLine("bar", "3 each")], key="place")
        confirmed = shop.orders.confirm(order, key="confirm")
        run = shop.production.covering(order)[0].number
        started = shop.production.start(run, key="start")
        completed = shop.production.complete(run, made="1 each", lot="B-1", key="complete")
        shipment = shop.shipping.ship(order, key="ship")
        found = self.again(store)
        try:
            shop = Workshop(found, clock=FakeClock("2026-11-23 09:00"))
            before = told(found)
            assert shop.orders.place(customer="web", lines=[OrderLine("bar", "3 each")], key="place") == order
            assert shop.orders.confirm(order, key="confirm") == confirmed
            assert shop.production.start(run, key="start") == started
            assert shop.production.complete(run, made="1 each", lot="B-1", key="complete") == completed
            assert shop.shipping.ship(order, key="ship") == shipment
            assert told(found) == before
            shop.verify()
        finally:
            found.close()

    def test_of_eight_threads_with_one_key_one_command_happens(self, store: Store) -> None:
        """A key that is used at the same time by several: one command, eight times its result."""
        shops = [_shop(store)] + [Workshop(store, clock=FakeClock("2026-11-23 08:00")) for _ in range(7)]
        lots = at_once(*(partial(shop.stock.receive, "oil", "5 kg", lot="O-2", key="delivery") for shop in shops))
        assert len(set(lots)) == 1
        assert str(shops[0].stock.level("oil").on_hand) == "105 kg"

    def test_threads_never_promise_the_same_thing_twice(self, store: Store) -> None:
        """Twenty orders of one unit each, ten units, eight threads: ten are confirmed, ten are refused, and the books add up."""
        shop = _stocked(store)
        orders = [f"{n}" for n in range(WRITERS)]

        def work(mine: list[str]) -> list[str]:
            own = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
            return [_order_one(own) for _ in mine]

        answers = [answer for row in at_once(*(partial(work, orders[n::8]) for n in range(8))) for answer in row]
        assert (answers.count("confirmed"), answers.count("short")) == (UNITS, WRITERS - UNITS)
        self._sold_out(store, shop)

    def test_processes_never_promise_the_same_thing_twice(self, store: Store, request: pytest.FixtureRequest) -> None:
        """The same with several processes that have the store open at the same time."""
        opener = self.shared(store)
        shop = _stocked(store)
        pool: ProcessPoolExecutor = request.getfixturevalue("pool")
        answers = [*pool.map(partial(_order_in_process, opener), range(WRITERS))]
        assert (answers.count("confirmed"), answers.count("short")) == (UNITS, WRITERS - UNITS)
        self._sold_out(store, shop)

    def test_no_number_is_given_twice_to_processes(self, store: Store, request: pytest.FixtureRequest) -> None:
        """Several processes that take numbers of one series get different ones."""
        opener = self.shared(store)
        pool: ProcessPoolExecutor = request.getfixturevalue("pool")
        taken = [number for row in pool.map(_take_numbers, [opener] * self.workers) for number in row]
        assert len(set(taken)) == len(taken) == self.workers * 25

    def test_two_processes_never_lease_the_same_event(self, store: Store, request: pytest.FixtureRequest) -> None:
        """Several processes that empty one box get every event once."""
        opener = self.shared(store)
        store.outbox.subscribe("box", "beginning")
        for _ in range(10):
            store.commit(telling(*(f"CO-{n}" for n in range(6))))
        pool: ProcessPoolExecutor = request.getfixturevalue("pool")
        ids = [place for row in pool.map(_empty_box, [opener] * self.workers) for place in row]
        assert len(set(ids)) == len(ids) == 60

    def test_a_fork_stays_apart(self, store: Store) -> None:
        """What happens on a fork or in a preview is not in the store, and what happens in the store not on the fork."""
        shop = _shop(store)
        if not hasattr(store, "snapshot"):
            pytest.skip("the store keeps no moments (`snapshot`): no fork, no preview")
        fork = shop.fork()
        before = told(store)
        fork.stock.scrap("oil", "10 kg", lot="O-1", reason="trial")
        shop.preview(lambda trial: trial.orders.confirm(trial.orders.place(customer="x", lines=[OrderLine("bar", "2 each")])))
        assert told(store) == before
        shop.stock.receive("oil", "7 kg", lot="O-9")
        assert (str(fork.stock.level("oil").on_hand), str(shop.stock.level("oil").on_hand)) == ("90 kg", "107 kg")
        fork.verify()

    def _sold_out(self, store: Store, shop: Workshop) -> None:
        """Ten orders have ten units, each was told once, and every law holds."""
        level = shop.stock.level("candle")
        assert (str(level.allocated), str(level.available)) == (f"{UNITS} each", "0 each")
        store.outbox.subscribe("mailer", "beginning")
        events = [row.event for row in store.outbox.lease("mailer", 1_000, DAY)]
        assert sum(isinstance(event, OrderConfirmed) for event in events) == UNITS
        assert len({order.number for order in shop.orders.find(limit=1_000)}) == WRITERS
        shop.verify()


def _shop(store: Store) -> Workshop:
    """A workshop that makes bars of oil at a kettle, with two bars and oil in stock."""
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"), by="Ada")
    cook = Operation("cook", at="kettle", run="2 h")
    shop.register(
        Item("oil", unit="kg"),
        Item("bar", unit="each"),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00"),
        Recipe("bar", makes="1 each", ingredients=[Ingredient("oil", "2 kg")], operations=[cook]),
    )
    shop.stock.receive("oil", "100 kg", lot="O-1")
    shop.stock.receive("bar", "2 each", lot="B-0")
    return shop


def _stocked(store: Store) -> Workshop:
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("candle", unit="each"))
    shop.stock.receive("candle", f"{UNITS} each", lot="C-1")
    return shop


def _order_one(shop: Workshop) -> str:
    order = shop.orders.place(customer="web", lines=[OrderLine("candle", "1 each")])
    try:
        shop.orders.confirm(order, when_short="refuse")
    except Short as refusal:
        return refusal.code
    return "confirmed"


def _order_in_process(opener: Callable[[], Store], number: int) -> str:
    store = opener()
    try:
        return _order_one(Workshop(store, clock=FakeClock("2026-11-23 08:00")))
    finally:
        store.close()


def _take_numbers(opener: Callable[[], Store]) -> list[int]:
    store = opener()
    try:
        return [store.take_numbers("CO-2026-11", 1) for _ in range(25)]
    finally:
        store.close()


def _empty_box(opener: Callable[[], Store]) -> list[int]:
    store, ids = opener(), []
    try:
        while leased := store.outbox.lease("box", 3, DAY):
            ids += [row.id for row in leased]
            store.outbox.settle("box", [row.id for row in leased])
        return ids
    finally:
        store.close()
