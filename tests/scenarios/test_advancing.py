"""Good news: stock is found, a delivery comes sooner. Nothing moves by itself; who could be earlier is told and moved if asked."""

from __future__ import annotations

import pytest

from krafte_core import Ingredient, Item, Offer, OrderLine, Recipe, Supplier, WorkCenter, Workshop
from krafte_core.errors import InvalidInput, NotAllowed, Unknown
from krafte_core.recipes import Operation
from krafte_core.testing import FakeClock

HOURS = "Mon-Fri 08:00-16:00"


def jam_shop() -> Workshop:
    """Jam is cooked in one kettle (two hours) and labelled on the bench (one hour); fruit takes ten days. It is Monday, 7:00."""
    shop = Workshop.in_memory(clock=FakeClock("2026-11-23 07:00"))
    shop.register(
        *(Item(code, unit="each") for code in ("fruit", "jam", "gift")),
        WorkCenter("kettle", hours=HOURS),
        WorkCenter("bench", hours=HOURS),
        Supplier("Hof", offers=[Offer("fruit", lead_time="10 days")]),
        Recipe(
            "jam", makes="1 each", ingredients=[Ingredient("fruit", "1 each")], operations=[Operation("cook", at="kettle", run="2 h")]
        ),
        Recipe(
            "gift", makes="1 each", ingredients=[Ingredient("jam", "1 each")], operations=[Operation("label", at="bench", run="1 h")]
        ),
    )
    return shop


def accepted(shop: Workshop, *wishes: str) -> list[str]:
    """Orders for a gift each, planned and accepted."""
    orders = [shop.orders.place(customer=f"for {day}", lines=[OrderLine("gift", "1 each")], requested=day).number for day in wishes]
    shop.planning.accept(shop.planning.plan())
    return orders


def starts(shop: Workshop) -> dict[str, str]:
    return {run.item: f"{run.planned_start:%m-%d %H:%M}" for run in shop.production.find() if run.planned_start}


def test_a_delivery_that_comes_sooner_brings_the_order_forward_where_it_is_asked_for():
    shop = jam_shop()
    (order,) = accepted(shop, "2026-11-25")
    assert starts(shop) == {"jam": "12-03 08:00", "gift": "12-03 10:00"}
    assert shop.planning.earlier() == ()
    shop.purchasing.reschedule(shop.purchasing.find()[0], "2026-11-26 09:00")
    (found,) = shop.planning.earlier()
    assert str(found) == f"{order} (for 2026-11-25): 2026-11-26 instead of 2026-12-03"
    assert starts(shop) == {"jam": "12-03 08:00", "gift": "12-03 10:00"}  # only said so far

    done = shop.planning.advance()

    assert done.orders == (found,)
    assert [(one.item, one.reason) for one in done.moved] == [
        ("jam", f"{order} is brought forward"),
        ("gift", f"{order} is brought forward"),
    ]
    assert starts(shop) == {"jam": "11-26 09:00", "gift": "11-26 11:00"}
    assert str(shop.orders.promise(order).date) == "2026-11-26"
    assert {type(event).__name__ for event in done.events} == {"ProductionRescheduled"}
    assert str(shop.planning.advance()) == "nothing can be earlier"
    assert shop.planning.plan().proposes_nothing
    assert not shop.planning.mend().moved
    shop.verify()


@pytest.mark.parametrize(("item", "moved"), [("fruit", ["jam", "gift"]), ("jam", ["gift"]), ("gift", [])])
def test_what_was_found_is_used_on_whichever_level_it_is(item, moved):
    shop = jam_shop()
    (order,) = accepted(shop, "2026-11-25")
    shop.stock.found(item, "3 each", reason="behind the shelf")

    done = shop.planning.advance()

    assert [str(one.after) for one in done.orders] == ["2026-11-23"]
    assert [one.item for one in done.moved] == moved
    assert str(shop.orders.promise(order).date) == "2026-11-23"
    shop.verify()


def test_who_is_in_time_stays_unless_he_is_named():
    shop = jam_shop()
    (order,) = accepted(shop, "2026-12-11")
    shop.stock.found("fruit", "3 each", reason="behind the shelf")
    assert shop.planning.earlier() == ()
    assert [str(one.after) for one in shop.planning.earlier([order])] == ["2026-11-23"]
    assert [one.item for one in shop.planning.advance([order]).moved] == ["jam", "gift"]


def test_the_first_in_the_queue_gets_what_is_enough_for_one():
    shop = jam_shop()
    first, second = accepted(shop, "2026-11-24", "2026-11-25")
    shop.stock.found("fruit", "1 each", reason="behind the shelf")
    assert [one.order for one in shop.planning.earlier()] == [first, second]  # each for itself
    assert [one.order for one in shop.planning.advance().orders] == [first]
    assert str(shop.orders.promise(second).date) == "2026-12-03"
    shop.verify()


def test_what_is_released_stays_and_what_others_wait_for_too():
    shop = jam_shop()
    (order,) = accepted(shop, "2026-11-25")
    for run in shop.production.find():
        shop.production.release(run)
    shop.stock.found("fruit", "3 each", reason="behind the shelf")
    before = starts(shop)
    assert shop.planning.advance().orders == ()
    assert shop.planning.advance([order]).moved == ()
    assert starts(shop) == before


def test_a_run_for_two_orders_moves_for_neither():
    shop = jam_shop()
    orders = [
        shop.orders.place(customer=name, lines=[OrderLine("gift", "1 each")], requested="2026-11-25") for name in ("Anna", "Ben")
    ]
    shop.production.plan_for(orders)
    shop.stock.found("fruit", "9 each", reason="behind the shelf")
    assert shop.planning.advance([order.number for order in orders]).moved == ()
    shop.verify()


def test_a_preview_shows_it_and_moves_nothing():
    shop = jam_shop()
    accepted(shop, "2026-11-25")
    shop.stock.found("fruit", "3 each", reason="behind the shelf")
    before = starts(shop)
    assert len(shop.preview(lambda trial: trial.planning.advance()).answer.moved) == 2
    assert starts(shop) == before


def test_asking_for_what_is_not_there_is_refused():
    shop = jam_shop()
    order = accepted(shop, "2026-11-25")[0]
    with pytest.raises(Unknown):
        shop.planning.advance(["CO-0"])
    with pytest.raises(InvalidInput, match="a list of orders"):
        shop.planning.earlier(order)
    shop.orders.cancel(order)
    with pytest.raises(NotAllowed):
        shop.planning.advance([order])
