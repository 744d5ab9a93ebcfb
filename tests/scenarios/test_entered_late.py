"""The slips of the week are typed on Friday: runs, materials and output that are written down after they happened."""

from __future__ import annotations

import pytest

from krafte_core import Item, OrderStatus, qty
from krafte_core.errors import InvalidInput, NaiveDatetime, TooMuch
from krafte_core.quality import Check
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


def test_a_run_that_was_stopped_on_tuesday_is_written_down_on_friday():
    """The kettle broke on Tuesday at noon, after 40 bars; on Thursday the oil that had come back was counted."""
    shop, run, clock = at_work(oil="6 kg")
    clock.set("2026-03-03 10:00")
    shop.production.report(run, made="40 each")
    clock.set("2026-03-06 17:00")
    for wrong in ("2026-03-03 09:59", "2026-03-06 17:01"):  # 40 bars were reported at ten; it is five o'clock
        with pytest.raises(InvalidInput):
            shop.production.stop(run, happened_at=wrong)

    stopped = shop.production.stop(run, reason="the kettle broke", happened_at="2026-03-03 12:00")

    assert shop.production.status(run) == "done"
    assert str(stopped.lost) == "60 each"
    back = [row for row in ledger(shop, run) if row.kind == "give_back"]
    assert {f"{row.happened_at:%d %H:%M}" for row in back} == {"03 11:00"}
    assert {f"{entry.happened:%d %H:%M}" for entry in shop.production.history(run) if entry.step == "stop"} == {"03 11:00"}
    shop.verify()


def test_what_was_taken_back_on_wednesday_is_written_down_on_friday():
    """100 bars of Tuesday were cut up again on Wednesday. What was sold of them on Thursday cannot have been among them."""
    shop, run, clock = at_work()
    clock.set("2026-03-03 12:00")
    shop.production.complete(run, made="100 each", lot="B-1")
    clock.set("2026-03-05 12:00")
    shop.stock.scrap("bar", "10 each", lot="B-1", reason="fell")
    clock.set("2026-03-06 17:00")
    before = everything(shop)
    with pytest.raises(TooMuch):
        shop.production.reverse(run, "95 each", happened_at="2026-03-04 12:00")
    with pytest.raises(InvalidInput):  # nothing was made by then
        shop.production.reverse(run, "50 each", happened_at="2026-03-03 11:00")
    assert everything(shop) == before

    shop.production.reverse(run, "50 each", happened_at="2026-03-04 12:00")

    assert {f"{row.happened_at:%d}" for row in ledger(shop, run) if row.kind == "reverse"} == {"04"}
    assert hand(shop, "bar") == {"bar": "40 each"}
    shop.verify()


def test_a_count_since_a_reversal_stays_what_was_counted():
    """On Thursday 60 bars were counted where the books had 100; 50 were taken back on Wednesday, so that 10 were found."""
    shop, run, clock = at_work()
    clock.set("2026-03-03 12:00")
    shop.production.complete(run, made="100 each", lot="B-1")
    clock.set("2026-03-05 12:00")
    shop.stock.count("bar", "60 each", lot="B-1")
    clock.set("2026-03-06 17:00")

    shop.production.reverse(run, "50 each", happened_at="2026-03-04 12:00")

    assert hand(shop, "bar") == {"bar": "60 each"}
    assert str(shop.trace.balance("bar", "B-1").count_loss) == "-10 each"
    shop.verify()


def test_a_parcel_arrives_when_it_arrived_and_not_before_it_left():
    shop, run, clock = at_work()
    shop.production.complete(run, made="100 each")
    sent = shop.shipping.ship(confirmed(shop, "Anna", "10 each", "bar"))
    clock.set("2026-03-06 17:00")
    for wrong in ("2026-03-02 07:59", "2026-03-06 17:01"):
        with pytest.raises(InvalidInput) as refusal:
            shop.shipping.deliver(sent, happened_at=wrong)
        assert refusal.value.field == "happened_at"

    shop.shipping.deliver(sent, happened_at="2026-03-05 11:00")

    assert shop.orders.status(sent.orders[0]) is OrderStatus.DELIVERED
    told = [f"{entry.at:%d %H:%M}" for entry in shop.orders.timeline(sent.orders[0]).entries if entry.step == "deliver"]
    assert told == ["05 10:00"]


def test_what_was_measured_on_tuesday_counts_before_what_was_measured_on_wednesday():
    shop, clock = soap_kitchen()
    shop.register(Item("bar", unit="each", checks=[Check("pH", most="10")]))
    clock.set("2026-03-03 07:00")
    shop.stock.found("bar", "5 each", lot="B-1")
    clock.set("2026-03-04 09:00")
    shop.stock.measure("bar", {"pH": "9.5"}, lot="B-1")
    (late,) = shop.stock.measure("bar", {"pH": "11"}, lot="B-1", happened_at="2026-03-03 18:00")

    assert f"{late.at:%d %H:%M}" == "03 17:00"
    with pytest.raises(InvalidInput):
        shop.stock.measure("bar", {"pH": "9"}, lot="B-1", happened_at="2026-03-03 06:59")
    shop.stock.hold("bar", lot="B-1")
    shop.stock.release("bar", lot="B-1")  # the last value that was measured, 9.5, is good


def test_nothing_comes_back_before_it_was_sent():
    """20 bars left on Monday and 20 more on Thursday; on Tuesday at most the first 20 can have come back."""
    shop, run, clock = at_work()
    shop.production.complete(run, made="100 each")
    anna = confirmed(shop, "Anna", "40 each", "bar")
    shop.shipping.ship(anna, amounts={"bar": "20 each"})
    clock.set("2026-03-05 12:00")
    shop.shipping.ship(anna)
    clock.set("2026-03-06 17:00")

    for amount, at in (("25 each", "2026-03-03 12:00"), ("1 each", "2026-03-02 07:00")):
        with pytest.raises(TooMuch):
            shop.shipping.receive_return(anna, amounts={"bar": amount}, happened_at=at)
    shop.shipping.receive_return(anna, amounts={"bar": "20 each"}, happened_at="2026-03-03 12:00")
    shop.shipping.receive_return(anna, amounts={"bar": "20 each"})

    assert shop.trace.balance("bar", run.number).returned == qty("40 each")
    shop.verify()


def test_a_run_did_not_end_before_what_lay_on_its_line_was_counted():
    """On Wednesday somebody counted the oil in the kettle: on Tuesday the soap cannot have been done."""
    shop, run, clock = at_work()
    clock.set("2026-03-04 12:00")
    shop.stock.count("oil", "5 kg", lot="O-1", place=f"line:{run.number}")
    clock.set("2026-03-06 17:00")
    early = "2026-03-03 12:00"

    for command in (
        lambda: shop.production.complete(run, made="100 each", happened_at=early),
        lambda: shop.production.stop(run, happened_at=early),
        lambda: shop.production.reverse(run, happened_at=early),
    ):
        with pytest.raises(InvalidInput) as refusal:
            command()
        assert refusal.value.field == "happened_at"
    shop.production.report(run, made="20 each", happened_at=early)
    shop.production.complete(run, made="80 each", happened_at="2026-03-04 13:00")

    assert not [row for row in shop.stock.lots("oil") if row.place == f"line:{run.number}"]
    shop.verify()
