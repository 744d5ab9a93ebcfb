"""The same genealogies in a SQLite file and on PostgreSQL: the library's tables against one recursive query on a bare table of links.

Filled through `Store.commit`, lots and balances included; then asked through the same index and the same desk as the store in memory.
All are timed in processor time, so that others on the machine count for little: for PostgreSQL that of its processes which work for us
is added, where the system tells it (Linux), else it is timed by the clock.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.databases import server

if TYPE_CHECKING:
    from benchmarks.trace import Key, Plant

DAY = datetime(2026, 1, 1, tzinfo=UTC)
PIECE = 2_000
ROUNDS = 5


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Where they are, by kind; without PostgreSQL on this machine, only SQLite."""
    with tempfile.TemporaryDirectory() as folder, server() as url:
        found = {"sqlite": f"sqlite:///{Path(folder) / 'traces.db'}"}
        yield found | ({"postgresql": url} if url else {})


def changes(plant: Plant) -> Iterator[Any]:
    """The plant's history as commits: catalogue, then lots with their postings in pieces, then what is left of them."""
    from krafte_core.items import Item
    from krafte_core.stock import Lot, Move, Posting
    from krafte_core.store import Changes

    items = [Item(name, unit="kg", kind="finished" if level == "finished" else "material") for level in plant.names
             for name in plant.names[level]]  # fmt: skip
    yield Changes(catalogue={("item", item.code): item for item in items})
    made: dict[Key, str] = {key: run.number for run in plant.runs for key in run.made}
    lots: dict[Key, Lot] = {}
    postings: list[Posting] = []
    for n, run in enumerate(plant.runs):
        at = DAY + timedelta(minutes=n)
        for key in run.used:
            if key not in made:
                made[key] = ""
                lots[key] = Lot(*key, received_at=at, supplier=f"S-{key[0]}", supplier_lot=f"{key[1]}-S")
                postings.append(Posting("receive", "", at, at, (Move(*key, plant.sizes[key], "supplier", "stock"),)))
        lots |= {key: Lot(*key, received_at=at, origin="run", paper=run.number) for key in run.made}
        moves = [Move(*key, steps, "stock", "production") for key, steps in run.used.items()]
        moves += [Move(*key, steps, "production", "stock") for key, steps in run.made.items()]
        postings.append(Posting("run", run.number, at, at, tuple(moves)))
        if len(postings) > PIECE or n == len(plant.runs) - 1:
            yield Changes(lots=lots, lot_guards=dict.fromkeys(lots, 0), postings=postings)
            lots, postings = {}, []
    left = {(*key, "stock"): (steps, 0) for shelf in plant.open.values() for key, steps in shelf if steps and key in made}
    rows = [*left.items()]
    for first in range(0, len(rows), PIECE):
        yield Changes(balances=dict(rows[first : first + PIECE]))


def opened(kind: str, url: str, tenant: str) -> Any:
    """A store that does not wait for the disk."""
    from sqlalchemy import event

    from krafte_core.stores.memory import MemoryStore
    from krafte_core.stores.sql import SqlStore

    if kind == "memory":
        return MemoryStore()
    store = SqlStore(url.replace("traces.db", f"{tenant}.db") if kind == "sqlite" else f"{url}?tenant={tenant}")
    if kind == "sqlite":
        event.listen(store.engine, "connect", lambda connection, record: connection.execute("PRAGMA synchronous = OFF"))
        store.engine.dispose()
    return store


def fill(store: Any, plant: Plant) -> float:
    """Commit the whole history; the seconds it took."""
    start = time.perf_counter()
    for change in changes(plant):
        store.commit(change)
    if (engine := getattr(store, "engine", None)) is not None:
        with engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE")
    return round(time.perf_counter() - start, 2)


def timed(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """The best of some rounds, in milliseconds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best * 1e3


def clock_of(store: Any, kind: str) -> Callable[[], float]:
    """Seconds of processor time of this process, and of the server's for the connections that are open now."""
    if kind != "postgresql":
        return time.process_time
    with store.engine.connect() as connection:
        ours = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database()"
        told = [Path(f"/proc/{row[0]}/schedstat") for row in connection.exec_driver_sql(ours)]
    if not told or not all(path.exists() for path in told):
        return time.perf_counter
    return lambda: time.process_time() + sum(int(path.read_text().split()[0]) for path in told) / 1e9


def bare(store: Any, tenant: str, onward: Sequence[Sequence[int]]) -> Callable[[Iterable[int], str], set[int]]:
    """One recursive query on a table that has links and nothing else, with an index each way."""
    table = f"bare_{tenant}"
    pairs = [(a, b) for a, others in enumerate(onward) for b in others]
    sqlite = store.engine.dialect.name == "sqlite"
    with store.engine.begin() as connection:
        driver = connection.connection.cursor()
        driver.execute(f"CREATE TABLE {table} (a integer, b integer, PRIMARY KEY (a, b)){' WITHOUT ROWID' if sqlite else ''}")
        if sqlite:
            driver.executemany(f"INSERT OR IGNORE INTO {table} VALUES (?, ?)", pairs)  # noqa: S608 - our own name
        else:
            with driver.copy(f"COPY {table} FROM STDIN") as copy:
                for pair in pairs:
                    copy.write_row(pair)
        driver.execute(f"CREATE INDEX {table}_back ON {table} (b, a)")
        driver.execute(f"ANALYZE {table}")

    def ask(starts: Iterable[int], direction: str) -> set[int]:
        one, other = ("a", "b") if direction == "forward" else ("b", "a")
        values = ",".join(f"({start})" for start in starts)
        step = f"SELECT t.{other} FROM found, {table} t WHERE t.{one} = n"  # noqa: S608 - our own names
        query = f"WITH RECURSIVE found(n) AS (VALUES {values} UNION {step}) SELECT n FROM found"  # noqa: S608 - integers
        with store.engine.connect() as connection:
            cursor = connection.connection.cursor()
            cursor.execute(query)
            return {row[0] for row in cursor.fetchall()}

    return ask


def measured(kind: str, store: Any, tenant: str, plant: Plant, world: Any) -> dict[str, Any]:
    """Back, forward, the set of a recall, the same with amounts, and the whole answer of the desk."""
    from krafte_core import Workshop
    from krafte_core.testing import FakeClock
    from krafte_core.trace import reach_in

    seconds = fill(store, plant)
    query = None if kind == "memory" else bare(store, tenant, world.onward)
    numbers = world.numbers

    def asked(names: Sequence[Any], way: str, *, amounts: bool = False) -> Any:
        with store.reading() as reader:
            index = reader.genealogy()
            return reach_in(index, names, way) if amounts else index.scope(names, way)

    def row(questions: Sequence[Sequence[Any]], way: str, *, amounts: bool = False) -> dict[str, Any]:
        rows = []
        links = world.onward if way == "forward" else world.backward
        for names in questions:
            found = {numbers[name] for name in asked(names, way)}
            starts = [numbers[name] for name in names]
            assert found == world.search(links, starts) == (query(starts, way) if query else found)
            clock = clock_of(store, kind)
            mine = timed(lambda: asked(names, way, amounts=amounts), clock)  # noqa: B023 - used at once
            floor = timed(lambda: world.search(links, starts), time.process_time)  # noqa: B023
            peer = timed(lambda: query(starts, way), clock) if query else None  # noqa: B023
            rows.append((mine, floor, peer, len(found)))
        told = {"ms": round(statistics.median(one[0] for one in rows), 3), "nodes": statistics.median(one[3] for one in rows),
                "ratio": round(statistics.median(one[0] / one[1] for one in rows), 1),
                "us_per_node": round(statistics.median(one[0] * 1e3 / one[3] for one in rows), 2)}  # fmt: skip
        if query is not None:
            told["to_recursive_query"] = round(statistics.median(one[0] / one[2] for one in rows if one[2]), 2)
        return told

    desk = Workshop(store, clock=FakeClock("2026-11-23 08:00")).trace
    source = world.heavy[0]
    answer = desk.recall([source])
    whole = timed(lambda: desk.recall([source]), clock_of(store, kind))
    return {
        "build_s": seconds,
        "back": row([[key] for key in world.finished], "back"),
        "forward": row([[key] for key in world.heavy], "forward"),
        "recall": row(world.sources, "forward"),
        "recall_with_amounts": row(world.sources, "forward", amounts=True),
        "desk": {"lots": len(answer.lots), "ms": round(whole, 1), "us_per_lot": round(whole * 1e3 / len(answer.lots), 1)},
    }
