"""The month is over and the accountant has the figures: nothing may be dated into it any more, and sums begin at its end."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krafte_core import Item, Workshop, qty
from krafte_core.backdating import timeline
from krafte_core.diary import Entry
from krafte_core.errors import BrokenLaw, EntryRefused, InvalidInput, KrafteError, TooFarBack, TooMuch
from krafte_core.lot_histories import CLOSING
from krafte_core.stock import Move, Posting
from krafte_core.store import Changes
from krafte_core.stores.memory import MemoryStore
from krafte_core.stores.sql import SqlStore
from krafte_core.testing import FakeClock

ZONE = "Europe/Berlin"


def opened(store=None, **wishes):
    clock = FakeClock("2026-10-01 08:00", zone=ZONE)
    shop = Workshop(store or MemoryStore(), clock=clock, by="Ada", **wishes)
    shop.register(Item("oil", unit="kg"), Item("lye", unit="kg"))
    return shop, clock


def october(shop, clock):
    """A delivery, and some use; then it is November."""
    shop.stock.receive("oil", "10 kg", lot="O", happened_at="2026-10-01 08:00")
    clock.set("2026-10-20 08:00")
    shop.stock.scrap("oil", "4 kg", lot="O", reason="spilt")
    clock.set("2026-11-03 08:00")


@pytest.fixture
def shop():
    shop, clock = opened()
    october(shop, clock)
    return shop


def test_nothing_is_dated_into_a_closed_period_and_the_error_names_its_end(shop):
    closed = shop.stock.close_period("2026-10-31")

    assert closed.last == date(2026, 10, 31)
    assert closed.until == shop.stock.closed_until() == datetime(2026, 10, 31, 23, tzinfo=UTC), "midnight on the wall in Berlin"
    for late in (
        lambda: shop.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-31 23:59"),
        lambda: shop.stock.receive("oil", "1 kg", lot="P", happened_at="2026-10-31 23:59"),
        lambda: shop.stock.count("oil", "6 kg", lot="O", happened_at="2026-10-30 12:00"),
        lambda: shop.stock.count("oil", "5 kg", lot="O", happened_at="2026-10-30 12:00"),
        lambda: shop.stock.opening("lye", "1 kg", happened_at="2026-10-01 08:00"),
    ):
        with pytest.raises(TooFarBack, match="2026-10-31 23:00:00") as refused:
            late()
        assert refused.value.code == "too_far_back"
    shop.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-11-01 00:00")
    assert shop.stock.level("oil").on_hand == qty("5 kg")
    shop.verify()


@pytest.mark.parametrize("last", ["2026-11-03", "2026-12-01", "2026-10-31", "2026-10-01"])
def test_a_day_that_is_not_over_or_closed_already_cannot_be_closed(shop, last):
    shop.stock.close_period("2026-10-31")

    with pytest.raises(InvalidInput, match="last"):
        shop.stock.close_period(last)


def test_a_repeated_key_closes_once(shop):
    first = shop.stock.close_period("2026-10-31", key="october")

    assert shop.stock.close_period("2026-10-31", key="october") == first
    assert first.balances == 1


def test_the_host_says_how_far_back_entries_may_be_dated():
    shop, clock = opened(back_dating=timedelta(days=7))
    october(shop, clock)

    with pytest.raises(TooFarBack, match="7 days") as refused:
        shop.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-27 07:59")
    with pytest.raises(TooFarBack), shop.fork() as trial:
        trial.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-27 06:00")
    with pytest.raises(EntryRefused):
        shop.bulk.receive([{"item": "oil", "amount": "1 kg", "happened_at": "2026-10-02 06:00"}])
    shop.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-27 08:00")

    assert "2026-10-27" in refused.value.expected
    assert shop.stock.level("oil").on_hand == qty("5 kg")


@pytest.mark.parametrize("limit", [timedelta(-1), 7, "a week"])
def test_a_limit_is_a_time_of_zero_or_more(limit):
    with pytest.raises(InvalidInput, match="back_dating"):
        Workshop(MemoryStore(), back_dating=limit)


moments = st.integers(0, 40).map(lambda hours: datetime(2026, 11, 1, 6, tzinfo=UTC) + timedelta(hours=hours))
entries = st.lists(st.tuples(st.sampled_from(["scrap", "count", "find"]), st.integers(0, 6), moments), max_size=6)


def entered(shop, kind, steps, at):
    """What an entry did or why it was refused."""
    try:
        if kind == "count":
            return shop.stock.count("oil", f"{steps} kg", lot="O", happened_at=at).difference
        if kind == "find":
            return shop.stock.transfer("oil", f"{steps} kg", lot="O", place="stock", to="quarantine", happened_at=at)
        return shop.stock.scrap("oil", f"{steps} kg", lot="O", reason="spilt", happened_at=at).difference
    except KrafteError as refused:
        return refused


@given(entries)
def test_what_comes_after_a_closing_is_what_it_would_be_without(rows):
    (closed, clock), (plain, other) = opened(), opened()
    october(closed, clock)
    october(plain, other)
    closed.stock.close_period("2026-10-31")

    for row in rows:
        assert entered(closed, *row) == entered(plain, *row)
    assert closed.stock.level("oil") == plain.stock.level("oil")
    closed.verify()


def test_an_entry_that_was_decided_before_the_closing_is_decided_again():
    """The closing comes first, between the decision about an entry of October and its commit."""

    class Overtaken(MemoryStore):
        first = None

        def commit(self, changes):
            first, self.first = self.first, None
            if first is not None:
                first()
            super().commit(changes)

    store = Overtaken()
    shop, clock = opened(store)
    october(shop, clock)
    store.first = lambda: shop.stock.close_period("2026-10-31")

    with pytest.raises(TooFarBack):
        shop.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-25 08:00")
    assert shop.stock.level("oil").on_hand == qty("6 kg")


def test_verify_finds_what_was_put_into_a_closed_period_and_a_closing_that_was_changed(shop):
    shop.stock.close_period("2026-10-31")
    clock, at = shop._office.clock, datetime(2026, 10, 5, tzinfo=UTC)
    clock.tick(timedelta(hours=1))
    move = Move("oil", "O", 1_000_000, "stock", "scrap")
    shop._store.commit(
        Changes(balances={("oil", "O", "stock"): (-1_000_000, 0)}, postings=[Posting("scrap", "", at, clock.now(), (move,))])
    )

    with pytest.raises(BrokenLaw) as broken:
        shop.verify()
    assert any(finding.startswith("closed period: oil O was moved at 2026-10-05") for finding in broken.value.findings)
    assert any(finding.startswith("closed period: oil O had") for finding in broken.value.findings)


def test_a_closing_balance_written_by_hand_is_found(shop):
    closed = shop.stock.close_period("2026-10-31")
    details = (("place", "shelf"), ("steps", "5"), ("until", closed.until.isoformat()))
    shop._store.commit(Changes(diary=[Entry("lot lye X", CLOSING, shop._office.clock.now(), "", "", details)]))
    shop.stock.receive("lye", "1 kg", lot="X")

    with pytest.raises(BrokenLaw, match="the closing says"):
        shop.verify()


def test_a_lot_with_a_long_history_is_read_from_its_last_closing_on(tmp_path):
    """The rows that a back-dated entry reads do not grow with what happened before the closing."""

    def read(closes):
        store = SqlStore(f"sqlite:///{tmp_path / str(closes)}.db")
        shop, clock = opened(store)
        shop.stock.receive("oil", "100 kg", lot="O")
        for _ in range(60):
            clock.tick(timedelta(minutes=1))
            shop.stock.scrap("oil", "1 g", lot="O", reason="spilt")
        clock.set("2026-11-03 08:00")
        if closes:
            shop.stock.close_period("2026-10-31")
        with shop._office.look() as work:
            counted = {"rows": 0}
            plain = work.reader._rows

            def rows(*given):
                found = plain(*given)
                counted["rows"] += len(found)
                return found

            work.reader._rows = rows
            assert timeline(work, ("oil", "O", "stock"))[-1].steps > 0
        with pytest.raises(TooMuch):
            shop.stock.scrap("oil", "100 kg", lot="O", reason="spilt", happened_at="2026-11-02 08:00")
        shop.close()
        return counted["rows"]

    assert read(closes=False) > 60
    assert read(closes=True) < 6


def test_a_closed_database_file_stays_closed_for_the_next_process(tmp_path):
    url = tmp_path / "shop.db"
    shop, clock = opened(SqlStore(f"sqlite:///{url}"))
    october(shop, clock)
    shop.stock.close_period("2026-10-31")
    shop.close()
    again = Workshop(SqlStore(f"sqlite:///{url}"), clock=FakeClock("2026-11-04 08:00", zone=ZONE))

    with pytest.raises(TooFarBack):
        again.stock.scrap("oil", "1 kg", lot="O", reason="spilt", happened_at="2026-10-25 08:00")
    with sqlite3.connect(url) as plain:
        assert plain.execute("SELECT count(*) FROM krafte_diary WHERE document = 'books'").fetchone() == (1,)
    plain.close()
    again.close()
