"""The life of a workshop (`tests/shop/test_workshop_machine.py`) on databases: every answer is that of the naive twin."""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from krafte_core import Workshop
from krafte_core.stores.sql import SqlStore
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


class OnSqlite(WorkshopMachine):
    def opened(self):
        self.folder = tempfile.TemporaryDirectory()
        return Workshop(SqlStore(f"sqlite:///{Path(self.folder.name, 'shop.db')}"), clock=self.clock)

    def teardown(self):
        super().teardown()
        self.shop.close()
        self.folder.cleanup()


class OnPostgres(WorkshopMachine):
    server = ""

    def opened(self):
        return Workshop(SqlStore(f"{self.server}?tenant={uuid.uuid4().hex}"), clock=self.clock)

    def teardown(self):
        super().teardown()
        self.shop.close()


@pytest.fixture
def server(postgres):
    OnPostgres.server = postgres


TestSqliteLife = OnSqlite.TestCase
TestPostgresLife = pytest.mark.usefixtures("server")(OnPostgres.TestCase)
TestSqliteLife.settings = TestPostgresLife.settings = LIFE
