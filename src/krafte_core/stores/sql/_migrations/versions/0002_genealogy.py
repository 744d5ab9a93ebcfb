"""The genealogy in whole numbers, and what lots and postings are looked up by for a trace.

A migration never changes: it has the tables as they were then, not as `tables.py` has them now.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0002"
down_revision = "0001"

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
PAGE = 1_000
INDEXES = [
    ("lots_since", "lots", "tenant since", ""),
    ("lots_supplier", "lots", "tenant supplier supplier_lot", "supplier <> ''"),
    ("lots_origin", "lots", "tenant supplier_lot", "supplier_lot <> ''"),
    ("lots_noted", "lots", "tenant noted", "noted"),
    ("postings_time", "postings", "tenant happened_at", ""),
]
LOTS = """SELECT DISTINCT tenant, item, lot AS code FROM {moves} WHERE 'production' IN (source, target)"""
RUNS = """SELECT DISTINCT p.tenant, '' AS item, p.paper AS code FROM {postings} p JOIN {moves} m ON m.tenant = p.tenant AND m.id = p.id
    WHERE 'production' IN (m.source, m.target)"""
NODES = f"""INSERT INTO {{nodes}} (tenant, item, code, id)
    SELECT tenant, item, code, -row_number() OVER (ORDER BY tenant, item, code) FROM ({LOTS} UNION ALL {RUNS}) n"""
USES = """INSERT INTO {uses} (tenant, lot, run, used, made)
    SELECT m.tenant, l.id, r.id, sum(CASE WHEN m.target = 'production' THEN m.steps ELSE 0 END),
        sum(CASE WHEN m.target = 'production' THEN 0 ELSE m.steps END)
    FROM {moves} m JOIN {postings} p ON p.tenant = m.tenant AND p.id = m.id
        JOIN {nodes} l ON l.tenant = m.tenant AND l.item = m.item AND l.code = m.lot
        JOIN {nodes} r ON r.tenant = p.tenant AND r.item = '' AND r.code = p.paper
    WHERE 'production' IN (m.source, m.target) GROUP BY m.tenant, l.id, r.id"""


def upgrade() -> None:
    """Make the tables and indexes, and fill them from the ledger and the lots."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    names = {name: f"{schema}.{prefix}{name}" if schema else prefix + name for name in ("lots", "moves", "postings", "nodes", "uses")}
    for column in (
        sa.Column("supplier", NAME, nullable=False, server_default=""),
        sa.Column("supplier_lot", NAME, nullable=False, server_default=""),
        sa.Column("noted", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column(f"{prefix}lots", column, schema=schema)
    _found_by(names["lots"])
    _table(prefix, schema, "nodes", [("item", NAME), ("code", NAME), ("id", sa.BigInteger())], ["item", "code"])
    _table(prefix, schema, "uses", [(name, sa.BigInteger()) for name in ("lot", "run", "used", "made")], ["lot", "run"])
    op.execute(NODES.format_map(names))
    op.execute(USES.format_map(names))
    op.create_index(f"{prefix}nodes_id", f"{prefix}nodes", ["tenant", "id"], unique=True, schema=schema)
    op.create_index(f"{prefix}uses_run", f"{prefix}uses", ["tenant", "run", "lot", "used", "made"], schema=schema)
    for name, table, columns, where in INDEXES:
        only = sa.text(where) if where else None
        op.create_index(
            f"{prefix}{name}", f"{prefix}{table}", columns.split(), schema=schema, sqlite_where=only, postgresql_where=only
        )  # fmt: skip


def _table(prefix: str, schema: str | None, name: str, columns: list[tuple[str, Any]], key: list[str]) -> None:
    made = [sa.Column(column, kind, nullable=False, autoincrement=False) for column, kind in [("tenant", sa.Integer()), *columns]]
    primary = sa.PrimaryKeyConstraint("tenant", *key, name=f"{prefix}{name}_key")
    op.create_table(f"{prefix}{name}", *made, primary, schema=schema, sqlite_with_rowid=False)


def _found_by(lots: str) -> None:
    """What a lot says of its supplier, and whether it has attributes, out of its wire form: page by page."""
    bind = op.get_bind()
    read = sa.text(f"SELECT tenant, id, body FROM {lots} WHERE (tenant, id) > (:tenant, :id) ORDER BY tenant, id LIMIT {PAGE}")
    write = sa.text(
        f"UPDATE {lots} SET supplier = :supplier, supplier_lot = :supplier_lot, noted = :noted WHERE tenant = :tenant AND id = :id"
    )
    last: dict[str, Any] = {"tenant": -1, "id": 0}
    while rows := bind.execute(read, last).fetchall():
        changed = []
        for tenant, number, body in rows:
            told = json.loads(body)["value"]
            supplier, his, noted = told.get("supplier") or "", told.get("supplier_lot") or "", bool(told.get("attributes"))
            if supplier or his or noted:
                changed.append({"tenant": tenant, "id": number, "supplier": supplier, "supplier_lot": his, "noted": noted})
        if changed:
            bind.execute(write, changed)
        last = {"tenant": rows[-1][0], "id": rows[-1][1]}
