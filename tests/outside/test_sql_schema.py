"""Opening a database: what is made, what is refused, how it is brought to the present version; names from outside."""

from __future__ import annotations

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from krafte_core import Item, Workshop
from krafte_core.errors import InvalidInput, StoreFailed, WrongSchema
from krafte_core.stores.sql import SqlStore, migrate
from krafte_core.stores.sql._schema import VERSION
from krafte_core.stores.sql.tables import tables
from krafte_core.testing import FakeClock

PREFIX = "soap_"


@pytest.fixture
def engine(url):
    made = create_engine(url.partition("?")[0])
    yield made
    made.dispose()


@pytest.fixture
def home(engine):
    """Where the tables go: on PostgreSQL into a schema of this test."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        yield None
        return
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA trial")
    yield "trial"
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA trial CASCADE")


def opened(engine, home, **wishes):
    return SqlStore(engine, prefix=PREFIX, schema=home, **wishes)


def shape(engine, home):
    """Everything about the tables that a database tells."""
    look = inspect(engine)
    return {
        name: (
            [(one["name"], str(one["type"]), one["nullable"]) for one in look.get_columns(name, schema=home)],
            look.get_pk_constraint(name, schema=home)["constrained_columns"],
            sorted((one["name"], one["column_names"], one["unique"], _where(one)) for one in look.get_indexes(name, schema=home)),
            look.get_table_options(name, schema=home) if engine.dialect.name == "sqlite" else {},
        )
        for name in look.get_table_names(schema=home)
    }


def _where(index):
    return str(next((value for name, value in index["dialect_options"].items() if name.endswith("_where")), ""))


def set_version(engine, home, version):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {home + '.' if home else ''}{PREFIX}version SET version_num = '{version}'")


# migrations -------------------------------------------------------------------------------------------------------------


def test_the_migrations_make_what_the_metadata_says(engine, home):
    assert migrate(engine, prefix=PREFIX, schema=home) is None
    with engine.connect() as connection:
        known = ["version", *(["uses_lot"] if engine.dialect.name == "sqlite" else [])]  # the comparison knows nothing of `ddl_if`
        mine = {f"{PREFIX}{name}" for name in known}
        options = {
            "include_schemas": True,
            "version_table": f"{PREFIX}version",
            "version_table_schema": home,
            "include_name": lambda name, kind, parents: kind != "schema" or name == home,
            "compare_type": True,
        }
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), tables(PREFIX, home))

    assert [row for row in differences if row[1].name not in mine] == []


def test_a_new_database_is_what_the_migrations_make(engine, home):
    opened(engine, home)
    made = shape(engine, home)
    with engine.begin() as connection:
        for name in made:
            connection.exec_driver_sql(f"DROP TABLE {home + '.' if home else ''}{name}")
        if home:
            connection.exec_driver_sql(f"DROP SEQUENCE {home}.{PREFIX}commits")
    migrate(engine, prefix=PREFIX, schema=home)

    assert shape(engine, home) == made
    assert opened(engine, home).take_numbers("CO", 1) == 1


def test_a_migration_of_the_newest_version_changes_nothing(engine, home):
    store = opened(engine, home)
    Workshop(store, clock=FakeClock("2026-11-23 08:00")).register(Item("lye", unit="kg"))

    assert migrate(engine, prefix=PREFIX, schema=home) == VERSION
    assert "lye" in Workshop(opened(engine, home)).catalogue.items


@pytest.mark.parametrize(("version", "remedy"), [("0000", "migrate"), ("9999", "newer")])
def test_tables_of_another_version_are_refused_and_left_alone(engine, home, version, remedy):
    opened(engine, home)
    set_version(engine, home, version)
    with pytest.raises(WrongSchema) as caught:
        opened(engine, home)

    assert version in caught.value.found
    assert remedy in caught.value.remedy
    with engine.connect() as connection:
        assert inspect(connection).has_table(f"{PREFIX}papers", schema=home)


def test_a_newer_version_is_not_migrated_back(engine, home):
    opened(engine, home)
    set_version(engine, home, "9999")

    with pytest.raises(WrongSchema):
        migrate(engine, prefix=PREFIX, schema=home)


def test_tables_are_not_made_behind_the_back_of_a_host_that_makes_its_own(engine, home):
    with pytest.raises(WrongSchema) as caught:
        opened(engine, home, create=False)

    assert "migrate" in caught.value.remedy
    assert inspect(engine).get_table_names(schema=home) == []


def test_tables_of_another_program_are_refused(engine, home):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {home + '.' if home else ''}{PREFIX}papers (title TEXT)")
    with pytest.raises(WrongSchema) as caught:
        opened(engine, home)

    assert f"{PREFIX}papers" in caught.value.found
    assert inspect(engine).get_table_names(schema=home) == [f"{PREFIX}papers"]


def test_the_host_keeps_its_own_tables_beside_ours(engine, home):
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {home + '.' if home else ''}papers (title TEXT)")
    opened(engine, home)

    assert "papers" in inspect(engine).get_table_names(schema=home)


# files ------------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "letter.txt"
    path.write_text("Dear customer, " * 500, encoding="utf-8")
    with pytest.raises(StoreFailed) as caught:
        SqlStore(f"sqlite:///{path}")

    assert "not a database" in caught.value.problem
    assert path.read_text(encoding="utf-8") == "Dear customer, " * 500


def test_a_database_of_another_program_gets_our_tables_under_our_prefix_only(tmp_path):
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE lots (name TEXT)")
    theirs.close()
    SqlStore(f"sqlite:///{path}").close()
    with sqlite3.connect(path) as theirs:
        names = {row[0] for row in theirs.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    theirs.close()

    assert {name for name in names if not name.startswith("krafte_")} == {"lots"}


def test_a_folder_that_is_not_there_is_an_error_that_says_so(tmp_path):
    with pytest.raises(StoreFailed):
        SqlStore(f"sqlite:///{tmp_path}/nowhere/shop.db")


def test_a_server_that_is_not_there_is_an_error_that_says_so():
    with pytest.raises(StoreFailed) as caught:
        SqlStore("postgresql+psycopg://nobody@127.0.0.1:9/nothing")

    assert "refused" in caught.value.problem


def test_a_file_of_the_host_without_wal_is_refused_with_the_remedy(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'host.db'}")
    with pytest.raises(WrongSchema) as caught:
        SqlStore(engine)
    engine.dispose()

    assert "journal_mode" in caught.value.remedy


# names from outside -----------------------------------------------------------------------------------------------------

HOSTILE = ["x; DROP TABLE y; --", "", "a" * 32, 'a"b', "A_", "1a", "ä_", "a b", "a.b", None, 5, "a\0"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_prefix_that_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput) as caught:
        SqlStore(f"sqlite:///{tmp_path / 'shop.db'}", prefix=name)

    assert caught.value.field == "prefix"
    assert not (tmp_path / "shop.db").exists()


@pytest.mark.parametrize("name", [name for name in HOSTILE if name is not None])
def test_a_schema_that_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput) as caught:
        SqlStore(f"sqlite:///{tmp_path / 'shop.db'}", schema=name)

    assert caught.value.field == "schema"


@pytest.mark.parametrize("name", ["", "a" * 201, "a\0b", None, 5])
def test_a_tenant_that_is_no_text_is_refused(tmp_path, name):
    with pytest.raises(InvalidInput) as caught:
        SqlStore(f"sqlite:///{tmp_path / 'shop.db'}", tenant=name)

    assert caught.value.field == "tenant"


@pytest.mark.parametrize(
    "url",
    ["sqlite:///:memory:", "sqlite://", "mysql://host/shop", "sqlite+none:///x.db", "sqlite:///x?tenant=a&tenant=b", "no url", ""],
)
def test_a_url_that_names_no_database_of_ours_is_refused(url):
    with pytest.raises(InvalidInput) as caught:
        SqlStore(url)

    assert caught.value.field == "url"


def test_tenants_with_any_name_never_mix(url, tmp_path):
    plain = url.partition("?")[0]
    names = ["anna", "Anna", "anna ", "x'; DROP TABLE krafte_tenants; --", "漢字 🧼"]
    shops = [Workshop(SqlStore(plain, tenant=f"{name}{tmp_path.name}"), clock=FakeClock("2026-11-23 08:00")) for name in names]
    for n, shop in enumerate(shops):
        shop.register(Item("lye", unit="kg"))
        shop.stock.receive("lye", f"{n + 1} kg", lot="NA-1")
        shop.subscribe("box", lambda event: None, since="beginning")

    for n, shop in enumerate(shops):
        assert str(shop.stock.level("lye").on_hand) == f"{n + 1} kg"
        assert [one.delivered for one in shop.deliver_events()] == [1]
        shop.verify()
        shop.close()
