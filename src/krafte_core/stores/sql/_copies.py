"""The genealogy beside the ledger that it is a copy of: which rows differ, and all of them made anew.

Compared in the database, which sorts on its disk where it must; only what differs is brought here, row by row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krafte_core.stock import PRODUCTION
from krafte_core.stores.sql._session import READ, Session
from krafte_core.stores.sql._streaming import streamed

MOVED = f"""FROM {{moves}} m JOIN {{postings}} p ON p.tenant = m.tenant AND p.id = m.id
    WHERE m.tenant = ? AND '{PRODUCTION}' IN (m.source, m.target)"""
USED, MADE = (f"CASE WHEN m.target = '{PRODUCTION}' THEN {value} END" for value in ("m.steps ELSE 0", "0 ELSE m.steps"))
DIFFERENT = f"""SELECT item, code, run, sum(used), sum(made), sum(kept_used), sum(kept_made) FROM (
        SELECT m.item AS item, m.lot AS code, p.paper AS run, {USED} AS used, {MADE} AS made, 0 AS kept_used, 0 AS kept_made {MOVED}
        UNION ALL SELECT coalesce(l.item, ''), coalesce(l.code, '#' || u.lot), coalesce(r.code, '#' || u.run), 0, 0, u.used, u.made
        FROM {{uses}} u LEFT JOIN {{nodes}} l ON l.tenant = u.tenant AND l.id = u.lot
            LEFT JOIN {{nodes}} r ON r.tenant = u.tenant AND r.id = u.run AND r.item = ''
        WHERE u.tenant = ?) both_sides
    GROUP BY item, code, run HAVING sum(used) <> sum(kept_used) OR sum(made) <> sum(kept_made) ORDER BY item, code, run"""
"""What runs used and made by the ledger beside the same by the copy, where they differ; a number without a name is told as `#17`."""
UNUSED = """SELECT item, code FROM {nodes} n WHERE tenant = ? AND NOT EXISTS (
        SELECT 1 FROM {uses} u WHERE u.tenant = n.tenant AND u.lot = n.id AND n.item <> '') AND NOT EXISTS (
        SELECT 1 FROM {uses} u WHERE u.tenant = n.tenant AND u.run = n.id AND n.item = '') ORDER BY item, code"""
"""Names with a number that nothing uses."""
LOCK = "LOCK TABLE {nodes}, {uses} IN SHARE ROW EXCLUSIVE MODE"
GONE = ("DELETE FROM {uses} WHERE tenant = ?", "DELETE FROM {nodes} WHERE tenant = ?")
NODES = f"""INSERT INTO {{nodes}} (tenant, item, code, id) SELECT ?, item, code, -row_number() OVER (ORDER BY item, code) FROM (
    SELECT m.item AS item, m.lot AS code {MOVED} UNION SELECT '', p.paper {MOVED}) names"""
USES = f"""INSERT INTO {{uses}} (tenant, lot, run, used, made) SELECT l.tenant, l.id, r.id, sum(s.used), sum(s.made) FROM (
        SELECT m.item AS item, m.lot AS code, p.paper AS run, {USED} AS used, {MADE} AS made {MOVED}) s
    JOIN {{nodes}} l ON l.tenant = ? AND l.item = s.item AND l.code = s.code
    JOIN {{nodes}} r ON r.tenant = ? AND r.item = '' AND r.code = s.run GROUP BY l.tenant, l.id, r.id"""


def astray(session: Session) -> Iterator[str]:
    """Every row of the genealogy that is not what the ledger says, as a sentence."""
    tenant = session.tenant
    for item, code, run, *steps in streamed(session, DIFFERENT, (tenant, tenant)):
        used, made, kept_used, kept_made = map(int, steps)
        by_ledger = f"by the ledger {run or 'no run'} used {used} and made {made} steps of {item or 'a lot'} {code}"
        yield f"genealogy: {by_ledger}, by the copy {kept_used} and {kept_made}"
    for item, code in streamed(session, UNUSED, (tenant,)):
        yield f"genealogy: the copy has {f'{item} {code}' if item else f'run {code}'}, which nothing was used for"


def copied_anew(session: Session) -> int:
    """Make the genealogy anew from the ledger, if any row of it differs; how many did. In a transaction that writes."""
    tenant = session.tenant
    with READ:
        if session.names.dialect.name == "postgresql":  # other writers would add to rows that are about to be gone
            session.run(LOCK).close()
        different = sum(1 for _ in astray(session))
        if different:
            statements: list[tuple[str, tuple[Any, ...]]] = [(statement, (tenant,)) for statement in GONE]
            for statement, values in [*statements, (NODES, (tenant,) * 3), (USES, (tenant,) * 3)]:
                session.run(statement, values).close()
    return different
