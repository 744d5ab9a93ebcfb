"""The life of a workshop (`tests/shop/test_workshop_machine.py`) on databases: every answer is that of the naive twin."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from krafte_core import Workshop
from krafte_core.stores.sql import SqlStore
from krafte_core.trace import reach, reach_in
from tests.outside.crew import FORCE
from tests.shop.test_workshop_machine import WorkshopMachine

LIVES, STEPS = {"fast": (1, 15), "": (4, 25), "deep": (200, 60)}[FORCE]
LIFE = settings(
    max_examples=LIVES,
    stateful_step_count=STEPS,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[*HealthCheck],
)


def genealogy_agrees(shop):
    """The whole numbers that commits keep beside the ledger say what the ledger says, after whatever was made, reversed and undone."""
    with shop._office.store.reading() as reader:
        keys = [(lot.item, lot.code) for lot in reader.rows("lots")]
        index, read = reader.genealogy(), reader.uses
        for way in ("back", "forward"):
            expected = reach(lambda lots, runs: read(lots=lots, runs=runs), keys, way)
            assert reach_in(index, keys, way) == expected


class OnSqlite(WorkshopMachine):
    def opened(self):
        self.folder = tempfile.TemporaryDirectory()
        return Workshop(SqlStore(f"sqlite:///{Path(self.folder.name, 'shop.db')}"), clock=self.clock)

    def teardown(self):
        genealogy_agrees(self.shop)
        super().teardown()
        self.shop.close()
        self.folder.cleanup()


class OnPostgres(WorkshopMachine):
    server = ""

    def opened(self):
        return Workshop(SqlStore(f"{self.server}?tenant={uuid.uuid4().hex}"), clock=self.clock)

    def teardown(self):
        genealogy_agrees(self.shop)
        super().teardown()
        self.shop.close()


@pytest.fixture
def server(postgres):
    OnPostgres.server = postgres


TestSqliteLife = OnSqlite.TestCase
TestPostgresLife = pytest.mark.usefixtures("server")(OnPostgres.TestCase)
TestSqliteLife.settings = TestPostgresLife.settings = LIFE
