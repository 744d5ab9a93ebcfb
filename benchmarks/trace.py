"""A recall in large genealogies: the search on the library's index against a bare list-of-lists search in the same run.

    python -m benchmarks trace [--full] [--lots 10000 100000] [--tanks 10000 100000] [--stores 10000 100000]

A made-up plant: raw materials and packaging -> premix -> bulk -> variant -> finished goods, drawn oldest first, about five links a
lot; with tanks, four materials pass through a tank in which 5-20 % stay when it is filled up (each filling is a lot of its own).
Per size: building the index, its memory, trace-back of finished lots, forward of raw lots, and the recall scope of a complaint (all
that shares a raw lot with a finished lot), as a set of numbers on both sides, with names, and with amounts; then `networkx` and one
recursive SQL query on plain `sqlite3`, the search level by level (`trace.reach`), and content with bounds per lot. The same plants,
with lots and balances, in memory, SQLite and PostgreSQL: `trace_stores`. `ratio` is the median over some questions; the answers are
compared before anything is timed. `growth` is a ratio at the largest plant divided by the same at the smallest; for the stores, the
cost of a node of the answer. `--full` adds 10^6 lots everywhere, which takes most of an hour; without it some minutes.
"""

from __future__ import annotations

import argparse
import gc
import random
import sqlite3
import statistics
import sys
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from benchmarks import trace_stores

DAY = datetime(2026, 1, 1, tzinfo=UTC)
KG = 1_000_000
Key = tuple[str, str]


class Run(NamedTuple):
    """A run of the plant: what it used, and what it made."""

    number: str
    used: dict[Key, int]
    made: dict[Key, int]


class Plant:
    """Writes the history of a plant, run by run, until it has so many lots."""

    def __init__(self, lots: int, tanks: bool, seed: int = 7) -> None:
        """A plant with as many materials as its size asks for."""
        self.chance = random.Random(seed)  # noqa: S311 - a plant, not a secret
        self.tanks = 4 if tanks else 0
        self.wanted = lots
        self.runs: list[Run] = []
        self.raw: list[Key] = []
        self.finished: list[Key] = []
        self.count = 0
        self.sizes: dict[Key, int] = {}
        self.open: dict[str, deque[list[Any]]] = {}
        scale = 1 if lots < 50_000 else 3 if lots < 500_000 else 10
        levels = [("raw", 60 * scale), ("pack", 20 * scale), ("premix", 30 * scale), ("bulk", 40 * scale), ("variant", 60 * scale)]
        self.names = {level: [f"{level}-{n}" for n in range(many)] for level, many in [*levels, ("finished", 120 * scale)]}
        self.recipes = {name: self.recipe(level) for level in self.names for name in self.names[level] if level not in ("raw", "pack")}
        while self.count < self.wanted:
            self.finished.append(self.make(self.chance.choice(self.names["finished"])))

    def recipe(self, level: str) -> list[tuple[str, int]]:
        """What a batch takes: lots of raw material at the bottom, the level below further up."""
        some, chance = self.names, self.chance
        wanted = {
            "premix": [*chance.sample(some["raw"], 5)],
            "bulk": [chance.choice(some["premix"]), *chance.sample(some["raw"], 4)],
            "variant": [chance.choice(some["bulk"]), *chance.sample(some["raw"], 2)],
            "finished": [chance.choice(some["variant"]), *chance.sample(some["pack"], 3)],
        }[level]
        return [(name, chance.randrange(4, 12) * KG) for name in wanted]

    def lot(self, item: str, steps: int) -> Key:
        """A new lot."""
        self.count += 1
        key = (item, f"L{self.count}")
        self.sizes[key] = steps
        self.open.setdefault(item, deque()).append([key, steps])
        return key

    def receive(self, item: str) -> None:
        """A delivery; into a tank, it is mixed with what is left there."""
        key = self.lot(item, self.chance.randrange(40, 160) * KG)
        self.raw.append(key)
        if item in self.names["raw"][: self.tanks]:
            shelf = self.open[item]
            heel = {key: shelf[-1][1]} | ({shelf[0][0]: shelf[0][1]} if len(shelf) > 1 else {})
            shelf.clear()
            self.runs.append(Run(f"T{len(self.runs)}", heel, {self.lot(item, sum(heel.values())): sum(heel.values())}))

    def draw(self, item: str, steps: int) -> dict[Key, int]:
        """Oldest first; what is not there is delivered or made."""
        drawn: dict[Key, int] = {}
        shelf = self.open.setdefault(item, deque())
        tank = item in self.names["raw"][: self.tanks]
        while steps:
            if not shelf or (tank and shelf[0][1] < 15 * KG):
                self.receive(item) if item.startswith(("raw", "pack")) else self.make(item)
                continue
            took = min(steps, shelf[0][1])
            drawn[shelf[0][0]] = drawn.get(shelf[0][0], 0) + took
            shelf[0][1] -= took
            steps -= took
            if not shelf[0][1]:
                shelf.popleft()
        return drawn

    def make(self, item: str) -> Key:
        """One batch; now and then with a rest of the batch before it."""
        used: dict[Key, int] = {}
        for name, steps in self.recipes[item]:
            used |= self.draw(name, steps)
        shelf = self.open.get(item)
        if shelf and self.chance.random() < 0.01:
            used |= self.draw(item, min(KG, shelf[0][1]))
        made = sum(used.values())
        key = self.lot(item, made)
        self.runs.append(Run(f"B{len(self.runs)}", used, {key: made}))
        return key


def floor(plant: Plant) -> tuple[dict[Any, int], list[list[int]], list[list[int]]]:
    """The same lots and runs as bare lists of lists, one int object per node."""
    numbers: dict[Any, int] = {}
    for run in plant.runs:
        for name in (*run.used, run.number, *run.made):
            numbers.setdefault(name, len(numbers))
    same = list(range(len(numbers)))
    onward: list[list[int]] = [[] for _ in same]
    backward: list[list[int]] = [[] for _ in same]
    for run in plant.runs:
        b = same[numbers[run.number]]
        for source, target in [*((numbers[key], b) for key in run.used), *((b, numbers[key]) for key in run.made)]:
            onward[source].append(same[target])
            backward[target].append(same[source])
    return numbers, [[*row] for row in onward], [[*row] for row in backward]


def search(links: Sequence[Sequence[int]], starts: Iterable[int]) -> set[int]:
    """The yardstick: a breadth-first search on lists of lists, as anybody would write it."""
    seen = set(starts)
    queue = [*seen]
    for node in queue:
        for other in links[node]:
            if other not in seen:
                seen.add(other)
                queue.append(other)
    return seen


def timed(work: Callable[[], object], rounds: int = 5) -> float:
    """The best of some rounds, in milliseconds of this process's own time: others on the machine do not count."""
    start = time.process_time()
    work()
    once = time.process_time() - start
    times = max(1, min(200, int(0.002 / max(once, 1e-6))))  # what is over in microseconds is done many times
    best = once
    for _ in range(rounds):
        start = time.process_time()
        for _ in range(times):
            work()
        best = min(best, (time.process_time() - start) / times)
    return best * 1e3


def compared(questions: Sequence[Any], ours: Callable[[Any], object], theirs: Callable[[Any], object]) -> dict[str, float]:
    """Both sides on the same questions, alternately: median milliseconds and median ratio."""
    pairs = [(timed(lambda: ours(one)), timed(lambda: theirs(one))) for one in questions]  # noqa: B023 - used at once
    return {
        "ms": round(statistics.median(mine for mine, _ in pairs), 4),
        "floor_ms": round(statistics.median(their for _, their in pairs), 4),
        "ratio": round(statistics.median(mine / their for mine, their in pairs), 2),
    }


def measure(lots: int, tanks: bool) -> dict[str, Any]:
    """One plant: build, memory, and the questions on every engine."""
    from krafte_core.trace import reach_in

    plant = Plant(lots, tanks)
    gc.collect()
    gc.freeze()
    start = time.process_time()
    links = built(plant)
    build = time.process_time() - start
    memory = 0
    if lots <= 100_000:  # counting bytes makes building ten times slower
        tracemalloc.start()
        twin = built(plant)
        memory = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del twin
    numbers, onward, backward = floor(plant)
    edges = sum(map(len, onward))
    gc.collect()
    gc.freeze()
    chance = random.Random(11)  # noqa: S311 - a sample, not a secret
    finished = chance.sample(plant.finished[len(plant.finished) // 4 :], 7)
    raw = chance.sample([key for key in plant.raw if key in numbers], 7)
    heavy = sorted((key for key in plant.raw if key in numbers), key=lambda key: -len(onward[numbers[key]]))[:5]
    sources = [[key for key in reach_in(links, [one], "back").lots if key[0].startswith("raw")] for one in finished]

    def bare(keys: Sequence[Key], way: list[list[int]]) -> set[int]:
        return search(way, [numbers[key] for key in keys])

    for keys in sources:
        ours = {numbers[name] for name in links.scope(keys, "forward")}
        assert ours == bare(keys, onward)
    answers = {
        "back": compared(finished, lambda key: links.found([key], "back"), lambda key: bare([key], backward)),
        "forward": compared(raw, lambda key: links.found([key], "forward"), lambda key: bare([key], onward)),
        "forward_heavy": compared(heavy, lambda key: links.found([key], "forward"), lambda key: bare([key], onward)),
        "recall": compared(sources, lambda keys: links.found(keys, "forward"), lambda keys: bare(keys, onward)),
        "recall_named": compared(sources, lambda keys: links.scope(keys, "forward"), lambda keys: bare(keys, onward)),
        "recall_with_amounts": compared(sources, lambda keys: reach_in(links, keys, "forward"), lambda keys: bare(keys, onward)),
        "recall_lots": statistics.median(len(reach_in(links, keys, "forward").lots) for keys in sources),
    }
    gc.unfreeze()
    return {
        "lots": plant.count, "edges": edges, "build_s": round(build, 2), "bytes_per_edge": round(memory / edges) or None,
        **answers, **peers(plant, numbers, onward, sources[:3]), **contents(plant, heavy[0]),
    }  # fmt: skip


def built(plant: Plant) -> Any:
    """The library's index of the plant."""
    from krafte_core.ledger import Links

    links = Links()
    for run in plant.runs:
        for key, steps in run.used.items():
            links.link(run.number, key, steps)
        for key, steps in run.made.items():
            links.link(run.number, key, -steps)
    links.pack()
    return links


def peers(plant: Plant, numbers: dict[Any, int], onward: list[list[int]], sources: Sequence[Sequence[Key]]) -> dict[str, Any]:
    """The same scopes by networkx (one search per source, as its users write it) and by one recursive query."""
    import networkx as nx

    found: dict[str, Any] = {}
    if plant.wanted <= 100_000:
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_edges_from((node, other) for node, others in enumerate(onward) for other in others)

        def by_networkx(keys: Sequence[Key]) -> set[int]:
            starts = [numbers[key] for key in keys]
            return set(starts).union(*(nx.descendants(graph, start) for start in starts))

        found["networkx"] = compared(sources, by_networkx, lambda keys: search(onward, [numbers[key] for key in keys]))
        del graph
    with sqlite3.connect(":memory:") as base:
        base.execute("create table edge (a integer, b integer, primary key (a, b)) without rowid")
        base.executemany("insert or ignore into edge values (?, ?)", ((a, b) for a, others in enumerate(onward) for b in others))

        def by_query(keys: Sequence[Key]) -> set[int]:
            starts = ",".join(f"({numbers[key]})" for key in keys)
            query = f"with recursive found(n) as (values {starts} union select b from edge, found where a = n) select n from found"  # noqa: S608 - integers
            return {row[0] for row in base.execute(query)}

        for keys in sources[:1]:
            assert by_query(keys) == search(onward, [numbers[key] for key in keys])
        found["recursive_query"] = compared(sources, by_query, lambda keys: search(onward, [numbers[key] for key in keys]))
    base.close()
    return found


def contents(plant: Plant, source: Key) -> dict[str, Any]:
    """Mass fractions with bounds for everything after one raw lot that is used a lot, per lot found."""
    from krafte_core.content import mixing
    from krafte_core.items import Item
    from krafte_core.ledger import Ledger
    from krafte_core.stock import Move, Posting
    from krafte_core.trace import reach, with_moves

    if plant.wanted > 100_000:
        return {}
    rows = []
    for run in plant.runs:
        moves = [Move(*key, steps, "stock", "production") for key, steps in run.used.items()]
        rows.append(
            Posting("run", run.number, DAY, DAY, (*moves, *(Move(*key, n, "production", "stock") for key, n in run.made.items())))
        )
    born = {key for run in plant.runs for key in run.made}
    spent: dict[Key, int] = {}
    for run in plant.runs:
        for key, steps in run.used.items():
            spent[key] = spent.get(key, 0) + steps
    rows += [Posting("receive", "", DAY, DAY, (Move(*key, n, "supplier", "stock"),)) for key, n in spent.items() if key not in born]
    ledger = Ledger(rows)
    items = {name: Item(name, unit="kg") for names in plant.names.values() for name in names}
    found = with_moves(reach(ledger.uses, [source], "forward"), ())
    found = with_moves(found, ledger.read(found.lots, ()))
    many = max(1, len(found.lots))
    level = timed(lambda: reach(ledger.uses, [source], "forward"), rounds=3)
    content = timed(lambda: mixing(found, items, source[0]), rounds=3)
    return {"level_by_level_us_per_lot": round(level * 1e3 / many, 1), "content_us_per_lot": round(content * 1e3 / many, 1),
            "content_lots": many}  # fmt: skip


class World(NamedTuple):
    """A plant as bare lists, with the questions: what every engine is asked."""

    numbers: dict[Any, int]
    onward: list[list[int]]
    backward: list[list[int]]
    finished: Sequence[Key]
    heavy: Sequence[Key]
    sources: Sequence[Sequence[Key]]
    search: Callable[[Sequence[Sequence[int]], Iterable[int]], set[int]] = search


def in_stores(lots: int, tanks: bool, places: dict[str, str]) -> dict[str, Any]:
    """One plant in memory and in every database: build, and the questions."""
    plant = Plant(lots, tanks)
    numbers, onward, backward = floor(plant)
    chance = random.Random(11)  # noqa: S311 - a sample, not a secret
    finished = chance.sample(plant.finished[len(plant.finished) // 4 :], 5)
    heavy = sorted((key for key in plant.raw if key in numbers), key=lambda key: -len(onward[numbers[key]]))[:3]
    names = [*numbers]
    behind = [[names[node] for node in search(backward, [numbers[one]])] for one in finished]
    sources = [[key for key in found if not isinstance(key, str) and key[0].startswith("raw")] for found in behind]
    world = World(numbers, onward, backward, finished, heavy, sources)
    tenant = f"{'tanks' if tanks else 'plain'}_{lots}"
    found = {}
    for kind, url in {"memory": "", **places}.items():
        store = trace_stores.opened(kind, url, tenant)
        try:
            found[kind] = trace_stores.measured(kind, store, tenant, plant, world)
        finally:
            store.close()
        print(f"{tenant} {kind}: {found[kind]}", file=sys.stderr, flush=True)
    return found


def grown(rows: Sequence[dict[str, Any]], kind: str) -> float | None:
    """What a node of a recall costs in the largest plant, divided by the same in the smallest."""
    if len(rows) < 2:
        return None
    return round(float(rows[-1][kind]["recall"]["us_per_node"]) / float(rows[0][kind]["recall"]["us_per_node"]), 2)


def main(argv: list[str]) -> dict[str, Any]:
    """Every size, and how the ratios grow from the smallest to the largest."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks trace")
    parser.add_argument("--full", action="store_true", help="10^6 lots as well, everywhere")
    parser.add_argument("--lots", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--tanks", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--stores", type=int, nargs="*", default=[10_000, 100_000])
    asked = parser.parse_args(argv)
    more = [1_000_000] if asked.full else []
    plain = {str(lots): measure(lots, tanks=False) for lots in [*asked.lots, *more]}
    tanks = {str(lots): measure(lots, tanks=True) for lots in [*asked.tanks, *more]}
    stores: dict[str, Any] = {}
    with trace_stores.databases() as places:
        kinds = ["memory", *places]
        for lots in [*asked.stores, *more]:
            stores[str(lots)] = in_stores(lots, False, places)
        tank_stores = {str(lots): in_stores(lots, True, places) for lots in asked.stores[-1:]}
    rows = [*stores.values()]
    sizes = [*plain.values()]
    largest, smallest = sizes[-1], sizes[0]
    return {
        "recall": largest["recall"],
        "back": largest["back"],
        "budget": 1.5,
        **{kind: {**(rows[-1][kind] if rows else {}), "growth": grown(rows, kind)} for kind in kinds if kind != "memory"},
        "growth": round(largest["recall"]["ratio"] / smallest["recall"]["ratio"], 2),
        "plain": plain,
        "tanks": tanks,
        "stores": stores,
        "stores_with_tanks": tank_stores,
    }
