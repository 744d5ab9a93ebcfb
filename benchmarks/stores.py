"""The make-to-order flow on SQLite and PostgreSQL against the bare statements it needs, with much history, and many writers.

    python -m benchmarks stores [--orders 200] [--history 1000000] [--seconds 3] [--only flow|writers]

One order: place, check, confirm (one run, five materials reserved by lot), start, complete, ship: six transactions. The floor
(`stores_floor.py`) writes the same rows into the same tables with the same indexes, through the bare driver, and decides nothing. Both
sides run in turns in this process, without waiting for the disk (`synchronous = OFF`, `fsync = off`), which would hide the difference.
`ratio` is wall time against wall time. `growth` is what an order costs with so many movements of history, divided by the same without.
`writers` are confirmed orders per second of 1, 4 and 8 processes on 20 hot items, and the same of bare statements that write the same
rows: as shipped, where every commit waits for the disk, and without; afterwards every law is checked.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks import stores_floor
from benchmarks.flow import FIRST_EXPIRY, floor_module, run
from tests.databases import server

HOT, LINES = 20, 5
PROCESSES = multiprocessing.get_context("forkserver")
ROUNDS = 5
TURNS = 4
WARM = 0.5
"""Seconds of work before the database is told to look at its tables; without rows it would learn that there are none."""


def opened(url: str, *, durable: bool = False) -> Any:
    """A workshop; one that is not `durable` does not wait for the disk."""
    from sqlalchemy import event

    from krafte_core import Workshop
    from krafte_core.stores.sql import SqlStore
    from krafte_core.testing import FakeClock

    store: Any
    if url == "memory:":
        return Workshop.in_memory(clock=FakeClock("2026-11-23 08:00"))
    store = SqlStore(url)
    if url.startswith("sqlite") and not durable:
        event.listen(store.engine, "connect", lambda connection, record: connection.execute("PRAGMA synchronous = OFF"))
        store.connections.flushes = False  # nor at the end of a commit
        store.engine.dispose()
    return Workshop(store, clock=FakeClock("2026-11-23 08:00"))


def prepared(url: str, load: dict[str, Any]) -> Any:
    """A workshop with the problem's recipes and lots."""
    from datetime import timedelta

    from krafte_core import Ingredient, Item, Recipe

    shop = opened(url)
    materials = [Item(code, unit="g", step="1 g") for code in load["lots"]]
    products = [Item(code, unit="each") for code in load["recipes"]]
    recipes = [
        Recipe(code, makes="1 each", ingredients=[Ingredient(material, f"{steps} g") for material, steps in lines])
        for code, lines in load["recipes"].items()
    ]
    shop.register(*materials, *products, *recipes)
    for material, lots in load["lots"].items():
        for place, (lot, steps) in enumerate(lots):
            shop.stock.receive(material, f"{steps} g", lot=lot, expires=FIRST_EXPIRY + timedelta(days=place))
    return shop


@contextmanager
def places(*, durable: bool = False) -> Iterator[dict[str, str]]:
    """Where the databases are, by kind; a server that is not `durable` does not wait for the disk."""
    with tempfile.TemporaryDirectory() as folder, server(durable=durable) as url:
        if url is None:
            raise SystemExit("this machine has no PostgreSQL")
        yield {"sqlite": f"sqlite:///{folder}", "postgresql": url}


def fresh(base: str, name: str) -> str:
    """The URL of an empty workshop."""
    return f"{base}/{name}.db" if base.startswith("sqlite") else f"{base}?tenant={name}"


# the flow -----------------------------------------------------------------------------------------------------------------


def flow(base: str, orders: int) -> dict[str, Any]:
    """Milliseconds per order of the library and of the floor, in turns."""
    load = floor_module().workload(orders * (ROUNDS + 1))
    shop = prepared(fresh(base, "own"), load)
    bare = stores_floor.Floor(fresh(base, "floor"), load)
    own, floor = [], []
    for n in range(ROUNDS + 1):
        part = load["orders"][n * orders : (n + 1) * orders]
        start = time.perf_counter()
        run(shop, part)
        middle = time.perf_counter()
        bare.run(part)
        end = time.perf_counter()
        if n:  # the first round warms up
            own.append((middle - start) / orders * 1e3)
            floor.append((end - middle) / orders * 1e3)
        else:
            known(shop._store)
    shop.verify()
    rows = compared(shop, bare)
    shop.close()
    bare.close()
    return {
        "ratio": round(median(own) / median(floor), 2),
        "own_ms": round(median(own), 2),
        "floor_ms": round(median(floor), 2),
        **rows,
    }


def compared(shop: Any, bare: Any) -> dict[str, int]:
    """Whether the floor wrote as many moves as the library; anything else is no floor."""
    with shop._office.look() as work:
        moves = sum(len(posting.moves) for posting in work.reader.rows("postings") if posting.kind != "receive")
    if moves != bare.moves:
        raise SystemExit(f"the library posted {moves} moves, the floor {bare.moves}")
    return {"moves": moves}


def growth(base: str, orders: int, history: int) -> dict[str, Any]:
    """What an order costs with much history, against the same with little."""
    load = floor_module().workload(orders * 4)
    shops = {name: prepared(fresh(base, name), load) for name in ("little", "much")}
    stores_floor.age(shops["much"]._store, history)
    spent: dict[str, list[float]] = {name: [] for name in shops}
    for n in range(4):
        for name, shop in shops.items():
            start = time.perf_counter()
            run(shop, load["orders"][n * orders : (n + 1) * orders])
            spent[name].append(time.perf_counter() - start)
    for shop in shops.values():
        shop.close()
    little, much = (min(spent[name]) for name in ("little", "much"))
    return {"growth": round(much / little, 3), "movements": history}


def in_memory(orders: int) -> float:
    """Milliseconds per order of the library in memory, for comparison."""
    load = floor_module().workload(orders)
    shop = prepared("memory:", load)
    start = time.perf_counter()
    run(shop, load["orders"])
    return (time.perf_counter() - start) / orders * 1e3


# writers ------------------------------------------------------------------------------------------------------------------


def _confirm(url: str, seed: int, seconds: float, durable: bool, start: Any, results: Any) -> None:
    import random

    from krafte_core import OrderLine

    shop, rnd, done = opened(url, durable=durable), random.Random(seed), 0
    shop.orders.find(limit=1)
    start.wait()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        lines = [OrderLine(f"H{item:02d}", "1 each") for item in rnd.sample(range(HOT), LINES)]
        shop.orders.confirm(shop.orders.place(customer="web", lines=lines))
        done += 1
    results.put(done)
    shop.close()


def _bare(url: str, seed: int, seconds: float, durable: bool, start: Any, results: Any) -> None:
    bare = stores_floor.Hot(url, durable=durable)
    start.wait()
    results.put(bare.confirm(seed, seconds, HOT, LINES))
    bare.close()


def together(target: Any, url: str, count: int, seconds: float, *, durable: bool) -> int:
    """Orders of so many processes in so many seconds."""
    start, results = PROCESSES.Barrier(count), PROCESSES.Queue()
    crew = [PROCESSES.Process(target=target, args=(url, seed, seconds, durable, start, results)) for seed in range(count)]
    for process in crew:
        process.start()
    done = sum(results.get() for _ in crew)
    for process in crew:
        process.join()
    return int(done)


def writers(base: str, seconds: float, *, durable: bool) -> dict[str, Any]:
    """Confirmed orders per second of 1, 4 and 8 processes, and what bare statements reach, in turns."""
    from krafte_core import Item

    answer: dict[str, Any] = {}
    for count in (1, 4, 8):
        urls = [fresh(base, f"{side}{count}{durable}") for side in ("own", "bare")]
        shop = opened(urls[0])
        shop.register(*(Item(f"H{n:02d}", unit="each") for n in range(HOT)))
        shop.bulk.receive([{"item": f"H{n:02d}", "amount": "1000000 each", "lot": "L-1"} for n in range(HOT)])
        stores_floor.Hot(urls[1], HOT).close()
        for target, url in zip((_confirm, _bare), urls, strict=True):
            together(target, url, 1, WARM, durable=False)
        known(shop._store)
        own = bare = 0
        for _ in range(TURNS):
            own += together(_confirm, urls[0], count, seconds / TURNS, durable=durable)
            bare += together(_bare, urls[1], count, seconds / TURNS, durable=durable)
        shop.verify()
        oversold = sum(shop.stock.level(f"H{n:02d}").available.value < 0 for n in range(HOT))
        shop.close()
        answer[str(count)] = {
            "per_s": round(own / seconds), "bare_per_s": round(bare / seconds), "ratio": round(own / bare, 2), "oversold": oversold
        }  # fmt: skip
    return answer


def known(store: Any) -> None:
    """Statistics of the tables that have rows, as PostgreSQL's autovacuum makes them within a minute."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")


def main(argv: list[str]) -> dict[str, Any]:
    """Measure everything."""
    parser = argparse.ArgumentParser(prog="stores")
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--history", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", choices=["flow", "writers"])
    given = parser.parse_args(argv)
    answer: dict[str, Any] = {}
    if given.only != "writers":
        answer |= orders_one_by_one(given.orders, given.history)
    if given.only != "flow":
        answer["writers"] = writers_everywhere(given.seconds)
    return answer


def orders_one_by_one(orders: int, history: int) -> dict[str, Any]:
    """The flow and its growth, on every kind of store."""
    answer: dict[str, Any] = {"memory_ms": round(in_memory(orders), 3), "growth": {}}
    with places() as bases:
        for kind, base in bases.items():
            answer[kind] = flow(base, orders)
            _say(kind, answer[kind])
            answer["growth"][kind] = growth(base, orders, history)
            _say(kind, answer["growth"][kind])
    return answer


def writers_everywhere(seconds: float) -> dict[str, Any]:
    """Many writers on every kind of database, with and without waiting for the disk."""
    answer: dict[str, Any] = {}
    for durable, name in ((True, "as shipped"), (False, "without waiting for the disk")):
        with places(durable=durable) as bases:
            for kind, base in bases.items():
                found = answer.setdefault(kind, {})[name] = writers(base, seconds, durable=durable)
                _say(kind, {name: found})
    return answer


def _say(kind: str, found: dict[str, Any]) -> None:
    print(kind, json.dumps(found), file=sys.stderr, flush=True)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
