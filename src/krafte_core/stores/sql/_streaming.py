"""Questions about many rows: which lots, which movements of a time; read piece by piece, so memory does not grow with the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from krafte_core.stock import Sought
from krafte_core.stores.sql._dialects import readable
from krafte_core.stores.sql._session import READ, Session
from krafte_core.stores.sql._values import LARGEST, instant

PIECE = 250
_numbers = count()
_IN_TIME = "FROM {postings} WHERE tenant = ? AND happened_at BETWEEN ? AND ?"
IN_TIME = f"""p.id IN (SELECT id {_IN_TIME} UNION
    SELECT id FROM {{postings}} WHERE tenant = ? AND paper <> '' AND paper IN (SELECT paper {_IN_TIME})) AND p.tenant = ?"""
BEGUN = """CASE WHEN p.paper = '' THEN p.id ELSE
    (SELECT min(f.id) FROM {postings} f WHERE f.tenant = p.tenant AND f.paper = p.paper AND f.paper <> '') END"""


def streamed(session: Session, statement: str, values: Sequence[Any]) -> Iterator[Any]:
    """The rows of a statement, as they are asked for; in a reading transaction only."""
    with READ:
        if session.names.dialect.name == "sqlite":  # its cursor works while it is read
            cursor = session.run(statement, tuple(values))
            while rows := cursor.fetchmany(PIECE):
                yield from rows
            return
        name = f"krafte_rows_{next(_numbers)}"
        session.run(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}", tuple(values)).close()
        while rows := session.run(f"FETCH {PIECE} FROM {name}").fetchall():
            yield from rows
        session.run(f"CLOSE {name}").close()


def window(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """A time in microseconds, open ends included."""
    return -LARGEST if since is None else instant(since), LARGEST if until is None else instant(until)


def in_time(tenant: int, since: datetime | None, until: datetime | None) -> tuple[Any, ...]:
    """The values of `IN_TIME`."""
    return (tenant, *window(since, until), tenant, tenant, *window(since, until), tenant)


def criteria(session: Session, lots: Sought) -> tuple[str, list[Any]] | None:
    """The condition of a question for lots, and its values; None where no lot can meet it."""
    parts: list[str] = ["tenant = ?"]
    values: list[Any] = [session.tenant]
    for name, text in (("supplier", lots.supplier), ("supplier_lot", lots.supplier_lot)):
        if text is not None:
            if not readable([text]):
                return None
            parts.append(f"{name} = ?" + (f" AND {name} <> ''" if text else ""))  # said again: the index leaves empty texts out
            values.append(text)
    for sign, at in ((">=", lots.since), ("<=", lots.until)):
        if at is not None:
            parts.append(f"since {sign} ?")
            values.append(instant(at))
    if lots.noted:
        parts.append("noted AND noted = ?")  # said twice, too
        values.append(True)
    if lots.items is not None:
        items = readable(dict.fromkeys(lots.items))
        if not items:
            return None
        parts.append("item {many}")
        values += session.names.dialect.keys(items)
    return " AND ".join(parts), values
