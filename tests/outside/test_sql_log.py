"""Waiting at the log of a SQLite file: for the turn to write, and for the disk."""

from __future__ import annotations

import shutil
import sqlite3

import pytest

from krafte_core import Item, OrderLine, Workshop
from krafte_core.errors import Conflict, StoreFailed
from krafte_core.stores.sql import SqlStore, _log
from krafte_core.stores.sql._log import HAS_LOCKS
from krafte_core.testing import FakeClock
from tests.outside.crew import PROCESSES

pytestmark = pytest.mark.skipif(not HAS_LOCKS, reason="no such locks here: SQLite waits for everything itself")


def opened(path):
    return Workshop(SqlStore(f"sqlite:///{path}"), clock=FakeClock("2026-11-23 08:00"))


@pytest.fixture
def shop(tmp_path):
    made = opened(tmp_path / "shop.db")
    made.register(Item("soap", unit="each"), Item("wax", unit="kg"))
    yield made
    made.close()


def place(shop, key=None):
    return shop.orders.place(customer="Anna", lines=[OrderLine("soap", "2 each")], key=key)


def stand_in_line(path, there, go):
    """Another process that waits its turn, gets it, and does nothing with it."""
    log = _log.Log(path)
    log.acquire()
    there.set()
    go.wait(60)
    log.release()


def test_after_a_power_failure_everything_that_was_answered_is_there(shop, tmp_path, monkeypatch):
    """What was on the disk when the disk last said so is kept beside; nothing else would survive."""
    to_disk = _log._to_disk

    def kept(file):
        to_disk(file)
        for name in ("shop.db", "shop.db-wal"):
            shutil.copy(tmp_path / name, tmp_path / f"kept-{name}")

    monkeypatch.setattr(_log, "_to_disk", kept)
    for step in (lambda: None, lambda: shop.stock.receive("soap", "5 each"), lambda: shop.orders.confirm("CO-2026-11-001")):
        order = place(shop)
        step()
        for name in ("shop.db", "shop.db-wal"):
            shutil.copy(tmp_path / f"kept-{name}", tmp_path / f"copy-{name.replace('.db', f'-{order.number}.db')}")
        survived = opened(tmp_path / f"copy-shop-{order.number}.db")
        assert survived.orders.get(order.number) == order
        assert survived.stock.level("soap").on_hand == shop.stock.level("soap").on_hand
        assert survived.orders.status("CO-2026-11-001") == shop.orders.status("CO-2026-11-001")
        survived.verify()
        survived.close()


def test_a_disk_that_fails_at_the_last_moment_is_told_and_the_key_finds_out(shop, monkeypatch):
    def broken(file):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(_log, "_to_disk", broken)
    with pytest.raises(StoreFailed) as caught:
        place(shop, key="web-1")
    monkeypatch.undo()

    assert "Input/output error" in str(caught.value)
    order = place(shop, key="web-1")
    assert shop.orders.find() == (order,)


def test_numbers_do_not_wait_for_the_disk(shop, monkeypatch):
    waited = []
    monkeypatch.setattr(_log, "_to_disk", waited.append)
    shop._store.take_numbers("CO", 1)
    assert not waited
    place(shop)
    assert len(waited) == 1


@pytest.fixture
def tries(shop, tmp_path, monkeypatch):
    """What comes of every try to get the turn, while another process has it; that one goes after the fifth."""
    there, go, tried = PROCESSES.Event(), PROCESSES.Event(), []
    other = PROCESSES.Process(target=stand_in_line, args=(tmp_path / "shop.db", there, go), daemon=True)
    other.start()
    assert there.wait(60)
    ours = _log.Log._is_ours

    def counted(log):
        tried.append(ours(log))
        if len(tried) == 5:
            go.set()
            other.join(60)
        return tried[-1]

    monkeypatch.setattr(_log.Log, "_is_ours", counted)
    yield tried
    go.set()
    other.join(60)


def test_a_writer_waits_for_the_one_before_it(shop, tries):
    shop.register(Item("oil", unit="kg"))
    assert tries == [False] * 5 + [True]


def test_a_process_that_does_not_come_back_with_its_turn_stops_nobody(shop, tries, monkeypatch):
    """Who waited for long goes on without: SQLite's own lock has the last word."""
    monkeypatch.setattr(_log, "YIELDS", 2)
    monkeypatch.setattr(_log, "NAPS", 2)
    shop.register(Item("oil", unit="kg"))
    assert tries == [False] * 4


def test_who_gives_up_waiting_does_not_keep_the_turn(shop, monkeypatch):
    def interrupted(log):
        raise KeyboardInterrupt

    monkeypatch.setattr(_log.Log, "_is_ours", interrupted)
    with pytest.raises(KeyboardInterrupt):
        place(shop)
    monkeypatch.undo()
    assert place(shop).number == "CO-2026-11-001"


def test_a_command_that_has_asked_nothing_yet_holds_up_nobody(shop, tmp_path):
    """SQLite can write over its log only where nobody reads."""
    with sqlite3.connect(tmp_path / "shop.db", timeout=0) as other, shop._store.deciding() as reader:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        place(shop)
        assert reader.stamps(["CO-2026-11-001"]) == {"CO-2026-11-001": 1}, "the moment is that of the first question"
        revision = reader.revision()
        shop.stock.receive("soap", "5 each")
        assert not reader.has_lots("soap"), "and stays"
        assert reader.revision() == revision
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 1
    other.close()


def test_a_command_is_decided_again_when_the_catalogue_moved_before_its_first_question(shop):
    with shop._store.deciding() as reader:
        shop.register(Item("oil", unit="kg"))
        with pytest.raises(Conflict, match="catalogue"):
            reader.revision()
    assert place(shop).number == "CO-2026-11-001"
