"""The stores on SQLite and PostgreSQL keep every promise of the contract, also on a host's engine, under a prefix, in a schema."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import pytest
from sqlalchemy import create_engine

from krafte_core.stores.sql import SqlStore
from krafte_core.testing import StoreContract
from tests.conftest import new_url


class SqlContract(StoreContract):
    processes = True
    kind = "sqlite"

    @pytest.fixture(autouse=True)
    def _place(self, request, tmp_path):
        self.new_url = partial(new_url, self.kind, tmp_path, request)
        self.urls = {}

    def make_store(self):
        url = self.new_url()
        store = SqlStore(url)
        self.urls[id(store)] = url
        return store

    def opener(self, store):
        return partial(SqlStore, self.urls[id(store)])


class TestSqliteStore(SqlContract):
    kind = "sqlite"


class TestPostgresStore(SqlContract):
    kind = "postgresql"


class HostContract(SqlContract):
    """The host brings an engine, made as SQLAlchemy makes it."""

    processes = False
    options: ClassVar[dict[str, str]] = {}

    def prepare(self, engine):
        """What a host does with its database before the workshop comes in."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _engines(self, _place):
        self.engines, self.tenants = [], {}
        yield
        for engine in self.engines:
            engine.dispose()

    def make_store(self):
        url, _, tenant = self.new_url().partition("?tenant=")
        if self.kind == "sqlite" or not self.engines:
            self.engines.append(create_engine(url, max_overflow=-1))
        self.prepare(self.engines[-1])
        store = SqlStore(self.engines[-1], tenant=tenant or "soap", **self.options)
        self.tenants[id(store)] = tenant or "soap"
        return store

    def opener(self, store):
        return partial(SqlStore, store.engine, tenant=self.tenants[id(store)], **self.options)


class TestEngineOfTheHost(HostContract):
    options: ClassVar[dict[str, str]] = {"prefix": "soap_"}

    def prepare(self, engine):
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")


class TestSchemaOfTheHost(HostContract):
    kind = "postgresql"
    options: ClassVar[dict[str, str]] = {"prefix": "k_", "schema": "soap_shop"}

    def prepare(self, engine):
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS soap_shop")
