"""Opening a database: whether the tables are there and are ours, and which number the tenant has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.engine import URL

from krafte_core.errors import InvalidInput, WrongSchema
from krafte_core.stores.sql._session import Names, Session, in_our_words
from krafte_core.stores.sql.tables import NAMES, PREFIX, checked_name, tables

VERSION = "0003"
"""The newest migration: what this version of the library works with."""
MAX_TENANT = 200
SETTINGS = ("prefix", "schema", "tenant")
LOCK = 0x6B72616674  # any number will do, if all use the same: who creates tables waits for who creates tables


def opened(connection: Connection, names: Names, tenant: str, *, create: bool, joined: bool) -> int:
    """The number of the tenant; tables and tenant are made where there are none.

    A `joined` connection is in a transaction of the host; another one is in none, and commits by itself.

    Raises:
        WrongSchema: (`wrong_schema`) tables of another version or program, or none and `create` is false.
    """
    if not isinstance(tenant, str) or not 0 < len(tenant) <= MAX_TENANT or not tenant.isprintable():
        raise InvalidInput("tenant", tenant, f"1 to {MAX_TENANT} printable characters")
    with in_our_words("be opened"):
        _check_journal(connection, names)
        found = _number(connection, names, tenant) if version_of(connection, names) == VERSION else None
        return found if found is not None else _made(connection, names, tenant, create=create, joined=joined)


def _check_journal(connection: Connection, names: Names) -> None:
    """Commands write while they read: on SQLite that needs WAL, which is a setting of the file."""
    if names.dialect.name == "sqlite":
        mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
        if mode != "wal":
            raise WrongSchema(f"journal mode {mode}", "journal mode wal", "run `PRAGMA journal_mode = WAL` once on this file")


def version_of(connection: Connection, names: Names) -> str | None:
    """The version of the tables, or None where there are none at all.

    Raises:
        WrongSchema: (`wrong_schema`) tables of our names without a version.
    """
    look = inspect(connection)
    there = {*look.get_table_names(schema=names.schema)}
    if f"{names.prefix}version" not in there:
        ours = sorted(there & {names.prefix + name for name in NAMES})
        if ours:
            named = ", ".join(ours[:3])
            raise WrongSchema(f"tables of another program ({named})", f"version {VERSION}", "use another prefix or schema")
        return None
    rows = connection.exec_driver_sql(names.sql("SELECT version_num FROM {version}")).fetchall()
    return str(rows[0][0]) if rows else None


def check(connection: Connection, names: Names, *, create: bool) -> bool:
    """Whether the tables must be made; they are right or not there.

    Raises:
        WrongSchema: (`wrong_schema`) neither.
    """
    version = version_of(connection, names)
    if version == VERSION:
        return False
    if version is None and create:
        return True
    needed = f"version {VERSION}"
    if version is None:
        raise WrongSchema("no tables of the library", needed, "run krafte_core.stores.sql.migrate, or open with create=True")
    if version < VERSION:
        raise WrongSchema(f"version {version}", needed, "make a backup, then run krafte_core.stores.sql.migrate")
    raise WrongSchema(f"version {version}", needed, "it was written by a newer krafte-core: install that or a later one")


def _number(connection: Connection, names: Names, tenant: str) -> int | None:
    row = Session(connection, names, 0).run("SELECT id FROM {tenants} WHERE name = ?", (tenant,)).fetchone()
    return int(row[0]) if row else None


def _made(connection: Connection, names: Names, tenant: str, *, create: bool, joined: bool) -> int:
    """Make what is missing, while everybody else who wants to do that waits."""
    sqlite = names.dialect.name == "sqlite"
    if not joined:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else "BEGIN")
    try:
        if not sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})").close()
        if check(connection, names, create=create):
            create_tables(connection, names)
        number = _number(connection, names, tenant)
        if number is None:
            sql = "INSERT INTO {tenants} (name, revision, catalogue) VALUES (?, 0, 0) RETURNING id"
            number = int(Session(connection, names, 0).run(sql, (tenant,)).fetchall()[0][0])
    except BaseException:
        if not joined:
            connection.exec_driver_sql("ROLLBACK")
        raise
    if not joined:
        connection.exec_driver_sql("COMMIT")
    return number


def create_tables(connection: Connection, names: Names) -> None:
    """All tables of the present version, as the migrations would make them one after the other."""
    metadata = tables(names.prefix, names.schema)
    metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(names.sql("CREATE TABLE {version} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    Session(connection, names, 0).run("INSERT INTO {version} (version_num) VALUES (?)", (VERSION,)).close()


def migrate(database: str | URL | Engine, *, prefix: str = PREFIX, schema: str | None = None, to: str = VERSION) -> str | None:
    """Bring the tables to the present version, in one transaction; the version they had. Make a backup before.

    With the tables of the newest version it does nothing, with none it makes them.

    Args:
        database: a URL, or an engine of the host.
        prefix: as the store was opened with. schema: the same.
        to: another version than the newest, for trying a migration.

    Raises:
        WrongSchema: (`wrong_schema`) tables of a newer version, or of another program.
    """
    from alembic import command  # noqa: PLC0415 - only migrations need it, and it loads slowly
    from alembic.config import Config  # noqa: PLC0415

    engine = database if isinstance(database, Engine) else create_engine(database)
    names = Names(engine.dialect.name, checked_name("prefix", prefix), schema and checked_name("schema", schema))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("_migrations")))
    try:
        with in_our_words("be migrated"), engine.connect() as connection:
            before = version_of(connection, names)
            connection.rollback()
            if before is not None and before > VERSION:
                check(connection, names, create=False)
            if names.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA journal_mode = WAL").close()
                connection.rollback()
                connection.exec_driver_sql("BEGIN IMMEDIATE").close()
            else:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})").close()
            config.attributes.update(connection=connection, prefix=prefix, schema=schema)
            command.upgrade(config, to)
            connection.commit()
    finally:
        if not isinstance(database, Engine):
            engine.dispose()
    return before


def settings(url: URL) -> dict[str, Any]:
    """What the query of a store's URL says to the store: `prefix`, `schema`, `tenant`, each once; the rest is for the driver.

    >>> from sqlalchemy.engine import make_url
    >>> settings(make_url("sqlite:///shop.db?tenant=anna"))
    {'tenant': 'anna'}
    """
    found = {name: value for name, value in url.query.items() if name in SETTINGS}
    for name, value in found.items():
        if not isinstance(value, str):
            raise InvalidInput("url", name, "prefix, schema and tenant, each once")
    return found
