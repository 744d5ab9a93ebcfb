"""Processes that work on one database at the same time, and die in the middle of it: what they do, so that it can be sent."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from krafte_core import Ingredient, Item, Operation, OrderLine, Recipe, WorkCenter, Workshop
from krafte_core.errors import Conflict, KrafteError, StoreFailed
from krafte_core.stores.sql import SqlStore
from krafte_core.testing import FakeClock

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.outside.crew"])
FORCE = os.environ.get("KRAFTE_PROFILE", "")
"""`fast`, `deep` or nothing: how many points are tried."""


def opened(url: str) -> tuple[SqlStore, Workshop]:
    """A workshop of this process."""
    store = SqlStore(url)
    return store, Workshop(store, clock=FakeClock("2026-11-23 08:00"), by=f"process {os.getpid()}")


def furnish(shop: Workshop, *, lots: int = 4, capacity: int = 10_000) -> None:
    """Bars are made of oil at a kettle that has room for all; wax is only bought and sold."""
    cook = Operation("cook", at="kettle", run="1 min")
    shop.register(
        Item("oil", unit="kg"),
        Item("wax", unit="kg"),
        Item("bar", unit="each"),
        WorkCenter("kettle", hours="Mon-Fri 08:00-16:00", capacity=capacity),
        Recipe("bar", makes="1 each", ingredients=[Ingredient("oil", "1 kg")], operations=[cook]),
    )
    for n in range(lots):
        shop.stock.receive("oil", "50 kg", lot=f"O-{n}")
        shop.stock.receive("wax", "10 kg", lot=f"W-{n}")


# one command ------------------------------------------------------------------------------------------------------------

Command = Callable[[Workshop, Any, str], Any]
READY: dict[str, list[str]] = {
    "receive": [], "register": [], "hold": [], "scrap": [], "place": [], "place many": [],
    "confirm": ["place"], "cancel": ["place", "confirm"],
    "start": ["place", "confirm"], "complete": ["place", "confirm", "start"], "ship": ["place", "confirm", "start", "complete"],
    "deliver": ["place", "confirm", "start", "complete", "ship"],
}  # fmt: skip
"""The commands, each with those that come before it for the same order."""


def perform(shop: Workshop, name: str, order: str, key: str) -> Any:
    """One command for an order."""
    if name == "place many":
        lines = [OrderLine("bar", "2 each"), OrderLine("wax", "10 g")]
        return shop.bulk.place([{"customer": customer, "lines": lines} for customer in ("Anna", "Ben")], key=key)
    if name == "receive":
        return shop.stock.receive("oil", "5 kg", lot=f"R-{key}", key=key)
    if name == "register":
        return shop.register(Item(f"item-{key}", unit="kg"), key=key)
    if name == "hold":
        return shop.stock.hold("wax", lot="W-1", reason="look", key=key)
    if name == "scrap":
        return shop.stock.scrap("oil", "1 g", lot="O-3", reason="spilt", key=key)
    if name == "place":
        return shop.orders.place(customer="web", lines=[OrderLine("bar", "2 each"), OrderLine("wax", "10 g")], key=key)
    return _for_order(shop, name, order, key)


def _for_order(shop: Workshop, name: str, order: str, key: str) -> Any:
    if name == "confirm":
        return shop.orders.confirm(order, key=key)
    if name == "cancel":
        return shop.orders.cancel(order, reason="changed their mind", key=key)
    if name == "ship":
        return shop.shipping.ship(order, key=key)
    run = shop.production.covering(order)[0].number if name in {"start", "complete"} else ""
    if name == "start":
        return shop.production.start(run, key=key)
    if name == "complete":
        return shop.production.complete(run, made="2 each", lot=f"B-{key}", key=key)
    shipment = next(one for one in shop.shipping.find(limit=10_000) if any(line.order == order for line in one.lines))
    return shop.shipping.deliver(shipment, key=key)


def prepared(shop: Workshop, name: str) -> str:
    """An order for which this command is next; nothing where it needs none."""
    order = ""
    for step in READY[name]:
        answer = perform(shop, step, order, f"{step}-{order or random.random()}")
        order = answer.number if step == "place" else order
    if name == "hold" and shop.stock.lot("wax", "W-1").disposition == "held":
        shop.stock.release("wax", lot="W-1", reason="seen")
    return order


# dying ------------------------------------------------------------------------------------------------------------------


def die_at(url: str, name: str, order: str, key: str, statement: int, when: str) -> None:
    """Perform a command and be killed before or after the statement of this number; without one, at the end."""
    store, shop = opened(url)
    seen = 0

    def count(*given: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    if statement:
        event.listen(store.engine, f"{when}_cursor_execute", count)
    perform(shop, name, order, key)
    if not statement:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)


def statements(url: str, name: str, order: str, key: str) -> int:
    """How many statements a command sends from a workshop that was opened just now."""
    store, shop = opened(url)
    seen = 0

    def count(*given: Any) -> None:
        nonlocal seen
        seen += 1

    event.listen(store.engine, "before_cursor_execute", count)
    perform(shop, name, order, key)
    store.close()
    return seen


# working together -------------------------------------------------------------------------------------------------------


def work(url: str, seed: int, commands: int, results: Any = None, begun: Any = None) -> None:
    """So many commands by chance on what all the others work on, too; a refusal of the shop is an answer like others."""
    store, shop = opened(url)
    rnd = random.Random(seed)
    counts = {"done": 0, "refused": 0, "conflict": 0, "failed": 0}
    for n in range(commands):
        if n == 1 and begun is not None:
            begun.set()
        try:
            _one(shop, rnd, f"{seed}-{n}")
            counts["done"] += 1
        except Conflict:
            counts["conflict"] += 1
        except StoreFailed:
            counts["failed"] += 1
        except KrafteError:
            counts["refused"] += 1
    store.close()
    if results is not None:
        results.put(counts)


def _one(shop: Workshop, rnd: random.Random, name: str) -> None:
    orders = [order.number for order in shop.orders.find(limit=1_000)]
    order = rnd.choice(orders) if orders else ""
    choice = rnd.choices(
        ["new", "make", "ship", "cancel", "receive", "hold", "scrap", "count"], weights=[8, 6, 4, 2, 3, 1, 1, 1], k=1
    )[0]
    if choice == "new" or not order:
        line = rnd.choice([OrderLine("bar", "1 each"), OrderLine("bar", "3 each"), OrderLine("wax", "1 kg")])
        placed = shop.orders.place(customer=name, lines=[line])
        shop.orders.confirm(placed, key=name)
    elif choice == "make":
        run = rnd.choice(shop.production.covering(order) or [None])
        if run is not None:
            shop.production.start(run, key=f"s-{name}")
            shop.production.complete(run, made=f"{run.steps} each", lot=f"B-{name}", key=f"c-{name}")
    elif choice == "ship":
        shop.shipping.ship(order, key=name)
    elif choice == "cancel":
        shop.orders.cancel(order, reason="chance", key=name)
    elif choice == "receive":
        shop.stock.receive("oil", "3 kg", lot=f"N-{name}", key=name)
    else:
        _decide(shop, choice, rnd)


def _decide(shop: Workshop, choice: str, rnd: random.Random) -> None:
    lot = f"O-{rnd.randrange(4)}"
    if choice == "scrap":
        shop.stock.scrap("oil", "100 g", lot=lot, reason="spilt")
    elif choice == "count":
        shop.stock.count("oil", "20 kg", lot=lot, reason="stock-taking")
    elif shop.stock.lot("oil", lot).disposition == "held":
        shop.stock.release("oil", lot=lot, reason="seen")
    else:
        shop.stock.hold("oil", lot=lot, reason="look")
