"""The genealogy in a database: lots and runs are whole numbers there, what a run used and made of a lot is one row, found both ways.

A search is one statement, whatever its depth: `UNION` on the bare number visits nothing twice, so it ends on loops, too. Amounts are
read afterwards, those of all runs at once. Nothing is loaded but the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from krafte_core.items import one_of
from krafte_core.ledger import DIRECTIONS, Gross, Key
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._session import READ, Session
from krafte_core.stores.sql._values import instant

PAGE = 500
"""So many runs are read at once, where all are."""
LESS = {"forward": ("used > {0}made", "made > {0}used"), "back": ("made > {0}used", "used > {0}made")}
"""Per direction: which rows lead from a lot to a run, and which from a run to a lot."""
BEGUN = """EXISTS (SELECT 1 FROM {{nodes}} r CROSS JOIN {{postings}} p WHERE r.tenant = t AND r.id = run
        AND p.tenant = t AND p.paper = r.code AND p.paper <> '' AND p.happened_at <= ? {1})"""
EVER = {"forward": (f"{{0}}used > 0 AND {BEGUN}", "{0}made > 0"), "back": (f"{{0}}made > 0 AND {BEGUN}", "{0}used > 0")}
"""The same for what may have been so at a time, whatever was given back or reversed since: runs must have begun by then."""
STARTS = "SELECT tenant, id, item = '' FROM {{nodes}} WHERE tenant = ? AND (item, code) {{pairs}}"
# CROSS JOIN tells SQLite, OFFSET 0 tells PostgreSQL which table is looked up in which. A condition that says nothing of `found` would
# make SQLite read the whole table into a Bloom filter first, as soon as somebody has run ANALYZE: so each of them does. A node is
# looked up on its own side only, as a lot or as a run.
SEARCH = {
    "sqlite": f"""WITH RECURSIVE found(t, n, is_run) AS ({STARTS}
        UNION SELECT t, u.run, 1 FROM found CROSS JOIN {{{{uses}}}} u WHERE is_run = 0 AND u.tenant = t AND u.lot = n AND {{to_runs}}
        UNION SELECT t, u.lot, 0 FROM found CROSS JOIN {{{{uses}}}} u WHERE is_run = 1 AND u.tenant = t AND u.run = n AND {{to_lots}})
        SELECT l.item, l.code FROM found CROSS JOIN {{{{nodes}}}} l WHERE l.tenant = t AND l.id = n""",
    "postgresql": f"""WITH RECURSIVE found(t, n, is_run) AS ({STARTS}
        UNION SELECT t, u.n, NOT is_run FROM found CROSS JOIN LATERAL (
            (SELECT run AS n FROM {{{{uses}}}} WHERE NOT is_run AND tenant = t AND lot = found.n AND {{to_runs}} OFFSET 0) UNION ALL
            (SELECT lot FROM {{{{uses}}}} WHERE is_run AND tenant = t AND run = found.n AND {{to_lots}} OFFSET 0)) u)
        SELECT l.item, l.code FROM found CROSS JOIN LATERAL (
            SELECT item, code FROM {{{{nodes}}}} WHERE tenant = t AND id = found.n OFFSET 0) l""",
}
LINKED = "u.tenant = r.tenant AND u.run = r.id AND l.tenant = r.tenant AND l.id = u.lot"
NETS = {
    "sqlite": f"""SELECT r.code, l.item, l.code, u.used - u.made FROM {{nodes}} r CROSS JOIN {{uses}} u CROSS JOIN {{nodes}} l
        WHERE r.tenant = ? AND r.item = '' AND r.code {{many}} AND {LINKED}""",
    "postgresql": """SELECT r.code, l.item, l.code, u.net FROM {nodes} r
        CROSS JOIN LATERAL (SELECT lot, used - made AS net FROM {uses} WHERE tenant = r.tenant AND run = r.id OFFSET 0) u
        CROSS JOIN LATERAL (SELECT item, code FROM {nodes} WHERE tenant = r.tenant AND id = u.lot OFFSET 0) l
        WHERE r.tenant = ? AND r.item = '' AND r.code {many}""",
}
EVERY = f"""SELECT r.code, l.item, l.code, u.used, u.made FROM (
        SELECT tenant, id, code FROM {{nodes}} WHERE tenant = ? AND item = '' AND code > ? ORDER BY code LIMIT ?) r
    CROSS JOIN {{uses}} u CROSS JOIN {{nodes}} l WHERE {LINKED} ORDER BY r.code"""


class SqlGenealogy:
    """An `Index` of one moment of the books; see `ledger.Index`."""

    def __init__(self, session: Session) -> None:
        """Over this connection."""
        self._session = session

    def scope(self, sources: Iterable[Key | str], direction: str) -> Collection[Key | str]:
        """See `Index`: one statement."""
        return self._search(LESS[one_of(direction, DIRECTIONS, "direction")], sources)

    def may_find(self, sources: Iterable[Key | str], direction: str, as_of: datetime | None) -> Collection[Key | str]:
        """See `store`: one statement, too."""
        if as_of is None:
            return self.scope(sources, direction)
        return self._search(EVER[one_of(direction, DIRECTIONS, "direction")], sources, instant(as_of))

    def _search(self, steps: tuple[str, str], sources: Iterable[Key | str], *at: int) -> Collection[Key | str]:
        names = readable(dict.fromkeys(("", source) if isinstance(source, str) else source for source in sources))
        if not names:
            return []
        dialect = self._session.names.dialect
        own, alone = ("0 * n + ", "") if dialect.name == "sqlite" else ("", "OFFSET 0")
        to_runs, to_lots = (step.format(own, alone) for step in steps)
        statement = SEARCH[dialect.name].format(to_runs=to_runs, to_lots=to_lots)
        with READ:
            rows = self._session.rows(statement, *dialect.keys(names), *at)
        return [(item, code) if item else code for item, code in rows]

    def nets(self, runs: Iterable[str]) -> Mapping[str, Mapping[Key, int]]:
        """See `Index`: one statement."""
        found: dict[str, dict[Key, int]] = {run: {} for run in runs}
        names, dialect = readable(found), self._session.names.dialect
        if names:
            with READ:
                rows = self._session.rows(NETS[dialect.name], *dialect.keys(names))
            for run, item, lot, steps in rows:
                if steps:
                    found[run][item, lot] = steps
        return found

    def runs(self) -> Iterator[tuple[str, Gross]]:
        """See `store`: page by page, so memory does not grow with the books."""
        last = ""
        while True:
            with READ:
                rows: list[Any] = [*self._session.rows(EVERY, last, PAGE)]
            if not rows:
                return
            for run, lines in groupby(rows, key=itemgetter(0)):
                yield run, {(item, lot): (used, made) for _, item, lot, used, made in lines}
            last = rows[-1][0]
