"""The tables of the books in a database: what the rules ask for are columns with indexes, the rest of a value is its wire form.

Every table begins with the tenant, so many workshops share one database and never meet, and a large one can be partitioned by it.
Amounts are whole steps in 64 bits, instants are microseconds since 1970 in UTC, days are ISO text. Texts compare by code point, as
Python compares them. An `id` says when a row was first written: the number of its commit, shifted, and its place in it.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, PrimaryKeyConstraint, Sequence, Table, Text
from sqlalchemy.sql.expression import false, text

from krafte_core.errors import InvalidInput

PREFIX = "krafte_"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
STEPS = BigInteger()
NAME = Text().with_variant(Text(collation="C"), "postgresql")
NO_ROWID = {"sqlite_with_rowid": False}
# Rows that change in place leave room for their next version on the same page (a "HOT" update writes no index).
ROOMY = {"postgresql_with": {"fillfactor": "70"}}
NAMES = (
    "tenants", "counters", "stamps", "papers", "open_items", "lots", "stocked", "allocations", "bookings", "postings", "moves",
    "nodes", "uses", "diary", "catalogue", "results", "events", "boxes", "waiting",
)  # fmt: skip
"""Every table, without its prefix."""


def checked_name(field: str, given: str) -> str:
    """A table prefix or schema that can stand in a statement.

    Raises:
        InvalidInput: (`invalid_input`) anything but a short name of small letters, digits and `_`.

    >>> checked_name("prefix", "soap_")
    'soap_'
    """
    if not isinstance(given, str) or not _NAME.fullmatch(given):
        raise InvalidInput(field, given, "up to 31 small letters, digits and _, beginning with a letter")
    return given


def tables(prefix: str = PREFIX, schema: str | None = None) -> MetaData:
    """The metadata of the books under a prefix and in a schema of the host's choice; the migrations are checked against it.

    >>> sorted(tables("soap_").tables)[0]
    'soap_allocations'
    """
    checked_name("prefix", prefix)
    if schema is not None:
        checked_name("schema", schema)
    metadata = MetaData(schema=schema)
    Sequence(f"{prefix}commits", metadata=metadata, schema=schema)
    _small(metadata, prefix)
    _papers(metadata, prefix)
    _stock(metadata, prefix)
    _links(metadata, prefix)
    _journal(metadata, prefix)
    _outbox(metadata, prefix)
    return metadata


def _table(metadata: MetaData, prefix: str, name: str, key: str, *parts: Any, **options: Any) -> None:
    tenant = Column("tenant", Integer, nullable=False, autoincrement=False)
    primary = PrimaryKeyConstraint("tenant", *key.split(), name=f"{prefix}{name}_key")
    Table(f"{prefix}{name}", metadata, tenant, *parts, primary, **options)


def _text(*names: str) -> list[Column[Any]]:
    return [Column(name, NAME, nullable=False) for name in names]


def _whole(*names: str) -> list[Column[Any]]:
    return [Column(name, STEPS, nullable=False, autoincrement=False) for name in names]


def _body(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _more() -> Column[Any]:
    """Fields of a row that have no column of their own, in wire form; none is the rule."""
    return Column("more", Text, nullable=True)


def _index(prefix: str, name: str, columns: str, where: str | None = None, *, unique: bool = False) -> Index:
    only = None if where is None else text(where)
    return Index(f"{prefix}{name}", *columns.split(), unique=unique, sqlite_where=only, postgresql_where=only)


def _small(metadata: MetaData, prefix: str) -> None:
    Table(
        f"{prefix}tenants",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", NAME, nullable=False, unique=True),
        *_whole("revision", "catalogue"),
    )
    _table(metadata, prefix, "counters", "series", *_text("series"), *_whole("last"), **NO_ROWID)
    _table(metadata, prefix, "stamps", "name", *_text("name"), *_whole("stamp"), **NO_ROWID, **ROOMY)
    _table(metadata, prefix, "results", "key", *_text("key", "fingerprint"), *_body("body"))
    unique = _index(prefix, "catalogue_id", "tenant id", unique=True)
    _table(metadata, prefix, "catalogue", "kind code", *_text("kind", "code"), *_whole("id"), *_body("body"), unique)


def _papers(metadata: MetaData, prefix: str) -> None:
    _table(
        metadata,
        prefix,
        "papers",
        "number",
        *_text("number", "kind", "party"),
        *_whole("id"),
        Column("closed", Boolean, nullable=False),
        *_body("body"),
        _index(prefix, "papers_kind", "tenant kind id", unique=True),
        _index(prefix, "papers_party", "tenant party kind id"),
        **ROOMY,
    )
    _table(metadata, prefix, "open_items", "kind item number", *_text("kind", "item", "number"),
           _index(prefix, "open_items_number", "tenant number"), **NO_ROWID)  # fmt: skip


def _stock(metadata: MetaData, prefix: str) -> None:
    _table(
        metadata,
        prefix,
        "lots",
        "item code",
        *_text("item", "code", "expires"),
        *_whole("id", "revision", "since"),
        *_body("body"),
        Column("supplier", NAME, nullable=False, server_default=""),
        Column("supplier_lot", NAME, nullable=False, server_default=""),
        Column("noted", Boolean, nullable=False, server_default=false()),
        _index(prefix, "lots_id", "tenant id", unique=True),
        _index(prefix, "lots_since", "tenant since"),
        _index(prefix, "lots_supplier", "tenant supplier supplier_lot", "supplier <> ''"),
        _index(prefix, "lots_origin", "tenant supplier_lot", "supplier_lot <> ''"),
        _index(prefix, "lots_noted", "tenant noted", "noted"),
        **ROOMY,
    )
    _table(
        metadata,
        prefix,
        "stocked",
        "item code place",
        *_text("item", "code", "place"),
        *_whole("on_hand", "allocated"),
        Column("free", Boolean, nullable=False),
        *_text("expires"),
        *_whole("since"),
        _index(prefix, "stocked_place", "tenant place"),
        _index(prefix, "stocked_expiry", "tenant item expires since code place", "free"),
        _index(prefix, "stocked_age", "tenant item since code place", "free"),
        **NO_ROWID,
        **ROOMY,
    )


def _links(metadata: MetaData, prefix: str) -> None:
    _table(
        metadata,
        prefix,
        "allocations",
        "demand line source item ref place",
        *_text("demand", "line", "source", "item", "ref", "place"),
        *_whole("id", "takes", "covers"),
        *_text("firmness"),
        _more(),
        _index(prefix, "allocations_supply", "tenant item ref source"),
        _index(prefix, "allocations_id", "tenant id", unique=True),
    )
    _table(
        metadata,
        prefix,
        "bookings",
        "paper operation",
        *_text("paper", "operation", "work_center"),
        *_whole("id", "starts", "ends"),
        _more(),
        _index(prefix, "bookings_center", "tenant work_center ends"),
        _index(prefix, "bookings_id", "tenant id", unique=True),
    )


def _journal(metadata: MetaData, prefix: str) -> None:
    _table(
        metadata,
        prefix,
        "postings",
        "id",
        *_whole("id", "happened_at", "recorded_at"),
        *_text("kind", "paper", "signed", "reason"),
        _more(),
        _index(prefix, "postings_paper", "tenant paper id", "paper <> ''"),
        _index(prefix, "postings_time", "tenant happened_at"),
        **NO_ROWID,
    )
    _table(
        metadata,
        prefix,
        "moves",
        "id n",
        *_whole("id", "n", "happened_at", "steps"),
        *_text("item", "lot", "source", "target", "line", "demand"),
        _more(),
        _index(prefix, "moves_lot", "tenant item lot happened_at id"),
        _index(prefix, "moves_demand", "tenant demand id", "demand <> ''"),
        **NO_ROWID,
    )
    _genealogy(metadata, prefix)
    _table(
        metadata,
        prefix,
        "diary",
        "id",
        *_whole("id", "written_at"),
        *_text("document", "step", "signed", "reason"),
        _more(),
        _index(prefix, "diary_document", "tenant document id"),
        **NO_ROWID,
    )


def _genealogy(metadata: MetaData, prefix: str) -> None:
    """What runs used and made, in whole numbers: the moves into and out of production, added up per run and lot, found both ways.

    A node is a lot, or a run (its item is empty).
    """
    unique = _index(prefix, "nodes_id", "tenant id", unique=True)
    _table(metadata, prefix, "nodes", "item code", *_text("item", "code"), *_whole("id"), unique, **NO_ROWID)
    of_runs = _index(prefix, "uses_run", "tenant run lot used made")
    of_lots = _index(prefix, "uses_lot", "tenant lot run used made").ddl_if(dialect="postgresql")  # on SQLite the table is sorted so
    _table(metadata, prefix, "uses", "lot run", *_whole("lot", "run", "used", "made"), of_runs, of_lots, **NO_ROWID)


def _outbox(metadata: MetaData, prefix: str) -> None:
    _table(metadata, prefix, "events", "id", *_whole("id"), *_text("document"), *_body("body"))
    _table(metadata, prefix, "boxes", "name", *_text("name"))
    _table(
        metadata,
        prefix,
        "waiting",
        "box id",
        *_text("box"),
        *_whole("id"),
        *_text("document"),
        *_whole("until", "tries"),
        Column("problem", Text, nullable=True),
        _index(prefix, "waiting_document", "tenant box document"),
        _index(prefix, "waiting_out", "tenant box until", "until > 0"),
        **NO_ROWID,
    )
