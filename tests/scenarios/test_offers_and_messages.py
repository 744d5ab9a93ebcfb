"""Offers that hold and run out, what-if branches, keys that keep a retry from doing things twice, and messages to those who listen."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from krafte_core import OrderStatus, Short, qty
from krafte_core.errors import AlreadyExists, KeyReused, NotAllowed
from krafte_core.events import (
    CoverLost,
    OrderConfirmed,
    OrderDelivered,
    OrderShipped,
    ProductionCompleted,
    StockChanged,
)
from tests.scenarios.day import candle_shop, confirmed, order, reserved


def stocked_shop():
    """Four kilograms of wax: enough for twenty candles."""
    shop, clock = candle_shop()
    shop.stock.receive("wax", "4 kg", lot="W-1")
    shop.stock.receive("wick", "100 each", lot="K-1")
    return shop, clock


def test_a_quote_holds_material_until_it_runs_out_and_then_stops_counting_at_once():
    shop, clock = stocked_shop()
    anna, ben = order(shop, "Anna", "20 each"), order(shop, "Ben", "20 each")
    quote = shop.orders.quote(anna, until="2026-03-03 12:00")
    assert quote.date == date(2026, 3, 2)
    assert shop.stock.level("wax").available == qty("0 kg")
    assert [str(one.missing) for one in shop.orders.check(ben).shortages] == ["4 kg"]
    assert shop.orders.promise(ben).date == date(2026, 3, 6)  # wax on Friday at 8, two hours at the melter

    clock.set("2026-03-03 12:00")

    assert shop.stock.level("wax").available == qty("4 kg")
    assert shop.orders.check(ben).ok
    with pytest.raises(NotAllowed) as ended:
        shop.orders.withdraw(quote)
    assert ended.value.state == "expired"
    done = shop.orders.confirm(ben, when_short="refuse")
    assert done.promised == date(2026, 3, 3)
    (held,) = [run for run in shop.production.find() if run.number not in done.productions]
    assert shop.production.status(held) == "withdrawn"  # the run that the quote had proposed
    shop.verify()


def test_a_confirmed_quote_becomes_the_plan_that_it_held():
    shop, _ = stocked_shop()
    anna = order(shop, "Anna", "20 each")
    quote = shop.orders.quote(anna, until="2026-03-03 12:00")
    (proposed,) = shop.production.find()
    assert shop.production.status(proposed) == "proposed"
    assert shop.orders.status(anna) is OrderStatus.RECEIVED
    with pytest.raises(AlreadyExists):
        shop.orders.quote(anna, until="2026-03-09 12:00")

    done = shop.orders.confirm(anna)

    assert done.productions == ()
    assert [run.number for run in shop.production.covering(anna)] == [proposed.number]
    assert shop.production.status(proposed) == "planned"
    assert shop.orders.status(anna) is OrderStatus.MATERIALS_RESERVED
    with pytest.raises(NotAllowed):
        shop.orders.withdraw(quote)
    shop.verify()


def test_of_two_quotes_only_the_one_that_ran_out_lets_go():
    shop, clock = stocked_shop()
    anna, ben, cem = (order(shop, name, "10 each") for name in ("Anna", "Ben", "Cem"))
    short_one = shop.orders.quote(anna, until="2026-03-02 12:00")
    long_one = shop.orders.quote(ben, until="2026-03-05 12:00")
    with pytest.raises(Short):  # material that must be bought first can be held by nobody
        shop.orders.quote(cem, until="2026-03-05 12:00")
    clock.set("2026-03-02 13:00")

    shop.orders.quote(cem, until="2026-03-05 12:00")

    assert reserved(shop, "wax") == {"W-1": "4 kg"}
    assert not shop.orders.confirm(ben).shortages
    assert [one.item for one in shop.orders.confirm(anna).shortages] == ["wax"]
    assert short_one.until < long_one.until
    shop.verify()


def test_a_withdrawn_quote_and_a_cancelled_order_give_back_what_they_held():
    shop, _ = stocked_shop()
    anna, ben = order(shop, "Anna", "10 each"), order(shop, "Ben", "10 each")
    shop.orders.withdraw(shop.orders.quote(anna, until="2026-03-05 12:00"))
    shop.orders.quote(ben, until="2026-03-05 12:00")
    assert shop.stock.level("wax").available == qty("2 kg")
    shop.orders.cancel(ben)
    assert shop.stock.level("wax").available == qty("4 kg")
    assert {shop.production.status(run) for run in shop.production.find()} == {"withdrawn"}
    shop.verify()


def test_a_fact_about_a_lot_does_not_name_an_offer_that_has_run_out():
    shop, clock = stocked_shop()
    anna = order(shop, "Anna", "20 each")
    shop.orders.quote(anna, until="2026-03-03 12:00")
    clock.set("2026-03-04 12:00")

    assert shop.stock.transfer("wax", "4 kg", lot="W-1", to="shelf").code == "W-1"  # it is free again
    assert shop.stock.scrap("wax", "1 kg", lot="W-1", reason="dirt").displaced == ()
    shop.verify()


def test_a_fork_answers_what_if_and_nothing_comes_back():
    shop, _ = stocked_shop()
    anna = order(shop, "Anna", "20 each")
    trial = shop.fork()
    trial.stock.scrap("wax", "4 kg", lot="W-1", reason="what if it is lost")
    assert trial.orders.promise(anna).date == date(2026, 3, 6)
    trial.orders.confirm(anna)
    assert trial.production.find()[0].number == "PB-draft-001"

    assert shop.orders.promise(anna).date == date(2026, 3, 2)
    assert shop.production.find() == ()
    assert shop.stock.level("wax").on_hand == qty("4 kg")
    would = shop.preview(lambda other: other.orders.confirm(anna))
    assert would.answer.promised == date(2026, 3, 2)
    assert len(would.changes.papers) == 1  # the run; the order itself does not change
    assert shop.orders.status(anna) is OrderStatus.RECEIVED
    shop.orders.confirm(anna)
    assert [run.number for run in shop.production.find()] == ["PB-2026-03-001"]  # no number was used up


def test_a_retry_with_the_same_key_does_nothing_twice_and_another_content_is_refused():
    shop, _ = stocked_shop()
    lot = shop.stock.receive("wax", "5 kg", lot="W-2", key="delivery 4711")
    assert shop.stock.receive("wax", "5 kg", lot="W-2", key="delivery 4711") == lot
    assert shop.stock.level("wax").on_hand == qty("9 kg")
    anna = order(shop, "Anna", "20 each", key="mail 1")
    assert order(shop, "Anna", "20 each", key="mail 1") == anna
    first = shop.orders.confirm(anna, key="click")
    assert shop.orders.confirm(anna, key="click") == first
    assert len(shop.production.find()) == 1
    with pytest.raises(KeyReused):
        shop.stock.receive("wax", "6 kg", lot="W-2", key="delivery 4711")


def test_who_listens_hears_what_a_message_to_the_customer_needs():
    shop, clock = stocked_shop()
    heard: list[Any] = []
    shop.subscribe("mailer", heard.append, since="now")
    anna = confirmed(shop, "Anna", "20 each", shipping="parcel")
    (run,) = shop.production.covering(anna)
    shop.production.start(run)
    shop.production.complete(run, made="18 each", lot="C-1")
    shop.stock.scrap("candle", "3 each", lot="C-1", reason="bent")
    clock.set("2026-03-03 08:00")
    parcel = shop.shipping.ship(anna, carrier="DHL", tracking="0034")
    shop.shipping.deliver(parcel)
    assert heard == []

    (delivery,) = shop.deliver_events()

    assert (delivery.subscriber, delivery.failed) == ("mailer", None)

    def of(kind):
        return [event for event in heard if type(event) is kind]

    (yes,) = of(OrderConfirmed)
    assert (yes.document, yes.customer, yes.promised) == (anna.number, "Anna", date(2026, 3, 4))
    (made,) = of(ProductionCompleted)
    assert (made.document, made.lot, made.made) == (run.number, "C-1", qty("18 each"))
    assert [(event.document, event.amount, event.reason) for event in of(CoverLost)] == [
        (anna.number, qty("2 each"), f"{run.number} made less"), (anna.number, qty("3 each"), "bent"),
    ]  # fmt: skip
    (bent,) = of(StockChanged)
    assert (bent.lot, bent.kind, bent.difference, bent.reason) == ("C-1", "scrap", -qty("3 each"), "bent")
    (away,) = of(OrderShipped)
    assert (away.document, away.customer, away.shipment, away.carrier, away.tracking) == (
        anna.number, "Anna", parcel.number, "DHL", "0034",
    )  # fmt: skip
    (there,) = of(OrderDelivered)
    assert (there.at, there.shipment) == (clock.now(), parcel.number)
    assert [event.at for event in heard] == sorted(event.at for event in heard)
    (again,) = shop.deliver_events()
    assert again.delivered == 0
