"""The first version of the tables.

A migration never changes: it has the tables as they were then, not as `tables.py` has them now.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KINDS: dict[str, Any] = {"number": sa.Integer(), "whole": sa.BigInteger(), "flag": sa.Boolean(), "name": NAME, "text": sa.Text()}
TABLES: dict[str, tuple[str, str, str]] = {
    "counters": ("series name, last whole", "series", "clustered"),
    "stamps": ("name name, stamp whole", "name", "clustered roomy"),
    "results": ("key name, fingerprint name, body text", "key", ""),
    "catalogue": ("kind name, code name, id whole, body text", "kind code", ""),
    "papers": ("number name, kind name, party name, id whole, closed flag, body text", "number", "roomy"),
    "open_items": ("kind name, item name, number name", "kind item number", "clustered"),
    "lots": ("item name, code name, expires name, id whole, revision whole, since whole, body text", "item code", "roomy"),
    "stocked": (
        "item name, code name, place name, on_hand whole, allocated whole, free flag, expires name, since whole",
        "item code place",
        "clustered roomy",
    ),
    "allocations": (
        "demand name, line name, source name, item name, ref name, "
        "place name, id whole, takes whole, covers whole, firmness name, more text?",
        "demand line source item ref place",
        "",
    ),
    "bookings": (
        "paper name, operation name, work_center name, id whole, starts whole, ends whole, more text?",
        "paper operation",
        "",
    ),
    "postings": (
        "id whole, happened_at whole, recorded_at whole, kind name, paper name, signed name, reason name, more text?",
        "id",
        "clustered",
    ),
    "moves": (
        "id whole, n whole, happened_at whole, steps whole, item name, "
        "lot name, source name, target name, line name, demand name, more text?",
        "id n",
        "clustered",
    ),
    "diary": ("id whole, written_at whole, document name, step name, signed name, reason name, more text?", "id", "clustered"),
    "events": ("id whole, document name, body text", "id", ""),
    "boxes": ("name name", "name", ""),
    "waiting": ("box name, id whole, document name, until whole, tries whole, problem text?", "box id", "clustered"),
}
INDEXES = [
    ("catalogue_id", "catalogue", "tenant id", True, ""),
    ("papers_kind", "papers", "tenant kind id", True, ""),
    ("papers_party", "papers", "tenant party kind id", False, ""),
    ("open_items_number", "open_items", "tenant number", False, ""),
    ("lots_id", "lots", "tenant id", True, ""),
    ("stocked_age", "stocked", "tenant item since code place", False, "free"),
    ("stocked_expiry", "stocked", "tenant item expires since code place", False, "free"),
    ("stocked_place", "stocked", "tenant place", False, ""),
    ("allocations_id", "allocations", "tenant id", True, ""),
    ("allocations_supply", "allocations", "tenant item ref source", False, ""),
    ("bookings_center", "bookings", "tenant work_center ends", False, ""),
    ("bookings_id", "bookings", "tenant id", True, ""),
    ("postings_paper", "postings", "tenant paper id", False, "paper <> ''"),
    ("moves_demand", "moves", "tenant demand id", False, "demand <> ''"),
    ("moves_lot", "moves", "tenant item lot happened_at id", False, ""),
    ("diary_document", "diary", "tenant document id", False, ""),
    ("waiting_document", "waiting", "tenant box document", False, ""),
    ("waiting_out", "waiting", "tenant box until", False, "until > 0"),
]


def upgrade() -> None:
    """Make every table and index; on PostgreSQL the sequence that numbers commits, too."""
    prefix, schema = context.config.attributes["prefix"], context.config.attributes["schema"]
    if op.get_bind().dialect.name == "postgresql":
        op.execute(sa.schema.CreateSequence(sa.Sequence(f"{prefix}commits", schema=schema)))
    op.create_table(
        f"{prefix}tenants",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", NAME, nullable=False, unique=True),
        sa.Column("revision", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("catalogue", sa.BigInteger(), nullable=False, autoincrement=False),
        schema=schema,
    )
    for name, (columns, key, options) in TABLES.items():
        made: list[sa.Column[Any]] = [sa.Column("tenant", sa.Integer(), nullable=False, autoincrement=False)]
        for column in columns.split(", "):
            own, _, kind = column.partition(" ")
            made.append(sa.Column(own, KINDS[kind.rstrip("?")], nullable=kind.endswith("?"), autoincrement=False))
        primary = sa.PrimaryKeyConstraint("tenant", *key.split(), name=f"{prefix}{name}_key")
        given: dict[str, Any] = {"sqlite_with_rowid": False} if "clustered" in options else {}
        roomy: dict[str, Any] = {"postgresql_with": {"fillfactor": "70"}} if "roomy" in options else {}
        op.create_table(f"{prefix}{name}", *made, primary, schema=schema, **given, **roomy)
    for name, table, columns, unique, where in INDEXES:
        only = sa.text(where) if where else None
        fields = columns.split()
        op.create_index(
            f"{prefix}{name}", f"{prefix}{table}", fields, unique=unique, schema=schema, sqlite_where=only, postgresql_where=only
        )  # fmt: skip
