"""Killed at any point of any command, a workshop opens with all its laws intact: the command was done, or it was not."""

from __future__ import annotations

import random
import signal
import time

import pytest

from krafte_core import Workshop
from krafte_core.events import OrderPlaced
from krafte_core.store import TABLES
from krafte_core.stores.sql import SqlStore
from krafte_core.testing import FakeClock
from krafte_core.testing.samples import DAY
from tests.outside import crew
from tests.outside.crew import FORCE, PROCESSES, READY

KILLS = {"fast": 2, "": 8, "deep": 200}[FORCE]
STEP = {"fast": 9, "": 1, "deep": 1}[FORCE]
"""In the fast profile only every ninth statement."""


@pytest.fixture
def shop(url):
    store = SqlStore(url)
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"), by="Ada")
    crew.furnish(shop, lots=8)
    store.outbox.subscribe("box", "beginning")
    yield shop
    store.close()


def told(shop):
    """Every row of every table."""
    with shop._store.reading() as reader:
        return {table: [*reader.rows(table)] for table in TABLES}


def killed(target, *given):
    process = PROCESSES.Process(target=target, args=given, daemon=True)
    process.start()
    process.join(60)
    return process.exitcode == -signal.SIGKILL


def heard(shop):
    leased = shop._store.outbox.lease("box", 100_000, DAY)
    shop._store.outbox.settle("box", [row.id for row in leased])
    return [row.event for row in leased]


@pytest.mark.parametrize("name", READY)
def test_a_command_that_is_killed_at_any_statement_is_done_or_not_done(shop, url, name):
    store = shop._store
    order = crew.prepared(shop, name)
    count = crew.statements(url, name, order, f"{name}-whole")
    assert count >= 4
    points = [(n, "before") for n in range(1, count + 1, STEP)]
    points += [(n, "after") for n in range(1, count)] if FORCE == "deep" else []
    points += [(count, "after"), (0, "end")]
    done = []
    for n, when in points:
        order, key = crew.prepared(shop, name), f"{name}-{n}-{when}"
        before = told(shop)
        heard(shop)
        if not killed(crew.die_at, url, name, order, key, n, when):
            continue  # the command took another way this time, with fewer statements
        after = told(shop)
        with store.reading() as reader:
            stored = reader.result(key)
        told_of = heard(shop)
        if stored is None:
            assert after == before
            assert told_of == []
        answer = crew.perform(shop, name, order, key)
        assert stored is None or (stored.result == answer and told(shop) == after)
        assert bool(told_of or heard(shop)) == (name != "register")
        done.append(stored is not None)
    shop.verify()

    assert len(done) >= len(points) * 2 // 3
    assert done[0] is False
    assert done[-1] is True, "killed at its end, the command is done"


def test_work_that_is_killed_at_any_time_leaves_books_that_add_up(shop, url):
    rnd = random.Random(1)
    for n in range(KILLS):
        begun = PROCESSES.Event()
        process = PROCESSES.Process(target=crew.work, args=(url, n, 10_000, None, begun), daemon=True)
        process.start()
        assert begun.wait(60)
        time.sleep(rnd.random() / 4)
        process.kill()
        process.join(60)
        shop.verify()
    orders = shop.orders.find(limit=100_000)
    placed = [event.document for event in heard(shop) if isinstance(event, OrderPlaced)]

    assert sorted(placed) == sorted(order.number for order in orders)
    assert orders
