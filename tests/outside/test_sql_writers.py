"""Many processes on one database: no law is broken, nobody is left out, and who waits for whom is settled without a deadlock."""

from __future__ import annotations

import pytest

from krafte_core import Workshop
from krafte_core.events import OrderConfirmed, OrderPlaced
from krafte_core.store import Changes
from krafte_core.stores.sql import JoinedStore, SqlStore
from krafte_core.stores.sql._batch import Batch
from krafte_core.testing import FakeClock
from krafte_core.testing.samples import DAY, filing, paper
from tests.outside import crew
from tests.outside.crew import FORCE, PROCESSES

WRITERS = 8
COMMANDS = {"fast": 6, "": 30, "deep": 125}[FORCE]
"""Of each writer; in the deep profile a thousand together."""


@pytest.fixture
def store(url):
    made = SqlStore(url)
    crew.furnish(Workshop(made, clock=FakeClock("2026-11-23 08:00")))
    made.outbox.subscribe("box", "beginning")
    yield made
    made.close()


def test_writers_of_different_items_do_not_wait_for_each_other(postgres, tmp_path):
    """LESSONS 66: while one command is being stored, another one about another item is."""
    store = SqlStore(f"{postgres}?tenant={tmp_path.name}")
    crew.furnish(Workshop(store, clock=FakeClock("2026-11-23 08:00")))
    with store.engine.execution_options(isolation_level="READ COMMITTED").connect() as slow:
        JoinedStore(slow, tenant=tmp_path.name).commit(Changes(balances={("oil", "O-1", "stock"): (0, 5)}, stamps={"CO-1": 0}))
        store.commit(Changes(balances={("wax", "W-1", "stock"): (0, 5), ("oil", "O-2", "stock"): (0, 5)}, stamps={"CO-2": 0}))
        with store.reading() as reader:
            assert reader.stamps(["CO-1", "CO-2"]) == {"CO-1": 0, "CO-2": 1}
        slow.commit()
    with store.reading() as reader:
        assert reader.stamps(["CO-1", "CO-2"]) == {"CO-1": 1, "CO-2": 1}
    store.close()


def test_numbers_are_given_while_a_command_that_has_one_is_being_stored(postgres, tmp_path):
    """LESSONS 67: a number is a transaction of its own, so nobody waits for the command that took one."""
    store = SqlStore(f"{postgres}?tenant={tmp_path.name}")
    first = store.take_numbers("CO", 1)
    with store.writing() as session:
        store._write(session, Batch(filing(paper(f"CO-{first}")), store._bodies))
        assert store.take_numbers("CO", 1) == first + 1
    store.close()


def test_eight_writers_with_mixed_commands_break_no_law(store, url):
    results = PROCESSES.Manager().Queue()
    writers = [PROCESSES.Process(target=crew.work, args=(url, seed, COMMANDS, results), daemon=True) for seed in range(WRITERS)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(300)
    shop = Workshop(store, clock=FakeClock("2026-11-23 08:00"))
    shop.verify()
    counts = [results.get(timeout=10) for _ in writers]
    total = {name: sum(row[name] for row in counts) for name in counts[0]}
    events = [row.event for row in store.outbox.lease("box", 100_000, DAY)]
    orders = {order.number for order in shop.orders.find(limit=100_000)}

    assert sum(total.values()) == WRITERS * COMMANDS
    assert total["failed"] == 0, total
    assert total["conflict"] == 0, f"a writer was left out: {total}"
    assert min(row["done"] for row in counts) >= COMMANDS // 3, counts
    assert sorted(event.document for event in events if isinstance(event, OrderPlaced)) == sorted(orders)
    assert {event.document for event in events if isinstance(event, OrderConfirmed)} <= orders
