"""The stores that come with the library, and what stands on them: forks, previews, and how a store is found by its URL."""

from __future__ import annotations

import gc
import runpy
from functools import partial

import pytest

from krafte_core import Item, OrderLine, Workshop
from krafte_core.errors import Conflict, InvalidInput, Unknown
from krafte_core.events import Event
from krafte_core.store import Changes
from krafte_core.stores.memory import MemoryStore, open_store
from krafte_core.testing import FakeClock, StoreContract
from krafte_core.testing._hooks import at_once
from krafte_core.testing.samples import everything, filing, lot, paper, stocking, world
from tests.support import ROOT


class TestMemoryStore(StoreContract):
    def make_store(self):
        return MemoryStore()


def a_shop(store=None):
    shop = Workshop(store or MemoryStore(), clock=FakeClock("2026-11-23 08:00"))
    shop.register(Item("candle", unit="each"))
    shop.stock.receive("candle", "10 each", lot="C-1")
    return shop


def on_hand(shop):
    return str(shop.stock.level("candle").on_hand)


def told(shop):
    with shop._store.reading() as reader:
        return everything(reader)


def test_the_example_store_says_what_it_promises():
    # The whole contract runs in the example itself (`python examples/sqlite_store.py`); here it only must not rot.
    example = runpy.run_path(str(ROOT / "examples" / "sqlite_store.py"))["TestSqliteStore"]

    assert issubclass(example, StoreContract)
    assert example.processes
    assert len((ROOT / "examples" / "sqlite_store.py").read_text(encoding="utf-8").splitlines()) <= 300


# finding a store --------------------------------------------------------------------------------------------------------


def test_a_store_is_found_by_the_scheme_of_its_url():
    with Workshop.open("memory:") as shop:
        shop.register(Item("lye", unit="kg"))
        assert shop.catalogue.item("lye").unit == "kg"


@pytest.mark.parametrize("url", ["oracle://host/shop", "", "memory"])
def test_an_unknown_scheme_names_those_that_there_are(url):
    if url == "memory":
        with pytest.raises(InvalidInput):
            Workshop.open(url)
        return
    with pytest.raises(Unknown) as caught:
        Workshop.open(url)

    assert "memory" in caught.value.choices


def test_a_memory_url_has_nothing_but_its_scheme():
    with pytest.raises(InvalidInput):
        open_store("memory:///tmp/books")


def test_two_workshops_in_memory_share_nothing():
    first, second = Workshop.in_memory(), Workshop.in_memory()
    first.register(Item("lye", unit="kg"))

    assert not second.catalogue.items


# forks ------------------------------------------------------------------------------------------------------------------


def test_what_happens_on_a_fork_stays_there():
    shop = a_shop()
    before, fork = told(shop), shop.fork()
    fork.stock.scrap("candle", "4 each", lot="C-1", reason="trial")
    fork.register(Item("wax", unit="kg"))
    fork.orders.confirm(fork.orders.place(customer="x", lines=[OrderLine("candle", "2 each")]))

    assert told(shop) == before
    assert on_hand(fork) == "6 each"
    fork.verify()


def test_what_happens_in_the_shop_does_not_reach_a_fork():
    shop = a_shop()
    fork = shop.fork()
    before = told(fork)
    shop.stock.receive("candle", "5 each", lot="C-2")
    shop.stock.hold("candle", lot="C-1", reason="look")
    shop.orders.place(customer="x", lines=[OrderLine("candle", "2 each")])

    assert told(fork) == before
    assert fork.stock.lot("candle", "C-1").disposition == "released"


def test_forks_of_forks_are_independent_of_each_other():
    shop = a_shop()
    first = shop.fork()
    first.stock.scrap("candle", "1 each", lot="C-1", reason="trial")
    second = first.fork()
    second.stock.scrap("candle", "1 each", lot="C-1", reason="trial")
    first.stock.scrap("candle", "3 each", lot="C-1", reason="trial")

    assert [on_hand(one) for one in (shop, first, second, second.fork())] == ["10 each", "6 each", "8 each", "8 each"]


def test_a_fork_of_a_fork_outlives_the_fork():
    shop = a_shop()
    second = shop.fork().fork()
    gc.collect()
    shop.stock.receive("candle", "5 each", lot="C-2")

    assert on_hand(second) == "10 each"


def test_a_fork_of_a_fork_goes_on_numbering():
    fork = a_shop().fork()

    def place(shop):
        return shop.orders.place(customer="x", lines=[OrderLine("candle", "1 each")]).number

    assert [place(fork), place(fork.fork()), place(fork)] == ["CO-draft-001", "CO-draft-002", "CO-draft-002"]


def test_a_preview_changes_nothing_and_takes_no_number():
    shop = a_shop()
    before = told(shop)
    would = shop.preview(lambda trial: trial.orders.place(customer="x", lines=[OrderLine("candle", "2 each")]))

    assert [*would.changes.papers] == [would.answer.number] == ["CO-draft-001"]
    assert told(shop) == before
    assert shop.orders.place(customer="x", lines=[OrderLine("candle", "2 each")]).number == "CO-2026-11-001"


def test_a_preview_that_is_refused_changes_nothing():
    shop = a_shop()
    before = told(shop)
    with pytest.raises(Unknown):
        shop.preview(lambda trial: trial.stock.scrap("candle", "1 each", lot="C-9", reason="trial"))

    assert told(shop) == before


def test_events_of_a_fork_reach_nobody():
    heard: list[Event] = []
    shop = a_shop()
    fork = shop.fork()
    for one in (shop, fork):
        one.subscribe("box", heard.append, since="now")
    fork.stock.receive("candle", "5 each", lot="C-2")

    assert not [*shop.deliver_events(), *fork.deliver_events()][0].delivered
    assert heard == []


def test_a_store_without_snapshots_has_no_fork():
    class Plain:
        def __init__(self):
            store = MemoryStore()
            self.outbox, self.reading, self.commit = store.outbox, store.reading, store.commit
            self.take_numbers, self.close = store.take_numbers, store.close

    with pytest.raises(InvalidInput):
        Workshop(Plain()).fork()


def test_forks_are_read_while_the_shop_is_written():
    shop = a_shop()
    forks = [shop.fork() for _ in range(3)]

    def write():
        for n in range(30):
            shop.stock.receive("candle", "1 each", lot=f"W-{n}")
        return on_hand(shop)

    def read(fork):
        answers = set()
        for _ in range(30):
            answers.add(on_hand(fork))
            with fork._store.reading() as reader:
                assert len(reader.postings(lots=[("candle", "C-1")])) == 1
        return answers.pop()

    assert at_once(write, *(partial(read, fork) for fork in forks)) == ["40 each", *["10 each"] * 3]


# snapshots --------------------------------------------------------------------------------------------------------------


def now(store):
    """The reader of this moment."""
    with store.reading() as reader:
        return reader


def test_only_the_first_commit_after_a_snapshot_costs_a_copy():
    store = MemoryStore()
    store.commit(world())
    moment, first = store.snapshot(), now(store)
    store.commit(filing(paper("CO-2")))
    second = now(store)
    store.commit(Changes(balances={("oil", "A", "stock"): (1, 0)}))
    third = now(store)

    assert moment.reader is first
    assert second is third is not first


def test_a_commit_that_fails_after_a_snapshot_leaves_both_as_they_were():
    store = MemoryStore()
    store.commit(stocking((lot("oil", "A"), "stock", 5, 0)))
    moment = store.snapshot()
    with pytest.raises(Conflict):
        store.commit(Changes(balances={("oil", "A", "stock"): (-6, 0)}))
    with store.reading() as reader:
        assert everything(reader) == everything(moment.reader)
