"""The floor of `benchmarks stores`: the statements that the flow cannot do without, through the bare drivers, with nothing decided.

It writes the same rows into the same tables as the library does for the same commands, and reads what a program must read that
keeps nothing in mind: the papers and links that it changes, and the first free lots of what it needs. Values are texts of the usual
size. Nothing is checked but that no balance becomes negative.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Sequence
from typing import Any

BODY = {"order": "x" * 900, "production": "x" * 1600, "shipment": "x" * 700, "lot": "x" * 420, "event": "x" * 180}
AT = 1_795_000_000_000_000
SHIFT = 20
Rows = Sequence[tuple[Any, ...]]


class Bare:
    """A bare connection to the tables of a workshop, and the statements on them."""

    def __init__(self, url: str, *, durable: bool = False) -> None:
        """Make the tables, and connect past the library; what is not `durable` does not wait for the disk."""
        from krafte_core.stores.sql import SqlStore

        store = SqlStore(url)
        self.tenant, self.sqlite = store._tenant, url.startswith("sqlite")
        store.close()
        self.db: Any
        if self.sqlite:
            self.db = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
            self.db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'OFF'}")
        else:
            import psycopg

            plain = url.partition("?")[0].replace("postgresql+psycopg", "postgresql")
            self.db = psycopg.connect(plain, autocommit=True, prepare_threshold=2)
        self.commit = 0

    def close(self) -> None:
        """Let go."""
        self.db.close()

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """The rows of a question about the tenant."""
        rows: list[Any] = self.db.execute(self._sql(sql), (self.tenant, *values)).fetchall()
        return rows

    def put(self, sql: str, rows: Rows) -> int:
        """The same statement for every row: how many it met."""
        if not rows:
            return 0
        cursor = self.db.cursor()
        cursor.executemany(self._sql(sql), [(self.tenant, *row) for row in rows])
        return int(cursor.rowcount)

    def begin(self) -> None:
        """A transaction, and its number."""
        self.db.execute("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")
        if self.sqlite:
            sql = "UPDATE krafte_tenants SET revision = revision + 1 WHERE id = ? RETURNING revision"
        else:
            sql = "SELECT nextval('krafte_commits') FROM (SELECT %s) AS t"
        self.commit = self.db.execute(sql, (self.tenant,)).fetchall()[0][0] << SHIFT

    def end(self) -> None:
        """Commit."""
        self.db.execute("COMMIT")

    def number(self, series: str) -> str:
        """A document number."""
        sql = """INSERT INTO krafte_counters (tenant, series, last) VALUES (?, ?, 1)
            ON CONFLICT (tenant, series) DO UPDATE SET last = krafte_counters.last + 1 RETURNING last"""
        row = self.db.execute(self._sql(sql), (self.tenant, series)).fetchone()
        return f"{series}-{row[0]:03d}"

    def _sql(self, sql: str) -> str:
        return sql if self.sqlite else sql.replace("?", "%s")

    # rows -------------------------------------------------------------------------------------------------------------

    def papers(self, kind: str, numbers: Sequence[str], items: Sequence[tuple[str, str]] = ()) -> None:
        """New papers, under the items that they name."""
        flag = 0 if self.sqlite else False
        rows = [(number, kind, "web", self.commit + n, flag, BODY[kind]) for n, number in enumerate(numbers)]
        self.put("INSERT INTO krafte_papers (tenant, number, kind, party, id, closed, body) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self.put("INSERT INTO krafte_stamps (tenant, name, stamp) VALUES (?, ?, 1)", [(number,) for number in numbers])
        listed = [(kind, item, number) for number, item in items]
        self.put("INSERT INTO krafte_open_items (tenant, kind, item, number) VALUES (?, ?, ?, ?)", listed)

    def touch(self, *names: str) -> None:
        """Move stamps."""
        self.put("UPDATE krafte_stamps SET stamp = stamp + 1 WHERE tenant = ? AND name = ?", [(name,) for name in sorted(names)])

    def told(self, *rows: tuple[str, str]) -> None:
        """A line in the diary and an event per document."""
        lines = [(self.commit + n, AT, document, step, "", "") for n, (document, step) in enumerate(rows)]
        sql = "INSERT INTO krafte_diary (tenant, id, written_at, document, step, signed, reason) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self.put(sql, lines)
        events = [(self.commit + n, document, BODY["event"]) for n, (document, _) in enumerate(rows)]
        self.put("INSERT INTO krafte_events (tenant, id, document, body) VALUES (?, ?, ?, ?)", events)

    def link(self, demand: str, rows: Rows, firmness: str = "reserved") -> None:
        """Links of a demand: line, source, item, ref, place, steps."""
        sql = """INSERT INTO krafte_allocations (tenant, demand, line, source, item, ref, place, id, takes, covers, firmness)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
        self.put(sql, [(demand, *row[:5], self.commit + n, row[5], row[5], firmness) for n, row in enumerate(rows)])

    def unlink(self, demand: str) -> None:
        """Take the links of a demand away."""
        self.put("DELETE FROM krafte_allocations WHERE tenant = ? AND demand = ?", [(demand,)])

    def allocate(self, rows: Rows) -> bool:
        """Promise steps of lots, if they are free: steps, item, lot, place; whether all were."""
        sql = """UPDATE krafte_stocked SET allocated = allocated + ?, free = on_hand > allocated + ?
            WHERE tenant = ? AND item = ? AND code = ? AND place = ? AND on_hand >= allocated + ?"""
        given = [(steps, steps, self.tenant, item, lot, place, steps) for steps, item, lot, place in rows]
        cursor = self.db.cursor()
        cursor.executemany(self._sql(sql), given)
        return int(cursor.rowcount) == len(given)

    def stock(self, rows: Rows) -> None:
        """New balance rows: item, lot, place, on hand, allocated."""
        no = 0 if self.sqlite else False
        sql = """INSERT INTO krafte_stocked (tenant, item, code, place, on_hand, allocated, free, expires, since)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
        self.put(sql, [(*row[:5], no if row[3] == row[4] else not no, "9999-12-31", AT) for row in rows])

    def take(self, rows: Rows) -> None:
        """Take allocated steps from where they stand: item, lot, place, steps."""
        sql = """UPDATE krafte_stocked SET on_hand = on_hand - ?, allocated = allocated - ?
            WHERE tenant = ? AND item = ? AND code = ? AND place = ?"""
        given = [(steps, steps, self.tenant, item, lot, place) for item, lot, place, steps in rows]
        self.db.cursor().executemany(self._sql(sql), given)
        sql = "DELETE FROM krafte_stocked WHERE tenant = ? AND item = ? AND code = ? AND place = ? AND on_hand = 0"
        self.put(sql, [row[:3] for row in rows])

    def post(self, kind: str, paper: str, rows: Rows, place: int = 0) -> None:
        """A posting with its moves: item, lot, steps, source, target, line."""
        sql = """INSERT INTO krafte_postings (tenant, id, happened_at, recorded_at, kind, paper, signed, reason)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)"""
        self.put(sql, [(self.commit + place, AT, AT, kind, paper, "", "")])
        sql = """INSERT INTO krafte_moves (tenant, id, n, happened_at, steps, item, lot, source, target, line, demand)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
        given = [
            (self.commit + place, n, AT, steps, item, lot, source, target, line, line.partition("/")[0])
            for n, (item, lot, steps, source, target, line) in enumerate(rows)
        ]
        self.put(sql, given)


class Floor(Bare):
    """The whole flow, order by order."""

    def __init__(self, url: str, load: dict[str, Any]) -> None:
        """With the problem's lots in stock."""
        super().__init__(url)
        self.recipes = load["recipes"]
        self.moves = 0
        self.begin()
        lots = [(item, lot, steps) for item, rows in load["lots"].items() for lot, steps in rows]
        self.lots([row[:2] for row in lots])
        self.stock([(item, lot, "stock", steps, 0) for item, lot, steps in lots])
        self.end()

    def lots(self, keys: Rows) -> None:
        """New lots."""
        sql = "INSERT INTO krafte_lots (tenant, item, code, expires, id, revision, since, body) VALUES (?, ?, ?, ?, ?, 1, ?, ?)"
        self.put(sql, [(*key, "9999-12-31", self.commit + n, AT, BODY["lot"]) for n, key in enumerate(keys)])

    def genealogy(self, run: str, rows: Rows) -> None:
        """What a run used and made: item, lot, steps used, steps made."""
        names = [("", run), *(row[:2] for row in rows)]
        sql = "INSERT INTO krafte_nodes (tenant, item, code, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
        self.put(sql, [(*name, self.commit + n) for n, name in enumerate(names)])
        sql = """INSERT INTO krafte_uses (tenant, lot, run, used, made) SELECT l.tenant, l.id, r.id, ?, ?
            FROM krafte_nodes l JOIN krafte_nodes r ON r.tenant = l.tenant AND r.item = ''
            WHERE l.tenant = ? AND l.item = ? AND l.code = ? AND r.code = ?"""
        self.db.cursor().executemany(self._sql(sql), [(*row[2:], self.tenant, *row[:2], run) for row in rows])

    def free(self, items: Sequence[str]) -> dict[str, list[Any]]:
        """The first free lots of each item, in the order of picking."""
        sql = """SELECT s.code, s.place, s.on_hand - s.allocated, l.body FROM krafte_stocked s
            JOIN krafte_lots l ON l.tenant = s.tenant AND l.item = s.item AND l.code = s.code
            WHERE s.tenant = ? AND s.item = ? AND s.free ORDER BY s.expires, s.since, s.code, s.place LIMIT 16"""
        return {item: self.ask(sql, item) for item in items}

    def run(self, orders: Sequence[tuple[str, int]]) -> None:
        """Place, check, confirm, start, complete and ship every order."""
        for product, pieces in orders:
            needs = [(item, steps * pieces) for item, steps in self.recipes[product]]
            order = self._place(product)
            self.free([product, *(item for item, _ in needs)])  # check
            run, taken = self._confirm(order, product, pieces, needs)
            self._start(run, taken)
            self._complete(run, order, product, pieces, taken)
            self._ship(order, product, run, pieces)
            self.moves += 2 * len(taken) + 2

    def _paper(self, number: str) -> None:
        self.ask("SELECT body FROM krafte_papers WHERE tenant = ? AND number = ?", number)
        self.ask("SELECT stamp FROM krafte_stamps WHERE tenant = ? AND name = ?", number)
        self.ask("SELECT step FROM krafte_diary WHERE tenant = ? AND document = ?", number)

    def _place(self, product: str) -> str:
        number = self.number("CO")
        self.begin()
        self.papers("order", [number], [(number, product)])
        self.told((number, "place"))
        self.end()
        return number

    def _confirm(self, order: str, product: str, pieces: int, needs: Rows) -> tuple[str, Rows]:
        self._paper(order)
        found = self.free([product, *(item for item, _ in needs)])
        taken = []
        for item, steps in needs:
            for lot, place, free, _ in found[item]:
                part = min(steps, free)
                taken.append((part, item, lot, place))
                steps -= part  # noqa: PLW2901 - what is still needed
                if not steps:
                    break
        run = self.number("PB")
        self.begin()
        self.papers("production", [run], [(run, product)])
        self.touch(order)
        if not self.allocate(sorted(taken, key=lambda row: row[1:])):
            raise SystemExit("the floor ran out of stock")
        self.link(run, [(item, "lot", item, lot, place, steps) for steps, item, lot, place in taken])
        self.commit += len(taken)
        self.link(order, [("1", "run", product, run, "", pieces)], "pegged")
        self.told((order, "confirm"), (run, "plan"))
        self.end()
        return run, taken

    def _links(self, number: str) -> None:
        self.ask("SELECT * FROM krafte_allocations WHERE tenant = ? AND demand = ? ORDER BY id", number)

    def _start(self, run: str, taken: Rows) -> None:
        self._paper(run)
        self._links(run)
        self.begin()
        line = f"line:{run}"
        self.post("start", run, [(item, lot, steps, place, line, f"{run}/{item}") for steps, item, lot, place in taken])
        self.take([(item, lot, place, steps) for steps, item, lot, place in taken])
        self.stock([(item, lot, line, steps, steps) for steps, item, lot, _ in taken])
        self.unlink(run)
        self.link(run, [(item, "lot", item, lot, line, steps) for steps, item, lot, _ in taken], "picked")
        self.touch(run)
        self.told((run, "start"))
        self.end()

    def _complete(self, run: str, order: str, product: str, pieces: int, taken: Rows) -> None:
        self._paper(run)
        self._links(run)
        self.begin()
        line, made = f"line:{run}", f"L-{run}"
        self.post("use", run, [(item, lot, steps, line, "production", f"{run}/{item}") for steps, item, lot, _ in taken])
        self.post("make", run, [(product, made, pieces, "production", "stock", "")], 1)
        self.genealogy(run, [(item, lot, steps, 0) for steps, item, lot, _ in taken] + [(product, made, 0, pieces)])
        self.take([(item, lot, line, steps) for steps, item, lot, _ in taken])
        self.lots([(product, made)])
        self.stock([(product, made, "stock", pieces, pieces)])
        self.unlink(run)
        self.unlink(order)
        self.link(order, [("1", "lot", product, made, "stock", pieces)])
        self.put("UPDATE krafte_papers SET closed = NOT closed WHERE tenant = ? AND number = ?", [(run,)])
        self.put("DELETE FROM krafte_open_items WHERE tenant = ? AND number = ?", [(run,)])
        self.touch(run, order)
        self.told((run, "complete"), (f"lot {product} {made}", "made"))
        self.end()

    def _ship(self, order: str, product: str, run: str, pieces: int) -> None:
        self._paper(order)
        self._links(order)
        number, made = self.number("SH"), f"L-{run}"
        self.begin()
        self.papers("shipment", [number])
        self.post("ship", number, [(product, made, pieces, "stock", "customer", f"{order}/1")])
        self.take([(product, made, "stock", pieces)])
        self.unlink(order)
        self.touch(order)
        self.told((order, "ship"))
        self.end()


class Hot(Bare):
    """Orders for hot items, confirmed from stock."""

    def __init__(self, url: str, items: int = 0, *, durable: bool = False) -> None:
        """With so many items in stock."""
        super().__init__(url, durable=durable)
        if items:
            self.begin()
            self.stock([(f"H{n:02d}", "L-1", "stock", 10**12, 0) for n in range(items)])
            self.end()

    def confirm(self, seed: int, seconds: float, hot: int, lines: int) -> int:
        """How many orders are placed and confirmed in so many seconds; each takes its lots in sorted order."""
        rnd, done = random.Random(seed), 0
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            items = sorted(f"H{n:02d}" for n in rnd.sample(range(hot), lines))
            number = self.number("CO")
            self.begin()
            self.papers("order", [number], [(number, item) for item in items])
            self.told((number, "place"))
            self.end()
            self.begin()
            self.touch(number)
            if not self.allocate([(1, item, "L-1", "stock") for item in items]):
                raise SystemExit("the floor ran out of stock")
            self.link(number, [(str(n), "lot", item, "L-1", "stock", 1) for n, item in enumerate(items)])
            self.told((number, "confirm"))
            self.end()
            done += 1
        return done


# history ------------------------------------------------------------------------------------------------------------------

NUMBERS = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) ",
    "postgresql": "WITH s AS (SELECT generate_series(1, {count}) AS n) ",
}


def age(store: Any, movements: int) -> None:
    """Years of history: lots that were used up, papers that are closed, their postings with ten moves each, their diary."""
    kind = store.engine.dialect.name
    tenant, count = store._tenant, movements // 10
    yes = 1 if kind == "sqlite" else "true"
    materials = "'M' || substr('0' || (n - n / 40 * 40), -2)" if kind == "sqlite" else "'M' || lpad((n - n / 40 * 40)::text, 2, '0')"
    statements = [
        f"""INSERT INTO krafte_lots (tenant, item, code, expires, id, revision, since, body)
            SELECT {tenant}, {materials}, 'old-' || n, '2020-01-01', -n, 1, {AT} - n, '{BODY["lot"]}' FROM s""",
        f"""INSERT INTO krafte_papers (tenant, number, kind, party, id, closed, body)
            SELECT {tenant}, 'old-' || n, 'production', 'web', -n, {yes}, '{BODY["production"]}' FROM s""",
        f"INSERT INTO krafte_stamps (tenant, name, stamp) SELECT {tenant}, 'old-' || n, 3 FROM s",
        f"""INSERT INTO krafte_postings (tenant, id, happened_at, recorded_at, kind, paper, signed, reason)
            SELECT {tenant}, -n, {AT} - n, {AT} - n, 'use', 'old-' || n, '', '' FROM s""",
        f"""INSERT INTO krafte_diary (tenant, id, written_at, document, step, signed, reason)
            SELECT {tenant}, -n, {AT} - n, 'old-' || n, 'complete', '', '' FROM s""",
        f"""INSERT INTO krafte_moves (tenant, id, n, happened_at, steps, item, lot, source, target, line, demand)
            SELECT {tenant}, -n, m.k, {AT} - n, 5, {materials}, 'old-' || n, 'line:old-' || n, 'production', '', 'old-' || n
            FROM s, (SELECT 0 AS k UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4
                UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) m""",
    ]
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        for statement in statements:
            insert, _, rest = statement.partition("SELECT")
            numbers = NUMBERS[kind].format(count=count)
            connection.exec_driver_sql(f"{insert}{numbers}SELECT{rest}")
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("ANALYZE")
