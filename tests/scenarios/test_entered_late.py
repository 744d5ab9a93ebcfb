"""The slips of the week are typed on Friday: runs, materials and output that are written down after they happened."""

from __future__ import annotations

import pytest

from krafte_core import OrderStatus, qty
from krafte_core.errors import InvalidInput, NaiveDatetime, TooMuch
from tests.scenarios.day import confirmed
from tests.scenarios.test_productions import at_work, everything, hand, soap_kitchen


def test_a_run_of_tuesday_is_written_down_on_friday():
    """Planned on Monday for Anna; on Tuesday it was boiled, on Wednesday cut; on Friday somebody types it."""
    shop, clock = soap_kitchen()
    anna = confirmed(shop, "Anna", "100 each", "bar")
    run = shop.production.covering(anna)[0]
    clock.set("2026-03-06 17:00")

    shop.production.start(run, happened_at="2026-03-03 09:00")
    shop.production.report(run, made="60 each", happened_at="2026-03-03 16:00")
    done = shop.production.complete(run, made="40 each", happened_at="2026-03-04 11:00")

    days = {row.kind: f"{row.happened_at:%Y-%m-%d %H:%M}" for row in ledger(shop, run)}
    assert days == {"start": "2026-03-03 08:00", "use": "2026-03-04 10:00", "make": "2026-03-04 10:00"}  # UTC, the last of each
    assert {f"{row.recorded_at:%Y-%m-%d}" for row in ledger(shop, run)} == {"2026-03-06"}
    assert done.lot.received_at.isoformat() == "2026-03-04T10:00:00+00:00"
    assert shop.orders.status(anna) is OrderStatus.READY_TO_SHIP
    told = [f"{entry.at:%d %H:%M} {entry.step}" for entry in shop.orders.timeline(anna).entries]
    assert told[2:5] == ["03 08:00 start", "03 15:00 report", "04 10:00 complete"]
    shop.verify()


def test_made_on_tuesday_and_typed_on_friday_in_one_line():
    shop, clock = soap_kitchen()
    clock.set("2026-03-06 17:00")

    done = shop.production.make("bar", "50 each", happened_at="2026-03-03 12:00")

    assert f"{done.lot.received_at:%Y-%m-%d %H:%M}" == "2026-03-03 11:00"
    assert hand(shop, "oil", "bar") == {"oil": "9 kg", "bar": "50 each"}
    shop.verify()


def test_what_was_brought_on_tuesday_is_taken_from_what_was_there_on_tuesday():
    """Lesson 37: the older slip does not get the lot that came on Thursday, although that one expires first."""
    shop, run, clock = at_work(oil="6 kg")
    shop.stock.receive("sugar", "2 kg", lot="S-TUE", expires="2027-01-01")
    clock.set("2026-03-05 08:00")
    shop.stock.receive("sugar", "2 kg", lot="S-THU", expires="2026-06-01")

    late = shop.production.issue(run, "sugar", "1 kg", reason="too bitter", happened_at="2026-03-03 10:00")
    now = shop.production.issue(run, "sugar", "1 kg", reason="still too bitter")

    assert [[move.lot for move in one.moves] for one in (late, now)] == [["S-TUE"], ["S-THU"]]
    shop.production.complete(run, made="100 each")
    with pytest.raises(TooMuch) as refusal:  # the lot that was named was not there yet
        shop.production.use(run, "sugar", "1 kg", lot="S-THU", reason="forgotten", happened_at="2026-03-04 08:00")
    assert refusal.value.there == qty("0 kg")
    shop.production.use(run, "sugar", "1 kg", lot="S-THU", reason="forgotten", happened_at="2026-03-05 08:00")
    assert hand(shop, "sugar") == {"sugar": "1 kg"}
    shop.verify()


def test_a_count_since_then_stays_what_was_counted():
    """6 kg of oil were used on Tuesday, on Wednesday 6 kg were counted: when the run is typed on Friday, there are 6 kg still."""
    shop, clock = soap_kitchen()
    clock.set("2026-03-04 18:00")
    assert shop.stock.count("oil", "6 kg", lot="O-1").difference == -qty("6 kg")
    clock.set("2026-03-06 08:00")
    shop.stock.receive("oil", "12 kg", lot="O-2")
    run = shop.production.plan("bar", "100 each").production  # reserves the 6 kg of O-1, the older lot

    shop.production.start(run, happened_at="2026-03-03 08:00")
    shop.production.complete(run, made="100 each", happened_at="2026-03-03 12:00")

    balance = shop.trace.balance("oil", "O-1")
    assert [str(one) for one in (balance.used, balance.count_loss, balance.on_hand)] == ["6 kg", "0 kg", "6 kg"]
    shop.verify()


def test_a_run_does_not_end_before_it_began_and_nothing_happens_tomorrow():
    shop, run, clock = at_work()
    clock.set("2026-03-06 08:00")
    before = everything(shop)
    wrong = [
        lambda: shop.production.complete(run, made="100 each", happened_at="2026-03-01 08:00"),
        lambda: shop.production.report(run, made="100 each", happened_at="2026-03-07 08:00"),
        lambda: shop.production.issue(run, "lye", "1 kg", happened_at="2026-03-02 07:59"),
        lambda: shop.production.give_back(run, "lye", "1 kg", happened_at="2026-03-02 07:59"),
        lambda: shop.production.scrap(run, "lye", "1 kg", reason="wet", happened_at="2026-03-02 07:59"),
    ]
    for command in wrong:
        with pytest.raises(InvalidInput) as refusal:
            command()
        assert refusal.value.field == "happened_at"
    with pytest.raises(NaiveDatetime):
        shop.production.complete(run, made="100 each", happened_at=clock.now().replace(tzinfo=None))
    shop.production.scrap(run, "lye", "100 g", reason="wet", happened_at="2026-03-05 08:00")
    with pytest.raises(InvalidInput):  # lye was scrapped on its line on the 5th
        shop.production.complete(run, made="100 each", happened_at="2026-03-04 08:00")
    assert everything(shop) != before
    shop.production.complete(run, made="100 each", happened_at="2026-03-05 08:00")
    shop.verify()


def test_materials_that_came_later_cannot_have_been_in_a_run_of_before():
    shop, clock = soap_kitchen(oil="1 kg")
    clock.set("2026-03-05 08:00")
    shop.stock.receive("oil", "11 kg", lot="O-2")
    run = shop.production.plan("bar", "100 each").production
    before = everything(shop)

    with pytest.raises(TooMuch) as refusal:
        shop.production.start(run, happened_at="2026-03-04 08:00")

    assert refusal.value.there == qty("0 kg")
    assert everything(shop) == before
    shop.production.start(run, happened_at="2026-03-05 08:00")


def ledger(shop, run):
    with shop._office.look() as work:
        return [row for row in work.reader.postings(papers=[run.number]) if row.paper == run.number]


@pytest.mark.parametrize("what", ["split", "blend", "regrade"])
def test_lots_that_became_others_on_tuesday_are_written_down_on_friday(what: str):
    """Two drums of oil came on Monday and a third on Thursday: on Tuesday only the first two can have been touched."""
    shop, clock = soap_kitchen()
    shop.stock.receive("oil", "6 kg", lot="O-2")
    clock.set("2026-03-05 08:00")
    shop.stock.receive("oil", "6 kg", lot="O-3")
    clock.set("2026-03-06 17:00")
    shop.stock.scrap("oil", "1 kg", lot="O-2", reason="spilt")
    stock, before = shop.stock, everything(shop)

    def become(lot: str, at: str, amount: str = "6 kg"):
        if what == "split":
            return stock.split("oil", amount, lot=lot, happened_at=at)
        if what == "blend":
            return stock.blend("oil", {"O-1": "1 kg", lot: amount}, happened_at=at)
        return stock.regrade("oil", amount, lot=lot, to="lye", happened_at=at)

    for wrong in [("O-3", "2026-03-03 09:00"), ("O-2", "2026-03-03 09:00"), ("O-2", "2026-03-01 09:00", "1 kg")]:
        with pytest.raises(TooMuch):
            become(*wrong)
        assert everything(shop) == before
    with pytest.raises(InvalidInput):
        become("O-2", "2026-03-07 09:00")
    done = become("O-2", "2026-03-03 09:00", "5 kg")

    assert done.number.endswith("-001"), "a refusal takes no number"
    assert done.lot.received_at.isoformat() == "2026-03-03T08:00:00+00:00"
    shop.verify()
